import assert from "node:assert/strict";
import { test } from "node:test";
import { ROOT } from "../../scripts/build/paths.js";
import { languageShare } from "../../scripts/tidy/language-share.js";
import { RULES } from "../../scripts/tidy/rules.js";
import { type Finding, readSources } from "../../scripts/tidy/source.js";

const sources = readSources(ROOT);

function listed(findings: readonly Finding[]): string {
  return findings.map(({ path, line, message }) => `${path}:${line}: ${message}`).join("\n");
}

for (const rule of RULES) {
  test(rule.name, (context) => {
    const findings = rule.check(sources);
    if (rule.name.startsWith("C is")) {
      const { c, script, share } = languageShare(sources);
      context.diagnostic(`${c} lines of C, ${script} of TypeScript: ${(share * 100).toFixed(1)} % C`);
    }
    if (findings.length > 0) assert.fail(`${findings.length} found\n${listed(findings)}`);
  });
}

test("the sources were found", () => {
  assert.ok(sources.some((source) => source.path === "stack/index.ts"));
  assert.ok(sources.some((source) => source.path === "scripts/bootstrap.mjs"));
  assert.ok(sources.some((source) => source.path === "lstack/runtime/wasm-rt.h"));
});
