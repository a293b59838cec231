import { posix } from "node:path";
import { type Finding, lineAt, type Source } from "./source.js";

const HOUSES = /^(stack|ltran|config|ctl|sim|bench|scripts)\//;
const KEYWORD = "const\\s+enum|function\\*?|class|const|let|enum|interface|type";
const DECLARED = new RegExp(
  `^export\\s+(?:default\\s+)?(?:declare\\s+)?(?:async\\s+)?(?:abstract\\s+)?(?:${KEYWORD})\\s+(\\w+)`,
  "gm",
);
const LISTED = /^export\s+(?:type\s+)?\{([^}]*)\}/gm;
/** Entry files: what they export is called from outside TypeScript. */
const DOORS = [
  "bench/engine/driver/index.ts",
  "bench/engine/host/index.ts",
  "stack/index.ts",
  "stack/layout.ts",
  "ltran/dispatch/index.ts",
  "ltran/dispatch/layout.ts",
  "config/module/index.ts",
  "scripts/test/reporter.ts",
];

interface Exported {
  name: string;
  line: number;
}

/** Names that a file exports, with their lines. */
function exportsOf(source: Source): Exported[] {
  const { code } = source;
  const declared = [...code.matchAll(DECLARED)].map((match) => ({
    name: match[1] ?? "",
    line: lineAt(code, match.index),
  }));
  const listed = [...code.matchAll(LISTED)].flatMap((match) => {
    const names = (match[1] ?? "").split(",").map((item) => item.trim().split(/\s+/).at(-1) ?? "");
    return names.filter((name) => name !== "").map((name) => ({ name, line: lineAt(code, match.index) }));
  });
  return [...declared, ...listed];
}

/** The doors, and every file whose whole contents a door passes on. */
function doorFiles(byPath: ReadonlyMap<string, Source>): Set<string> {
  const found = new Set<string>();
  const visit = (path: string) => {
    const source = byPath.get(path);
    if (source === undefined || found.has(path)) return;
    found.add(path);
    for (const match of source.text.matchAll(/^export\s+\*\s+from\s+"([^"]+)"/gm)) {
      const target = posix.join(posix.dirname(path), (match[1] ?? "").replace(/\.js$/, ""));
      visit(`${target}.ts`);
      visit(`${target}/index.ts`);
    }
  };
  for (const door of DOORS) visit(door);
  return found;
}

/** An exported name that no other file mentions is private, or dead. */
export function deadExports(sources: readonly Source[]): Finding[] {
  const scripts = sources.filter((source) => source.language === "script");
  const doors = doorFiles(new Map(scripts.map((source) => [source.path, source])));
  const users = new Map<string, Set<string>>();
  for (const source of scripts) {
    for (const [word] of source.code.matchAll(/[A-Za-z_$][\w$]*/g)) {
      const paths = users.get(word) ?? new Set<string>();
      users.set(word, paths.add(source.path));
    }
  }
  const findings: Finding[] = [];
  for (const source of scripts) {
    if (!HOUSES.test(source.path) || doors.has(source.path)) continue;
    for (const { name, line } of exportsOf(source)) {
      const used = [...(users.get(name) ?? [])].some((path) => path !== source.path);
      // A type that is part of an exported signature here is used by whoever calls it.
      const own = [...source.code.matchAll(new RegExp(`\\b${name}\\b`, "g"))].length;
      const isType = new RegExp(`^export\\s+(interface|type)\\s+${name}\\b`, "m").test(source.code);
      if (!used && !(isType && own > 1))
        findings.push({ path: source.path, line, message: `export used nowhere else: ${name}` });
    }
  }
  return findings;
}

/** What other files may call says what it does. */
export function undocumentedExports(sources: readonly Source[]): Finding[] {
  const findings: Finding[] = [];
  for (const source of sources) {
    if (source.language !== "script" || !HOUSES.test(source.path)) continue;
    const comments = source.comments.split("\n");
    source.code.split("\n").forEach((line, index) => {
      const name = /^export\s+(?:default\s+)?(?:async\s+)?(?:function\*?|(?:abstract\s+)?class)\s+(\w+)/.exec(
        line,
      )?.[1];
      // A decorator may stand between the comment and the class.
      const decorated = source.lines[index - 1]?.startsWith("@") === true;
      const above = comments[index - (decorated ? 2 : 1)] ?? "";
      if (name !== undefined && !above.trimEnd().endsWith("*/")) {
        findings.push({ path: source.path, line: index + 1, message: `no doc comment: ${name}` });
      }
    });
  }
  return findings;
}
