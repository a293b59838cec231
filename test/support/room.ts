import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { moduleImports } from "../../sim/imports.js";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));

/** The exports of a compiled room: numbers, and bigints for 64-bit values. */
export type Room = Record<string, (...args: (number | bigint)[]) => number | bigint> & {
  memory: WebAssembly.Memory;
};

/** The options that the stack itself is compiled with, but for the optimiser's level. */
const OPTIONS = ["--runtime", "stub", "--importMemory", "--memoryBase", "1024", "-O2", "--use", "abort="];

/**
 * Compiles `entry` (a path from the clone's root, an AssemblyScript file that re-exports functions of one
 * room of the stack), to a module.
 */
export async function compileRoom(
  entry: string,
  features: readonly string[] = ["--enable", "simd"],
): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "gz-room-"));
  try {
    const wasm = join(folder, "room.wasm");
    const options = [...OPTIONS, ...features];
    const { error, stderr } = await asc.main([entry, "-o", wasm, "--baseDir", ROOT, ...options], {});
    if (error !== null) throw new Error(`${entry}: ${error.message}\n${stderr.toString()}`);
    return new Uint8Array(readFileSync(wasm));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Compiles `entry` as compileRoom() does, and instantiates it with `pages` pages of zeroed memory. */
export async function openRoom(entry: string, pages = 128): Promise<Room> {
  const binary = await compileRoom(entry);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: 65536 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(binary as BufferSource), {
    env: { ...moduleImports(memory), memory },
  });
  return Object.assign({}, instance.exports, { memory }) as unknown as Room;
}
