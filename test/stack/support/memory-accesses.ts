import { readFileSync } from "node:fs";
import binaryen from "assemblyscript/binaryen";
import type { HostOptions } from "../../../sim/host.js";

const STACK = new URL("../../../../stack/stack.wasm", import.meta.url);

/**
 * The stack's module with every load and store reported: a measure of work that is the same on every machine.
 * Bulk copies and vectors are not among them.
 */
export class MemoryAccesses {
  /** For a StackHost whose accesses are counted here. */
  readonly module: NonNullable<HostOptions["module"]>;
  private count = 0;

  constructor() {
    const module = binaryen.readBinary(new Uint8Array(readFileSync(STACK)));
    module.setFeatures(binaryen.Features.All);
    module.runPasses(["instrument-memory"]);
    const wasm = new WebAssembly.Module(new Uint8Array(module.emitBinary()));
    module.dispose();
    const imports: Record<string, WebAssembly.ImportValue> = {};
    for (const { name, kind } of WebAssembly.Module.imports(wasm)) {
      if (kind === "function") imports[name] = this.report(name);
    }
    this.module = { wasm, imports };
  }

  /** What the pass calls: the address, or the value, comes last and is answered. */
  private report(name: string): (...values: (number | bigint)[]) => number | bigint {
    if (name !== "load_ptr" && name !== "store_ptr") return (...values) => values.at(-1) ?? 0;
    return (...values) => {
      this.count++;
      return values.at(-1) ?? 0;
    };
  }

  /** How many accesses `work` makes. */
  during(work: () => void): number {
    const before = this.count;
    work();
    return this.count - before;
  }
}
