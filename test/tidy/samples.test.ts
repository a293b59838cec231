// Every rule is shown what it exists to find, and something close to it that is fine.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RULES } from "../../scripts/tidy/rules.js";
import { makeSource, type Source } from "../../scripts/tidy/source.js";

interface Sample {
  rule: string;
  /** Path and text of every file of a tiny tree; each tree of `bad` must be found, none of `good`. */
  bad: Record<string, string>[];
  good: Record<string, string>[];
}

const LATER = ["TO", "DO"].join("");
const IGNORE = ["@ts", "ignore"].join("-");
const HOME = ["", "home", "someone", "x"].join("/");
const MAP = "docs/architecture.md";

function lines(count: number, line: string): string {
  return `${line}\n`.repeat(count);
}

const SAMPLES: readonly Sample[] = [
  {
    rule: "lines are at most 110 columns wide",
    bad: [{ "stack/a.ts": "x".repeat(111) }, { "lstack/a.c": `\t${"x".repeat(107)}` }],
    good: [{ "stack/a.ts": `${"x".repeat(110)}\n` }, { "docs/a.md": "x".repeat(200) }],
  },
  {
    rule: "functions are at most 70 lines long",
    bad: [
      { "stack/a.ts": `function a(): void {\n${lines(69, "  b();")}}\n` },
      { "stack/a.ts": `const a = (b: u32): Map<string, u32> => {\n${lines(69, "  b();")}};\n` },
      { "stack/a.ts": `class A {\n  a(b: u32): u32 | null {\n${lines(69, "    c();")}  }\n}\n` },
      { "lstack/a.c": `static int a(int b)\n{\n${lines(69, "    c();")}}\n` },
    ],
    good: [
      { "stack/a.ts": `function a(): void {\n${lines(68, "  b();")}}\n` },
      { "stack/a.ts": `class A {\n${lines(100, "  a: u32;")}}\n` },
      { "stack/a.ts": `const a = {\n${lines(100, '  "}": "{",')}};\n` },
      { "test/a.test.ts": `describe("a", () => {\n${lines(100, "  b();")}});\n` },
    ],
  },
  {
    rule: "files are at most 500 lines long",
    bad: [{ "stack/a.ts": lines(501, "a();") }, { "lstack/a.inc": lines(501, "a();") }],
    good: [{ "stack/a.ts": lines(500, "a();") }],
  },
  {
    rule: "nothing is left for later",
    bad: [
      { "stack/a.ts": `// ${LATER}: a\n` },
      { "lstack/a.c": `/* ${LATER} */\n` },
      { "a.md": `${LATER}\n` },
    ],
    good: [{ "stack/a.ts": `const a = "${LATER}";\n` }],
  },
  {
    rule: "the type checker is not silenced",
    bad: [{ "sim/a.ts": `// ${IGNORE}\na();\n` }],
    good: [{ "sim/a.ts": `const a = "${IGNORE}";\n` }],
  },
  {
    rule: "any is explained",
    bad: [
      { "sim/a.ts": "let a: any;\n" },
      { "sim/a.ts": "b(a as any);\n" },
      { "sim/a.ts": "let a: any[] = [];\n" },
    ],
    good: [
      { "sim/a.ts": "// any: the format has no type\nlet a: any;\n" },
      { "sim/a.ts": "// as any other\n" },
    ],
  },
  {
    rule: "no dead exports",
    bad: [
      { "stack/a.ts": "export function a(): void {}\na();\n", "stack/index.ts": "export const b = 1;\n" },
      { "stack/a.ts": "const a = 1;\nconst b = 2;\nexport { a, b };\n", "stack/b.ts": "c(a);\n" },
    ],
    good: [
      { "stack/a.ts": "export function a(): void {}\n", "stack/b.ts": 'import { a } from "./a";\na();\n' },
      { "stack/a.ts": "export function a(): void {}\n", "stack/index.ts": 'export * from "./a";\n' },
    ],
  },
  {
    rule: "exported functions and classes have a doc comment",
    bad: [{ "stack/a.ts": "export function a(): void {}\n" }, { "stack/a.ts": "// no\nexport class A {}\n" }],
    good: [
      { "stack/a.ts": "/** Does a. */\nexport function a(): void {}\n" },
      { "stack/a.ts": "/** An a. */\n@unmanaged\nexport class A {}\n" },
    ],
  },
  {
    rule: "raw load and store only in stack/wire, stack/memory and ring",
    bad: [{ "stack/tcp/a.ts": "const a = load<u32>(b);\n" }, { "stack/ip/a.ts": "v128.store(a, b);\n" }],
    good: [{ "stack/wire/a.ts": "const a = load<u32>(b);\n" }, { "stack/tcp/a.ts": "// load<u32>(b)\n" }],
  },
  {
    rule: "no discard without a reason",
    bad: [
      { "stack/ip/a.ts": "function ipInput(a: u32): void {\n  if (a < 20) return;\n  b();\n}\n" },
      { "stack/ip/a.ts": "function ipInput(a: u32): void {\n  if (!isOurs(a)) return;\n}\n" },
      { "stack/ip/a.ts": "function input(a: u32): void {\n  b();\n  if (a < 20) {\n    return;\n  }\n}\n" },
    ],
    good: [
      {
        "stack/ip/a.ts":
          "function ipInput(a: u32): void {\n  if (a < 20) {\n    drop(b);\n    return;\n  }\n}\n",
      },
      {
        "stack/ip/a.ts":
          "function ipInput(a: u32): void {\n  // counted by header()\n  if (a < 20) return;\n}\n",
      },
      {
        "stack/ip/a.ts":
          "function ipInput(a: u32): void {\n  if (!b(a)) return;\n}\n" +
          "function b(a: u32): bool {\n  if (a < 20) drop(c);\n  return a >= 20;\n}\n",
      },
      { "stack/ip/a.ts": "function ipOutput(a: u32): void {\n  if (a < 20) return;\n}\n" },
    ],
  },
  {
    rule: "every counter and reason is counted somewhere",
    bad: [{ "stack/stats/a.ts": "export enum A {\n  b,\n  c,\n  count,\n}\n", "stack/ip/d.ts": "e(A.b);\n" }],
    good: [{ "stack/stats/a.ts": "export enum A {\n  b,\n  count,\n}\n", "stack/ip/d.ts": "e(A.b);\n" }],
  },
  {
    rule: "no protocol shape or number in C",
    bad: [
      { "lstack/a.c": "#include <netinet/tcp.h>\n" },
      { "lstack/a.c": "struct iphdr *a = b;\n" },
      { "lstack/a.c": "if (type == 0x0806) a();\n" },
    ],
    good: [{ "lstack/a.c": "#include <sys/socket.h>\n/* 0x0806 */\nint a = AF_INET;\n" }],
  },
  {
    rule: "C is under a quarter of the hand-written source",
    bad: [
      { "stack/a.ts": lines(75, "a();"), "lstack/a.c": lines(25, "a();") },
      { "stack/a.ts": lines(75, "a();"), "lstack/a.inc": lines(25, "a();") },
      { "stack/a.ts": lines(75, "a();") + lines(25, 'print("static int a;");'.replace('");', '",);')) },
    ],
    good: [
      { "stack/a.ts": lines(76, "a();"), "lstack/a.c": lines(25, "a();") },
      { "stack/a.ts": lines(10, "a();"), "test/a.c": lines(90, "a();") },
    ],
  },
  {
    rule: "no path of one machine, no registry host",
    bad: [
      { "scripts/a.ts": `const a = "${HOME}";\n` },
      { "package-lock.json": '"resolved": "http://a/b"\n' },
    ],
    good: [{ "scripts/a.ts": 'const a = "/etc/gazelle/lstack.conf";\nimport "../work/a";\n' }],
  },
  {
    rule: "the map in docs/architecture.md names every folder",
    bad: [
      { [MAP]: "```\ndocs/  a\nstack/  b\n```\n", "stack/tcp/a.ts": "a();\n" },
      { [MAP]: "```\ndocs/  a\nstack/  b\n  tcp/  c\n  udp/  d\n```\n", "stack/tcp/a.ts": "a();\n" },
      { "stack/tcp/a.ts": "a();\n" },
    ],
    good: [
      {
        [MAP]: "```\ndocs/  a\nstack/  b\n  tcp/  c\ntest/  d\n```\n",
        "stack/tcp/a.ts": "",
        "test/x/a.ts": "",
      },
    ],
  },
];

function treeOf(files: Record<string, string>): Source[] {
  return Object.entries(files).map(([path, text]) => makeSource(path, text));
}

for (const { rule: name, bad, good } of SAMPLES) {
  test(`finds what breaks: ${name}`, () => {
    const rule = RULES.find((candidate) => candidate.name === name);
    assert.ok(rule, "the rule exists");
    for (const files of bad) {
      assert.notEqual(
        rule.check(treeOf(files)).length,
        0,
        `not found: ${JSON.stringify(files).slice(0, 300)}`,
      );
    }
    for (const files of good) {
      assert.deepEqual(
        rule.check(treeOf(files)),
        [],
        `found wrongly: ${JSON.stringify(files).slice(0, 300)}`,
      );
    }
  });
}

test("every rule has samples", () => {
  const sampled = SAMPLES.map((sample) => sample.rule);
  assert.deepEqual(
    RULES.map((rule) => rule.name).filter((name) => !sampled.includes(name)),
    [],
  );
});
