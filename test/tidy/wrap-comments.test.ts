import assert from "node:assert/strict";
import { test } from "node:test";
import { wrapComments } from "../../scripts/tidy/wrap-comments.js";

const WORDS = "word ".repeat(30).trim();

function isNarrow(text: string): boolean {
  return text.split("\n").every((line) => line.length <= 110);
}

test("a line comment goes on in the next line", () => {
  const wrapped = wrapComments(`  // ${WORDS}\n  a();\n`);
  assert.ok(isNarrow(wrapped));
  assert.match(wrapped, /^ {2}\/\/ (word )*word\n {2}\/\/ (word )*word\n {2}a\(\);\n$/);
  assert.equal(wrapped.match(/word/g)?.length, 30);
});

test("a block comment of one line becomes one of several", () => {
  const wrapped = wrapComments(`/** ${WORDS}. */\nexport const a = 1;\n`);
  assert.ok(isNarrow(wrapped));
  assert.match(wrapped, /^\/\*\*\n( \* [^\n]*\n){2} \*\/\nexport/);
});

test("what is left over joins the paragraph, not a list", () => {
  const joined = wrapComments(`/*\n * ${WORDS}\n * and more.\n */\n`);
  assert.match(joined, /word and more\./);
  assert.ok(isNarrow(joined));
  const list = wrapComments(`/*\n * ${WORDS}\n * - one\n */\n`);
  assert.match(list, /word\n \* - one\n/);
});

test("narrow comments, code and what has no blank stay as they are", () => {
  const text = `// short\n${"x".repeat(120)};\n// ${"y".repeat(120)}\n`;
  assert.equal(wrapComments(text), text);
});
