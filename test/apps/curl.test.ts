/**
 * curl moves 100 MB in each direction over each of 1 and 50 connections, each stream checked block by block
 * by its SHA-256: accelerated against a server of the kernel, and the other way round. On the kernel, which
 * shows that the test itself is right, a megabyte each is enough.
 */
import { after, before, describe, test } from "node:test";
import type { StackKind } from "../../scripts/lab/lab.js";
import { onEachStack } from "./each-stack.js";
import { KernelPeer, peerAddress } from "./kernel-peer.js";
import { serverAddress, stacks } from "./service.js";
import { type Direction, streamServerArguments, withStreams } from "./streams.js";

const port = 8_000;
const suiteTimeoutMs = 240_000;
const transferTimeoutMs = 90_000;
const directions: readonly Direction[] = ["fetch", "upload"];

function bytesOn(stack: StackKind): number {
  return stack === "gazelle" ? 100 << 20 : 1 << 20;
}

/** Declares a test for each direction and number of connections. */
function declareTransfers(
  stack: StackKind,
  transfer: (direction: Direction, connections: number, bytes: number) => Promise<void>,
): void {
  const bytes = bytesOn(stack);
  for (const direction of directions) {
    for (const connections of [1, 50]) {
      test(`curl ${direction}: ${bytes >> 20} MB over each of ${connections} connections`, () =>
        transfer(direction, connections, bytes));
    }
  }
}

for (const stack of stacks) {
  describe(`curl on ${stack}`, { timeout: suiteTimeoutMs }, () => {
    let started: KernelPeer;
    before(async () => {
      started = new KernelPeer(stack);
      const server = streamServerArguments(peerAddress, port, bytesOn(stack));
      await started.serve("streams", { port }, "/usr/bin/python3", server);
    });
    after(() => started.stop());

    declareTransfers(stack, async (direction, connections, bytes) => {
      const { lab, folder } = started;
      const place = { namespace: lab.clientNamespace, folder, url: `http://${peerAddress}:${port}` };
      await withStreams(place, direction, connections, bytes, (argumentList) =>
        started.accounted("streams", "curl", argumentList, { connections, timeoutMs: transferTimeoutMs }),
      );
    });
  });

  onEachStack(
    "curl to python",
    () => ({
      command: "/usr/bin/python3",
      argumentList: () => streamServerArguments(serverAddress, port, bytesOn(stack)),
      processNames: ["python3"],
      ready: { port },
    }),
    (service) =>
      declareTransfers(stack, async (direction, connections, bytes) => {
        const { lab, folder } = service();
        const place = { namespace: lab.clientNamespace, folder, url: `http://${serverAddress}:${port}` };
        await withStreams(place, direction, connections, bytes, (argumentList) =>
          service().accounted(
            () => service().client("curl", argumentList, { timeoutMs: transferTimeoutMs }),
            { connections },
          ),
        );
      }),
    { on: [stack], timeoutMs: suiteTimeoutMs },
  );
}
