/**
 * A web client that checks what it gets: `checked-fetch.js HOST PORT CONNECTIONS`. Every connection fetches
 * the files that `writeCheckedFiles` wrote, in turns, each of which ends in its checksum. It says
 * "connected" on standard error when all stand, and at SIGTERM prints a `LoadReport`. The first wrong byte,
 * and a connection that was closed, end it with status 1.
 */
import { once } from "node:events";
import { Agent, get, type IncomingMessage } from "node:http";
import { pause } from "../../scripts/lab/command.js";
import { checkedFiles, isCheckedFile } from "./checked-files.js";
import type { LoadReport } from "./checked-load.js";

const pauseMs = 40;
const answerTimeoutMs = 20_000;

/** One connection. */
class Fetcher {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #host: string;
  readonly #port: number;
  fetched = 0;
  longestMs = 0;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
  }

  async fetch(number: number): Promise<void> {
    const began = performance.now();
    const path = `/${number}`;
    const signal = AbortSignal.timeout(answerTimeoutMs);
    const request = get({ host: this.#host, port: this.#port, path, agent: this.#agent, signal });
    const [response] = (await once(request, "response")) as [IncomingMessage];
    const content = Buffer.concat(await response.toArray());
    if (this.fetched > 0 && !request.reusedSocket) throw new Error("the connection was closed");
    if (response.statusCode !== 200) throw new Error(`${path}: status ${response.statusCode}`);
    if (!isCheckedFile(number, content)) throw new Error(`${path} came changed`);
    this.longestMs = Math.max(this.longestMs, performance.now() - began);
    this.fetched += 1;
  }

  end(): void {
    this.#agent.destroy();
  }
}

async function main(host: string, port: number, connections: number): Promise<void> {
  let isEnding = false;
  process.once("SIGTERM", () => {
    isEnding = true;
  });
  const fetchers = Array.from({ length: connections }, () => new Fetcher(host, port));
  await Promise.all(fetchers.map((fetcher) => fetcher.fetch(0)));
  console.error("connected");
  const run = async (fetcher: Fetcher, index: number) => {
    for (let turn = index; !isEnding; turn++) {
      await fetcher.fetch(turn % checkedFiles);
      await pause(pauseMs);
    }
    for (let number = 0; number < checkedFiles; number++) await fetcher.fetch(number);
    fetcher.end();
  };
  await Promise.all(fetchers.map(run));
  const changes = fetchers.reduce((sum, { fetched }) => sum + fetched, 0);
  const longestMs = Math.round(Math.max(...fetchers.map((fetcher) => fetcher.longestMs)));
  const report: LoadReport = { connections, changes, kept: checkedFiles * connections, longestMs };
  console.log(JSON.stringify(report));
}

const [host = "", port = "", connections = ""] = process.argv.slice(2);
await main(host, Number(port), Number(connections));
