import { type Finding, isTest, type Source } from "./source.js";

/** C may be this part of the hand-written lines, tests not counted. */
const MAX_C_SHARE = 0.25;

/** Hand-written lines by language. */
export interface Share {
  c: number;
  script: number;
  /** C's part of both. */
  share: number;
}

const C_IN_STRING =
  /#\s*(include|define|ifndef|ifdef|endif)\b|\b(int|void|char|struct|static|return|uint\d+_t)\b.*[;{]\s*$/;

/** Counts lines; C inside strings counts as C. */
export function languageShare(sources: readonly Source[]): Share {
  let c = 0;
  let script = 0;
  for (const source of sources) {
    if (isTest(source.path)) continue;
    if (source.language === "c") c += source.lines.length;
    if (source.language !== "script") continue;
    const inStrings = source.strings.split("\n").filter((line) => C_IN_STRING.test(line.trimEnd())).length;
    c += inStrings;
    script += source.lines.length - inStrings;
  }
  return { c, script, share: c / Math.max(1, c + script) };
}

/** The stack is TypeScript; C is what the C ABI demands. */
export function tooMuchC(sources: readonly Source[]): Finding[] {
  const { c, script, share } = languageShare(sources);
  if (share < MAX_C_SHARE) return [];
  const percent = (share * 100).toFixed(1);
  return [{ path: ".", line: 0, message: `${c} lines of C beside ${script} of TypeScript: ${percent} %` }];
}
