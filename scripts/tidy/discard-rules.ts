import { type Finding, lineAt, type Source } from "./source.js";

const STATS = /^stack\/stats\//;
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

/**
 * Whether what stands before a `return;` is a statement of the same block: the call that counts or consumes.
 */
function followsStatement(before: string): boolean {
  return before.trimEnd().endsWith(";");
}

/** A function that takes in a packet leaves early only after a call: drop(reason), an answer, a hand-over. */
export function silentDiscards(sources: readonly Source[]): Finding[] {
  const findings: Finding[] = [];
  for (const source of sources.filter(({ path }) => path.startsWith("stack/") && path.endsWith(".ts"))) {
    const { code } = source;
    const comments = source.comments.split("\n");
    for (const match of code.matchAll(INPUT)) {
      const open = code.indexOf("{", match.index);
      const body = code.slice(open, closingOf(code, open));
      for (const early of body.matchAll(/\breturn;/g)) {
        if (followsStatement(body.slice(0, early.index))) continue;
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
  const users = sources.filter(({ path }) => path.startsWith("stack/"));
  const code = users.map((source) => source.code).join("\n");
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
