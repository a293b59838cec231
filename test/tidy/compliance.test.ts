// docs/compliance.md says only what a test shows: the document as it is, and documents that are wrong.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ROOT } from "../../scripts/build/paths.js";
import {
  brokenCompliance,
  COMPLIANCE,
  REQUIRED_RFCS,
  readCompliance,
} from "../../scripts/tidy/compliance.js";
import { makeSource, readSources, type Source } from "../../scripts/tidy/source.js";

const HEAD = "| RFC | Clause | Rule | Test file | Test | State |\n|---|---|---|---|---|---|\n";
const FILE = "stack/a.test.ts";
// A test named by a template: as it stands in the source.
const TEMPLATE = ["takes $", '{"c"}'].join("");
const TESTS = [
  'it("does a", () => {});',
  '// it("does b")',
  `it(\`${TEMPLATE}\`, () => {});`,
  'test(\n  "does d",\n  () => {},\n);',
].join("\n");
const COVERED = REQUIRED_RFCS.map((rfc) => `| ${rfc} | 1 | rule | ${FILE} | does a | done |\n`).join("");

function documentOf(rows: string): Source[] {
  return [makeSource(COMPLIANCE, HEAD + rows), makeSource(`test/${FILE}`, TESTS)];
}

function found(row: string): string[] {
  return brokenCompliance(documentOf(`${COVERED}${row}\n`)).map((finding) => finding.message);
}

test("docs/compliance.md names tests that exist, states that are allowed, and every RFC of the stack", () => {
  const findings = brokenCompliance(readSources(ROOT));
  assert.deepEqual(findings.map(({ path, line, message }) => `${path}:${line}: ${message}`).join("\n"), "");
});

test("every row of docs/compliance.md is read", () => {
  const document = readSources(ROOT).find((source) => source.path === COMPLIANCE);
  assert.ok(document !== undefined);
  const lines = document.lines.filter((line) => /^\| ([A-Z]+ )?\d/.test(line));
  assert.equal(readCompliance(document).rows.length, lines.length);
  assert.ok(lines.length > 100);
});

test("rows that are right are left alone", () => {
  const right = [
    `| 1 | 2 | rule | ${FILE} | does a | done |`,
    `| 1 | 2 | rule | ${FILE} | does d | partly: not on Sundays |`,
    `| 1 | 2 | rule | ${FILE} | ${TEMPLATE} | deviation: it is better so |`,
    "| 1 | 2 | rule | | | deviation from MUST-1 under pressure: it cannot be |",
    "text, and a blank line\n",
  ];
  for (const row of right) assert.deepEqual(found(row), [], row);
});

test("rows that are wrong are found", () => {
  const wrong: [string, RegExp][] = [
    ["| 1 | 2 | rule | stack/b.test.ts | does a | done |", /^no such file: test\/stack\/b\.test\.ts$/],
    [`| 1 | 2 | rule | ${FILE} | does | done |`, /^no test "does" in/],
    [`| 1 | 2 | rule | ${FILE} | does b | done |`, /^no test "does b" in/],
    [`| 1 | 2 | rule | ${FILE} | | done |`, /^no test "" in/],
    [`| 1 | 2 | rule | ${FILE} | does a | planned |`, /^not a state/],
    [`| 1 | 2 | rule | ${FILE} | does a | partly |`, /^not a state/],
    [`| 1 | 2 | rule | ${FILE} | does a | deviation: |`, /^not a state/],
    [`| 1 | 2 | rule | ${FILE} | does a | done, nearly |`, /^not a state/],
    ["| 1 | 2 | rule | | | done |", /^only a deviation/],
    ["| 1 | 2 | rule | | | partly: no test |", /^only a deviation/],
    [`| 1 | 2 | | ${FILE} | does a | done |`, /^no rule$/],
    [`| 1 | 2 | rule | ${FILE} | does a | done | yes |`, /^7 cells instead of 6$/],
    [`| 1 | rule | ${FILE} | does a | done |`, /^5 cells instead of 6$/],
  ];
  for (const [row, message] of wrong) {
    const messages = found(row);
    assert.equal(messages.length, 1, `${row}: ${messages.join("; ")}`);
    assert.match(messages[0] ?? "", message);
  }
});

test("an RFC without a row is found, and so is a document that is missing", () => {
  for (const rfc of REQUIRED_RFCS) {
    const rest = COVERED.replace(new RegExp(`^\\| ${rfc} .*\n`, "m"), "");
    const messages = brokenCompliance(documentOf(rest)).map((finding) => finding.message);
    assert.deepEqual(messages, [`no row for RFC ${rfc}`]);
  }
  assert.equal(brokenCompliance([makeSource(`test/${FILE}`, TESTS)]).length, 1);
});
