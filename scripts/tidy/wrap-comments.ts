import { MAX_COLUMNS } from "./size-rules.js";

const LINE = /^(\s*)\/\/ (.*)$/;
const INNER = /^(\s*)\* (.*)$/;
const WHOLE = /^(\s*)\/\*(\*?) (.*) \*\/$/;
/** Text that must keep its line: lists, tables, tags, directives. */
const FIXED = /^([-|*@]|\d+\.|biome-ignore|\s)/;

/** Splits text at the last blank that fits; null when it fits or has no blank. */
function split(text: string, room: number): [string, string] | null {
  if (text.length <= room) return null;
  const blank = text.lastIndexOf(" ", room);
  return blank <= 0 ? null : [text.slice(0, blank), text.slice(blank + 1)];
}

/** Wraps one comment line; what is left over starts the next one if that goes on with the same paragraph. */
function wrapInto(lines: string[], index: number, prefix: string, text: string): void {
  const parts = split(text, MAX_COLUMNS - prefix.length);
  if (parts === null) return;
  const [first, rest] = parts;
  lines[index] = `${prefix}${first}`;
  const next = lines[index + 1] ?? "";
  const nextText = next.startsWith(prefix) ? next.slice(prefix.length) : "";
  const goesOn = nextText !== "" && !FIXED.test(nextText);
  if (goesOn) lines[index + 1] = `${prefix}${rest} ${nextText}`;
  else lines.splice(index + 1, 0, `${prefix}${rest}`);
}

/**
 * Breaks comment lines that are too wide. Comments beside code stay: moving them is the author's to decide.
 */
export function wrapComments(text: string): string {
  const lines = text.split("\n");
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    if (line.length <= MAX_COLUMNS) continue;
    const whole = WHOLE.exec(line);
    if (whole !== null) {
      const [, indent = "", star = "", body = ""] = whole;
      lines.splice(index, 1, `${indent}/*${star}`, `${indent} * ${body}`, `${indent} */`);
      continue;
    }
    const part = LINE.exec(line) ?? INNER.exec(line);
    if (part !== null)
      wrapInto(lines, index, line.slice(0, line.length - (part[2] ?? "").length), part[2] ?? "");
  }
  return lines.join("\n");
}
