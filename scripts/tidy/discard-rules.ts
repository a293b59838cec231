import { type Finding, lineAt, type Source } from "./source.js";

const MODULES = ["stack/", "ltran/dispatch/"];
const STATS = /^(stack|ltran\/dispatch)\/stats\//;
const INPUT = /\bfunction\s+(\w*[iI]nput)\s*\(/g;
/** Why leaving an input function without a word is right: said in a comment on the line or the one before. */
const EXPLAINED = /\b(counted|kept|answered|not ours to judge|nothing to do)\b/;

/** Offset of the brace that closes the one at `open`. */
function closingOf(code: string, open: number): number {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    if (code[at] === "{") depth += 1;
    else if (code[at] === "}" && --depth === 0) return at;
  }
  return code.length;
}

const FUNCTION = /^(?:export )?function (\w+)/gm;

/** The functions that discard with a reason, themselves or through what they call. */
function discardingFunctions(sources: readonly Source[]): Set<string> {
  const bodies = new Map<string, string>();
  for (const { code } of sources) {
    for (const match of code.matchAll(FUNCTION)) {
      const open = code.indexOf("{", match.index);
      bodies.set(match[1] ?? "", code.slice(open, closingOf(code, open)));
    }
  }
  const found = new Set(["drop"]);
  for (let before = 0; before < found.size; ) {
    before = found.size;
    for (const [name, body] of bodies) {
      const calls = [...body.matchAll(/(\w+)\(/g)].map((match) => match[1] ?? "");
      if (calls.some((called) => found.has(called))) found.add(name);
    }
  }
  return found;
}

/**
 * Whether what stands before a `return;` accounts for the packet: a statement of the same block, or a
 * condition `!judge(...)` whose function discards with a reason.
 */
function isAccounted(before: string, discarding: ReadonlySet<string>): boolean {
  const text = before.trimEnd();
  if (/[;}]$/.test(text)) return true;
  const judge = /\bif \(!(\w+)\([^;{}]*\)\)(?: \{)?$/.exec(text);
  return judge !== null && discarding.has(judge[1] ?? "");
}

/** A function that takes in a packet leaves early only after a call: drop(reason), an answer, a hand-over. */
export function silentDiscards(sources: readonly Source[]): Finding[] {
  return MODULES.flatMap((module) => silentDiscardsIn(sources.filter(({ path }) => path.startsWith(module))));
}

function silentDiscardsIn(sources: readonly Source[]): Finding[] {
  const findings: Finding[] = [];
  const scripts = sources.filter(({ path }) => path.endsWith(".ts"));
  const discarding = discardingFunctions(scripts);
  for (const source of scripts) {
    const { code } = source;
    const comments = source.comments.split("\n");
    for (const match of code.matchAll(INPUT)) {
      const open = code.indexOf("{", match.index);
      const body = code.slice(open, closingOf(code, open));
      for (const early of body.matchAll(/\breturn;/g)) {
        if (isAccounted(body.slice(0, early.index), discarding)) continue;
        const line = lineAt(code, open + early.index);
        if (EXPLAINED.test(`${comments[line - 2] ?? ""}${comments[line - 1] ?? ""}`)) continue;
        findings.push({ path: source.path, line, message: `${match[1]} discards without a reason` });
      }
    }
  }
  return findings;
}

/** A counter or reason that nobody counts would read as "never happened". */
export function unusedCounters(sources: readonly Source[]): Finding[] {
  return MODULES.flatMap((module) => unusedCountersIn(sources.filter(({ path }) => path.startsWith(module))));
}

function unusedCountersIn(sources: readonly Source[]): Finding[] {
  const code = sources.map((source) => source.code).join("\n");
  const findings: Finding[] = [];
  for (const source of sources.filter(({ path }) => STATS.test(path))) {
    for (const match of source.code.matchAll(/^export enum (\w+) \{([^}]*)\}/gm)) {
      for (const member of (match[2] ?? "").matchAll(/(\w+),/g)) {
        const name = `${match[1]}.${member[1]}`;
        if (member[1] === "count" || new RegExp(`\\b${name}\\b`).test(code)) continue;
        const line = lineAt(source.code, match.index + match[0].indexOf(`${member[1]},`));
        findings.push({ path: source.path, line, message: `counted nowhere: ${name}` });
      }
    }
  }
  return findings;
}
