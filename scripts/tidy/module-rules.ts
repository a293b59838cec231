import type { Finding } from "./source.js";

/** Constants of a module lie below the region's root (stack/memory/map.ts). */
const CONSTANTS_END = 0x10000;

function unescapedLength(literal: string): number {
  return literal.replace(/\\([0-9a-f]{2}|.)/g, "?").length;
}

function dataFindings(line: string): string[] {
  const match = /^\s*\(data \S+( \(memory \S+\))? \(i32\.const (\d+)\) "(.*)"\)?/.exec(line);
  if (match === null) return ["a data segment without a constant address"];
  const end = Number(match[2]) + unescapedLength(match[3] ?? "");
  return end > CONSTANTS_END ? [`a data segment up to ${end} lies in the region`] : [];
}

const FORBIDDEN: readonly [RegExp, string][] = [
  [/^\s*\(global .*\(mut /, "a mutable global: state outside linear memory"],
  [/^\s*\(start /, "a start function"],
  [/^\s*\(table /, "a table"],
  [/^\s*\(elem /, "an element segment"],
  [/\bcall_indirect\b/, "an indirect call"],
  [/\bmemory\.grow\b/, "memory.grow"],
  [/\.atomic\.|\bmemory\.atomic\b|\batomic\.fence\b/, "an atomic operation: not atomic after wasm2c"],
  [/\(memory .*\bshared\b/, "shared memory: every plain load becomes atomic"],
  [/^\s*\(memory (?!.*\(import)/, "a memory of its own"],
  [/^\s*\(tag |\bthrow\b/, "an exception"],
];

/**
 * The rules of DESIGN D1 and D2 on the text form of a module as wabt prints it: all state in linear memory,
 * nothing that runs or writes at instantiation, no operation that means something else after wasm2c.
 */
export function moduleFindings(path: string, text: string): Finding[] {
  const findings: Finding[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    const imported = /^\s*\(import /.test(line);
    const messages = FORBIDDEN.filter(([pattern]) => pattern.test(line) && !imported).map(
      ([, message]) => message,
    );
    if (imported && /\(global|\(table|\bshared\b/.test(line))
      messages.push("imports state other than plain memory");
    if (/^\s*\(data /.test(line)) messages.push(...dataFindings(line));
    for (const message of messages) findings.push({ path, line: index + 1, message });
  }
  return findings;
}
