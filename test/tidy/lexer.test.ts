import assert from "node:assert/strict";
import { test } from "node:test";
import { lexC, lexScript } from "../../scripts/tidy/lexer.js";

function squeezed(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

test("comments, strings and code are told apart", () => {
  const { code, comments, strings } = lexScript('a("x // y", \'z\'); // b "c"\n/* d */ e();\n');
  assert.equal(squeezed(code), "a(\" \", ' '); e();");
  assert.equal(squeezed(comments), '// b "c" /* d */');
  assert.equal(squeezed(strings), "x // y z");
});

test("templates hold code in their placeholders", () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the source under test is a string
  const { code, strings } = lexScript("a(`b ${c({ d: `e ${f} g` })} h`); i();");
  assert.match(squeezed(code), /c\(\{ d: ` \$\{f\} ` \}\)\} `\); i\(\);$/);
  assert.equal(squeezed(strings), "b e g h");
});

test("a regular expression is no comment and no string", () => {
  const { code, comments } = lexScript('const a = /["\'`/*]\\/\\/[/"]/g; b(c / d, "e" / f);');
  assert.equal(comments.trim(), "");
  assert.match(code, /; b\(c \/ d, " " \/ f\);$/);
});

test("every part keeps lengths and line breaks", () => {
  const text = 'a; // b\n"c\\"d";\n`e\nf`; /g"/.test(h);\n';
  const { code, comments, strings } = lexScript(text);
  for (const part of [code, comments, strings]) {
    assert.equal(part.length, text.length);
    assert.equal(part.split("\n").length, text.split("\n").length);
  }
});

test("C has no templates and no regular expressions", () => {
  const { code, strings } = lexC('x = a / b; y = \'"\'; z = "/* no */"; /* ` */ w = c / d;');
  assert.equal(squeezed(code), "x = a / b; y = ' '; z = \" \"; w = c / d;");
  assert.equal(squeezed(strings), '" /* no */');
});
