/**
 * A client of Redis that checks what it gets: `checked-load.js HOST PORT CONNECTIONS`. Every connection goes
 * round keys of its own, sets one to random bytes that end in their checksum, and reads it back at once. It
 * says "connected" on standard error when all stand. At SIGTERM all keys are read once more, and a
 * `LoadReport` is printed. The first wrong byte ends it with
 * status 1.
 */
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createConnection, type Socket } from "node:net";
import { pause } from "../../scripts/lab/command.js";

/** What the program prints, as JSON. */
export interface LoadReport {
  connections: number;
  /** Values that were set, and read back unchanged at once. */
  changes: number;
  /** Keys whose last value was still there at the end. */
  kept: number;
  /** The longest that any change took, in milliseconds. */
  longestMs: number;
}

const keysOfConnection = 40;
const randomLength = 4_064;
/** Leaves the machine to others: 50 connections together make about 1,000 changes a second. */
const pauseMs = 40;
const answerTimeoutMs = 20_000;

function sha256(content: Buffer): Buffer {
  return createHash("sha256").update(content).digest();
}

function makeValue(): Buffer {
  const content = randomBytes(randomLength);
  return Buffer.concat([content, sha256(content)]);
}

/** A command, or an answer of one bulk string, in RESP (the protocol of Redis). */
function bulk(part: string | Buffer): Buffer {
  const content = Buffer.from(part);
  return Buffer.concat([Buffer.from(`$${content.length}\r\n`), content, Buffer.from("\r\n")]);
}

function command(...parts: (string | Buffer)[]): Buffer {
  return Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...parts.map(bulk)]);
}

/** Reads exactly `length` bytes. @throws Error when they do not come, or others after them. */
async function readExactly(socket: Socket, length: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let missing = length; missing > 0; ) {
    const signal = AbortSignal.timeout(answerTimeoutMs);
    const [part] = (await once(socket, "data", { signal })) as [Buffer];
    parts.push(part);
    missing -= part.length;
  }
  const answer = Buffer.concat(parts);
  if (answer.length !== length) throw new Error(`${answer.length} bytes arrived instead of ${length}`);
  return answer;
}

/** One connection and its keys. */
class Checker {
  readonly #socket: Socket;
  readonly #number: number;
  readonly #checksums = new Map<string, Buffer>();
  changes = 0;
  longestMs = 0;

  constructor(socket: Socket, number: number) {
    this.#socket = socket;
    this.#number = number;
  }

  static async connect(host: string, port: number, number: number): Promise<Checker> {
    const socket = createConnection({ host, port, noDelay: true });
    await once(socket, "connect");
    return new Checker(socket, number);
  }

  async change(): Promise<void> {
    const key = `checked:${process.pid}:${this.#number}:${this.changes % keysOfConnection}`;
    const value = makeValue();
    const expected = Buffer.concat([Buffer.from("+OK\r\n"), bulk(value)]);
    const began = performance.now();
    this.#socket.write(Buffer.concat([command("SET", key, value), command("GET", key)]));
    const answer = await readExactly(this.#socket, expected.length);
    this.longestMs = Math.max(this.longestMs, performance.now() - began);
    if (!answer.equals(expected)) throw new Error(`${key} came back changed`);
    this.#checksums.set(key, value.subarray(randomLength));
    this.changes += 1;
  }

  /** Reads every key again; answers how many there are. */
  async verify(): Promise<number> {
    for (const [key, checksum] of this.#checksums) {
      this.#socket.write(command("GET", key));
      const length = bulk(Buffer.alloc(randomLength + checksum.length)).length;
      const answer = await readExactly(this.#socket, length);
      const start = length - 2 - checksum.length - randomLength;
      const content = answer.subarray(start, start + randomLength);
      const stored = answer.subarray(start + randomLength, -2);
      if (!stored.equals(checksum) || !sha256(content).equals(checksum))
        throw new Error(`${key} is not ours`);
    }
    this.#socket.end();
    return this.#checksums.size;
  }
}

async function main(host: string, port: number, connections: number): Promise<void> {
  let ending = false;
  process.once("SIGTERM", () => {
    ending = true;
  });
  const numbers = Array.from({ length: connections }, (_, number) => number);
  const checkers = await Promise.all(numbers.map((number) => Checker.connect(host, port, number)));
  console.error("connected");
  const change = async (checker: Checker) => {
    for (; !ending; await pause(pauseMs)) await checker.change();
  };
  await Promise.all(checkers.map(change));
  const kept = await Promise.all(checkers.map((checker) => checker.verify()));
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  const changes = sum(checkers.map((checker) => checker.changes));
  const longestMs = Math.round(Math.max(...checkers.map((checker) => checker.longestMs)));
  const report: LoadReport = { connections, changes, kept: sum(kept), longestMs };
  console.log(JSON.stringify(report));
}

const [host = "", port = "", connections = ""] = process.argv.slice(2);
await main(host, Number(port), Number(connections));
