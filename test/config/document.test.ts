import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { makeDocument } from "../../config/document.js";
import { readTable } from "../../config/table.js";
import { inBuild, inRoot } from "../../scripts/build/paths.js";

const wasm = inBuild("config", "config.wasm");
const lstack = readTable(wasm, "lstack");
const ltran = readTable(wasm, "ltran");
const text = makeDocument(lstack, ltran);

describe("docs/configuration.md", () => {
  it("is what the table says; otherwise run node build/node/scripts/docs.js", () => {
    assert.equal(readFileSync(inRoot("docs", "configuration.md"), "utf8"), text);
  });

  it("holds every option, argument and old name", () => {
    for (const table of [lstack, ltran]) {
      const names = table.options.filter((option) => !option.isDerived).map((option) => option.key);
      const remarks = [...table.ealArguments, ...table.retired, ...table.aliases].map(({ name }) => name);
      for (const name of [...names, ...remarks]) assert.ok(text.includes(`| \`${name}\` |`), name);
      assert.ok(names.length > 20 && remarks.length > 50);
    }
  });

  it("has rows of as many cells as their heads", () => {
    let cells = 0;
    for (const line of text.split("\n")) {
      const count = line.startsWith("|") ? line.replaceAll("\\|", "").split("|").length : 0;
      if (cells !== 0 && count !== 0) assert.equal(count, cells, line);
      cells = count;
    }
  });
});

describe("the table", () => {
  it("names every key once", () => {
    for (const table of [lstack, ltran]) {
      const keys = table.options.map((option) => option.key);
      assert.deepEqual(keys, [...new Set(keys)]);
      const others = [...table.retired, ...table.aliases].map((remark) => remark.name);
      for (const name of others) assert.ok(!keys.includes(name), name);
      for (const alias of table.aliases) assert.ok(keys.includes(alias.text), alias.text);
    }
  });
});
