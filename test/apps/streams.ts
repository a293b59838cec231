/**
 * Content too large to be stored: a server that makes and checks it, and pipes that a client program takes
 * for files (streams.py).
 */
import assert from "node:assert/strict";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { inRoot } from "../../scripts/build/paths.js";
import { waitUntil } from "../../scripts/lab/command.js";
import { startProgram } from "../../scripts/lab/program.js";

const script = inRoot("test", "apps", "streams.py");
const readyTimeoutMs = 15_000;

/** The arguments with which python3 serves streams of so many bytes. */
export function streamServerArguments(address: string, port: number, bytes: number): readonly string[] {
  return [script, "serve", address, String(port), String(bytes)];
}

/** Which way the content goes, seen from the client. */
export type Direction = "fetch" | "upload";

/**
 * Gives curl's arguments for `count` transfers of `bytes` bytes at once to `transfer`, and asserts that every
 * stream was whole at its receiver: what is fetched is checked here, what is uploaded by the server, whose
 * answer makes curl fail.
 */
export async function withStreams(
  { namespace, folder, url }: { namespace: string; folder: string; url: string },
  direction: Direction,
  count: number,
  bytes: number,
  transfer: (curlArguments: readonly string[]) => Promise<unknown>,
): Promise<void> {
  const pipes = mkdtempSync(join(folder, `${direction}-`));
  const ends = startProgram({
    namespace,
    role: "client",
    command: "/usr/bin/python3",
    argumentList: [script, direction, pipes, String(count), String(bytes)],
  });
  try {
    assert.ok(await waitUntil(() => ends.output().includes("ready"), readyTimeoutMs), ends.output());
    const option = direction === "fetch" ? "-o" : "-T";
    const transfers = Array.from({ length: count }, (_, index) => [
      option,
      join(pipes, String(index)),
      `${url}/${index}`,
    ]);
    const atOnce = ["--parallel", "--parallel-max", String(count), "--parallel-immediate"];
    await transfer(["-sSf", "-H", "Expect:", ...atOnce, ...transfers.flat()]);
    await waitUntil(() => ends.result() !== undefined, readyTimeoutMs);
    assert.match(ends.output(), /all right/);
  } finally {
    await ends.stop();
  }
}
