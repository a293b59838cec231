import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { readTable } from "../../config/table.js";
import { inBuild, inRoot } from "../../scripts/build/paths.js";
import { configuration } from "./checker.js";
import { ORIGINAL } from "./ltran-file.js";

const FILES = 4000;
const FILES_A_PROCESS = 250;
const SEED = 0x9e3779b9;

/** A small generator with 32 bits of state (xorshift): the same files at every run. */
class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed;
  }

  below(limit: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % limit;
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error("nothing to pick from");
    return value;
  }
}

const PIECES = [
  ..."=;:,\"'[](){}\\#\n\t -+.0123456789",
  "/*",
  "*/",
  "//",
  "@include",
  "0x",
  "1e99",
  "1.5",
  "true",
  "L",
  "4294967296",
  "-1",
  "\\x1b",
  "\\x00",
  "255.255.255.255",
  "::",
  "aa:bb:cc:dd:ee:ff",
  "--vdev",
  "--socket-mem",
  "0-639",
  "\0",
  "\xff",
  "A".repeat(300),
];

function corpus(): string[] {
  const options = readTable(inBuild("config", "config.wasm"), "lstack").options.filter(
    (option) => !option.isDerived,
  );
  const numbers = configuration(Object.fromEntries(options.slice(4).map((option) => [option.key, "1"])));
  const texts = configuration(Object.fromEntries(options.map((option) => [option.key, '"192.168.1.1"'])));
  const args = configuration({
    dpdk_args: '["--vdev", "net_tap0", "-m", "64", "--in-memory"]',
    num_cpus: '"0"',
  });
  const examples = ["lstack.conf", "ltran.conf"].map((name) => readFileSync(inRoot("conf", name), "latin1"));
  return [...examples, ORIGINAL, numbers, texts, args];
}

function mutate(random: Random, texts: readonly string[]): string {
  let text = random.pick(texts);
  for (let steps = 1 + random.below(8); steps > 0; steps--) {
    const at = random.below(text.length + 1);
    const end = Math.min(text.length, at + random.below(random.pick([2, 10, 100])));
    const other = random.pick(texts);
    const from = random.below(other.length);
    const insert = random.pick(["", random.pick(PIECES), other.slice(from, from + random.below(60))]);
    text = text.slice(0, at) + insert + text.slice(end);
  }
  return text;
}

/** Checks files in one process; returns the lines of both outputs. */
function checkAll(folder: string, names: readonly string[]): { verdicts: string[]; messages: string[] } {
  const result = spawnSync(inBuild("gazelle-check"), names, {
    cwd: folder,
    encoding: "latin1",
    maxBuffer: 1 << 28,
  });
  assert.equal(result.signal, null, `ended by ${result.signal} after ${result.stdout.slice(-200)}`);
  assert.ok(
    result.status === 0 || result.status === 1,
    `exit status ${result.status}: ${result.stderr.slice(-500)}`,
  );
  const lines = (text: string) => text.split("\n").filter((line) => line !== "");
  return { verdicts: lines(result.stdout), messages: lines(result.stderr) };
}

describe(`${FILES} mutated files`, () => {
  it("are taken, or refused with the line: never a crash", () => {
    const folder = mkdtempSync(join(tmpdir(), "gz-fuzz-"));
    const random = new Random(SEED);
    const texts = corpus();
    let refused = 0;
    let taken = 0;
    try {
      for (let first = 0; first < FILES; first += FILES_A_PROCESS) {
        const names = Array.from({ length: FILES_A_PROCESS }, (_, index) => `f${first + index}`);
        for (const name of names) writeFileSync(join(folder, name), mutate(random, texts), "latin1");
        const { verdicts, messages } = checkAll(folder, names);
        assert.equal(verdicts.length, names.length);
        for (const message of messages) assert.match(message, /^f\d+:\d+: (warning: )?[ -~\x80-\xff]+$/);
        const faulty = new Set(
          messages.filter((line) => !line.includes(": warning: ")).map((line) => line.split(":")[0]),
        );
        for (const verdict of verdicts) {
          const isOk = /^f\d+: ok,/.test(verdict);
          assert.equal(faulty.has(verdict.split(":")[0]), !isOk, verdict);
          if (isOk) taken += 1;
          else refused += 1;
        }
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    // The mutations must neither destroy every file nor leave all alone.
    assert.ok(taken > FILES / 50 && refused > FILES / 2, `${taken} taken, ${refused} refused`);
  });
});
