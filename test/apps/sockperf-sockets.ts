/** sockperf's arguments for one socket and for fifty, and what its report must say. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** The first port. */
export const sockperfPort = 11_111;

/** A server is ready when it has printed this. */
export const sockperfReady = "to block on socket(s)";

const many = 50;

/** Asserts that a ping-pong took place in which nothing was lost. */
export function assertComplete(report: string): void {
  const received = /\[Valid Duration\].*ReceivedMessages=(\d+)/.exec(report)?.[1];
  assert.ok(Number(received) > 100, report);
  const faults = "# dropped messages = 0; # duplicated messages = 0; # out-of-order messages = 0";
  assert.ok(report.includes(faults), report);
}

/** Which sockets client and server use, as arguments. */
export interface SocketSet {
  /** How many; they have adjoining ports. */
  count: number;
  title: string;
  select: (folder: string) => readonly string[];
}

/** sockperf waits for one socket in recvfrom, and for the sockets of a file in epoll. */
export function socketSets(protocol: "T" | "U", address: string): readonly SocketSet[] {
  const single = ["-i", address, "-p", String(sockperfPort), ...(protocol === "T" ? ["--tcp"] : [])];
  const ports = Array.from({ length: many }, (_, index) => sockperfPort + index);
  const feed = ports.map((each) => `${protocol}:${address}:${each}\n`).join("");
  const fromFile = (folder: string): readonly string[] => {
    const file = join(folder, `feed-${protocol}`);
    writeFileSync(file, feed);
    return ["-f", file, "-F", "epoll"];
  };
  return [
    { count: 1, title: "1 socket", select: () => single },
    { count: many, title: `${many} sockets`, select: fromFile },
  ];
}
