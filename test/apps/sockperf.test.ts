/** sockperf ping-pong over TCP and UDP, on one socket and on fifty. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { StackKind } from "../../scripts/lab/lab.js";
import { onEachStack } from "./each-stack.js";
import type { Service } from "./service.js";
import { serverAddress } from "./service.js";

const port = 11_111;
const many = 50;

/** Every run takes sockperf three seconds, so the kernel, which needs no proof, gets one size only. */
function messageBytes(stack: StackKind): readonly string[] {
  return stack === "kernel" ? ["14"] : ["14", "1400"];
}

function pingPong(service: Service, sockets: SocketSet, bytes: string) {
  return service.client("sockperf", ["pp", ...sockets.select(service.folder), "-t", "1", "-m", bytes]);
}

function assertComplete(report: string): void {
  const received = /\[Valid Duration\].*ReceivedMessages=(\d+)/.exec(report)?.[1];
  assert.ok(Number(received) > 100, report);
  const faults = "# dropped messages = 0; # duplicated messages = 0; # out-of-order messages = 0";
  assert.ok(report.includes(faults), report);
}

/** Which sockets client and server use, as arguments. */
interface SocketSet {
  count: number;
  title: string;
  select: (folder: string) => readonly string[];
}

/** sockperf waits for one socket in recvfrom, and for the sockets of a file in epoll. */
function socketSets(protocol: "T" | "U"): readonly SocketSet[] {
  const single = ["-i", serverAddress, "-p", String(port), ...(protocol === "T" ? ["--tcp"] : [])];
  const ports = Array.from({ length: many }, (_, index) => port + index);
  const feed = ports.map((each) => `${protocol}:${serverAddress}:${each}\n`).join("");
  const fromFile = (folder: string): readonly string[] => {
    const file = join(folder, "feed");
    writeFileSync(file, feed);
    return ["-f", file, "-F", "epoll"];
  };
  return [
    { count: 1, title: "1 socket", select: () => single },
    { count: many, title: `${many} sockets`, select: fromFile },
  ];
}

for (const sockets of socketSets("T")) {
  onEachStack(
    `sockperf TCP, ${sockets.title}`,
    () => ({
      command: "sockperf",
      argumentList: (folder) => ["sr", ...sockets.select(folder)],
      processNames: ["sockperf"],
      ready: { port: port + sockets.count - 1 },
    }),
    (service, stack) => {
      for (const bytes of messageBytes(stack)) {
        test(`ping-pong of ${bytes} B`, async () => {
          const result = await service().accounted(() => pingPong(service(), sockets, bytes), {
            connections: sockets.count,
          });
          assertComplete(result.stdout.toString());
        });
      }
    },
  );
}

for (const sockets of socketSets("U")) {
  onEachStack(
    `sockperf UDP, ${sockets.title}`,
    () => ({
      command: "sockperf",
      argumentList: (folder) => ["sr", ...sockets.select(folder)],
      processNames: ["sockperf"],
      ready: { output: "to block on socket(s)" },
    }),
    (service, stack) => {
      for (const bytes of messageBytes(stack)) {
        test(`ping-pong of ${bytes} B`, async () => {
          const result = await service().accountedDatagrams(() => pingPong(service(), sockets, bytes));
          assertComplete(result.stdout.toString());
        });
      }
    },
  );
}
