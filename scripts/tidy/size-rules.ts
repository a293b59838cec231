import { type Finding, lineAt, type Source } from "./source.js";

/** Widest line of code, in columns. */
export const MAX_COLUMNS = 110;
/** Longest function, in lines from its opening to its closing brace. */
const MAX_FUNCTION = 70;
/** Longest file of code, in lines. */
const MAX_FILE = 500;

const CONTROL = new Set(["if", "for", "while", "switch", "catch", "with"]);

function isCode(source: Source): boolean {
  return source.language !== "text";
}

/** Lines are no wider than a page; a tab counts as four columns. */
export function lineLength(sources: readonly Source[]): Finding[] {
  const findings: Finding[] = [];
  for (const source of sources.filter(isCode)) {
    source.lines.forEach((line, index) => {
      const columns = line.replaceAll("\t", "    ").length;
      if (columns > MAX_COLUMNS) {
        findings.push({ path: source.path, line: index + 1, message: `${columns} columns` });
      }
    });
  }
  return findings;
}

/** Files are no longer than what one can keep in mind. */
export function fileLength(sources: readonly Source[]): Finding[] {
  return sources
    .filter((source) => isCode(source) && source.lines.length > MAX_FILE)
    .map((source) => ({ path: source.path, line: MAX_FILE, message: `${source.lines.length} lines` }));
}

/** The offset of the parenthesis that the one at `close` closes, or -1. */
function openingOf(code: string, close: number): number {
  let depth = 0;
  for (let at = close; at >= 0; at--) {
    if (code[at] === ")") depth += 1;
    else if (code[at] === "(" && --depth === 0) return at;
  }
  return -1;
}

/** Whether the text before a brace is the head of a function. */
function opensFunction(before: string): boolean {
  const head = before.trimEnd();
  if (head.endsWith("=>")) return !/\b(describe|suite)\([^;{}]*=>$/.test(head.slice(-200));
  // A return type may stand between the parameters and the brace.
  const typed = /\)\s*:\s*[\w<>[\]|., &"'?]+$/.exec(head);
  const close = typed ? typed.index : head.endsWith(")") ? head.length - 1 : -1;
  if (close < 0) return false;
  const open = openingOf(head, close);
  const word = /([\w$]+)\s*(<[^()]*>)?\s*$/.exec(head.slice(0, Math.max(open, 0)));
  return word !== null && !CONTROL.has(word[1] ?? "");
}

/** Functions fit on a page; a test file's describe() is a heading, not a function. */
export function functionLength(sources: readonly Source[]): Finding[] {
  const findings: Finding[] = [];
  for (const source of sources.filter(isCode)) {
    const { code } = source;
    const open: { line: number; isFunction: boolean }[] = [];
    for (const { index, 0: brace } of code.matchAll(/[{}]/g)) {
      const line = lineAt(code, index);
      if (brace === "{") {
        open.push({ line, isFunction: opensFunction(code.slice(Math.max(0, index - 2000), index)) });
        continue;
      }
      const opened = open.pop();
      if (opened === undefined || !opened.isFunction) continue;
      const length = line - opened.line + 1;
      if (length > MAX_FUNCTION) {
        findings.push({ path: source.path, line: opened.line, message: `function of ${length} lines` });
      }
    }
  }
  return findings;
}
