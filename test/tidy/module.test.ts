// The rules of DESIGN D1 and D2, read from the compiled module; each is shown a module that breaks it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import wabt from "wabt";
import { modules } from "../../scripts/build/modules.js";
import { moduleFindings } from "../../scripts/tidy/module-rules.js";

const FEATURES = { threads: true, simd: true, exceptions: true, tail_call: true };

async function textOf(binary: Uint8Array): Promise<string> {
  const module = (await wabt()).readWasm(binary, { ...FEATURES, readDebugNames: true });
  try {
    return module.toText({ foldExprs: false, inlineExport: false });
  } finally {
    module.destroy();
  }
}

/** Through the binary form, as the real module is read. */
async function findingsIn(source: string): Promise<string[]> {
  const parsed = (await wabt()).parseWat("sample.wat", source, FEATURES);
  const { buffer } = parsed.toBinary({ write_debug_names: true });
  parsed.destroy();
  return moduleFindings("sample", await textOf(buffer)).map(({ message }) => message);
}

const IMPORT = '(import "env" "memory" (memory 1))';
const BREACHES: readonly [string, string][] = [
  ["a mutable global", `(module ${IMPORT} (global (mut i32) (i32.const 0)))`],
  ["a start function", `(module ${IMPORT} (func $a) (start $a))`],
  ["a table", `(module ${IMPORT} (table 1 funcref))`],
  ["an element segment", `(module ${IMPORT} (table 1 funcref) (func $a) (elem (i32.const 0) $a))`],
  [
    "an indirect call",
    `(module ${IMPORT} (type $t (func)) (table 1 funcref) (func (call_indirect (type $t) (i32.const 0))))`,
  ],
  ["memory.grow", `(module ${IMPORT} (func (drop (memory.grow (i32.const 1)))))`],
  ["an atomic operation", `(module ${IMPORT} (func (drop (i32.atomic.load (i32.const 0)))))`],
  [
    "an atomic operation",
    `(module ${IMPORT} (func (drop (i64.atomic.rmw.add (i32.const 0) (i64.const 1)))))`,
  ],
  ["imports state", '(module (import "env" "memory" (memory 1 2 shared)))'],
  ["imports state", `(module ${IMPORT} (import "env" "g" (global i32)))`],
  ["a memory of its own", "(module (memory 1))"],
  ["a data segment up to", `(module ${IMPORT} (data (i32.const 65535) "ab"))`],
  ["a data segment without", `(module ${IMPORT} (data "ab"))`],
];

for (const [message, source] of BREACHES) {
  test(`finds ${message}: ${source.slice(0, 90)}`, async () => {
    const findings = await findingsIn(source);
    assert.ok(
      findings.some((finding) => finding.startsWith(message)),
      `found only: ${findings.join("; ")}`,
    );
  });
}

test("a module that keeps the rules has no finding", async () => {
  const source = `(module ${IMPORT} (import "env" "load_acquire" (func (param i32) (result i32)))
    (global $size i32 (i32.const 8)) (data (i32.const 1024) "constant \\"quoted\\" \\00")
    (func (export "tick") (param i32) (i32.store (local.get 0) (i32.load (i32.const 65536)))))`;
  assert.deepEqual(await findingsIn(source), []);
});

for (const { name, wasm } of modules().filter((module) => module.isFixed)) {
  test(`${name}.wasm keeps the rules`, async () => {
    const text = await textOf(readFileSync(wasm));
    assert.ok(text.includes("(func "), "the module has functions");
    const findings = moduleFindings(`${name}.wasm`, text);
    assert.deepEqual(
      findings.map(({ line, message }) => `${line}: ${message}`),
      [],
    );
  });
}
