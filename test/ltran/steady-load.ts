/**
 * A client of Redis that checks what it gets and how long it waits for it: `steady-load.js HOST PORT`. It
 * sets random values that end in their checksum and reads each back. At SIGUSR2 a `LoadWindow` since the last
 * one is printed, a line of JSON, once it has printed "ready"; at SIGTERM it ends. The first wrong byte ends
 * it with status 1.
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { pause } from "../../scripts/lab/command.js";

/** What the program prints; times in microseconds. */
export interface LoadWindow {
  changes: number;
  median: number;
  p99: number;
  longest: number;
}

const connections = 2;
const keys = 50;
const contentLength = 1_000;
const pauseMs = 1;
const patienceMs = 10_000;

const times: number[] = [];

function command(...parts: (string | Buffer)[]): Buffer {
  const bulks = parts.map((part) => {
    const content = Buffer.from(part);
    return Buffer.concat([Buffer.from(`$${content.length}\r\n`), content, Buffer.from("\r\n")]);
  });
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...bulks]);
}

async function readExactly(socket: Socket, expected: Buffer): Promise<void> {
  let answer = Buffer.alloc(0);
  while (answer.length < expected.length) {
    const [part] = (await once(socket, "data", { signal: AbortSignal.timeout(patienceMs) })) as [Buffer];
    answer = Buffer.concat([answer, part]);
  }
  if (!answer.equals(expected)) throw new Error("another answer came than was to come");
}

async function change(socket: Socket, key: string): Promise<void> {
  const content = randomBytes(contentLength);
  const value = Buffer.concat([content, createHash("sha256").update(content).digest()]);
  const start = performance.now();
  socket.write(command("SET", key, value));
  await readExactly(socket, Buffer.from("+OK\r\n"));
  socket.write(command("GET", key));
  const head = Buffer.from(`$${value.length}\r\n`);
  await readExactly(socket, Buffer.concat([head, value, Buffer.from("\r\n")]));
  times.push(1_000 * (performance.now() - start));
}

function printWindow(): void {
  const sorted = times.splice(0).sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  const window: LoadWindow = { changes: sorted.length, median: at(0.5), p99: at(0.99), longest: at(1) };
  console.log(JSON.stringify(window));
}

async function main(host: string, port: number): Promise<void> {
  let isEnding = false;
  process.on("SIGUSR2", printWindow);
  process.once("SIGTERM", () => {
    isEnding = true;
  });
  const run = async (number: number) => {
    const socket = createConnection({ host, port, noDelay: true });
    await once(socket, "connect");
    if (number === 0) console.log("ready");
    for (let count = 0; !isEnding; count++) {
      await change(socket, `steady:${number}:${count % keys}`);
      await pause(pauseMs);
    }
    socket.end();
  };
  await Promise.all(Array.from({ length: connections }, (_, number) => run(number)));
}

const [host = "", port = ""] = process.argv.slice(2);
await main(host, Number(port));
