/** iperf3 in both directions, with one stream and with fifty. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { onEachStack } from "./each-stack.js";
import { serverAddress } from "./service.js";

const port = 5_201;
/** iperf3 controls every test over a connection of its own. */
const controlConnections = 1;
/** The server listens anew after every test, one that only was a look at its port included. */
const listeners = 2;
/** Before and after a test with a window of its own it listens anew for the streams. */
const listenersWithWindow = listeners + 2;

interface Report {
  error?: string;
  end?: { sum_sent: { bytes: number }; sum_received: { bytes: number } };
}

onEachStack(
  "iperf3",
  () => ({
    command: "iperf3",
    argumentList: () => ["-s", "-B", serverAddress, "-p", String(port)],
    processNames: ["iperf3"],
    ready: { port },
  }),
  (service) => {
    for (const streams of [1, 50]) {
      for (const direction of ["to the server", "from the server"]) {
        test(`${streams} streams ${direction}`, async () => {
          // What still lies in socket buffers when a test ends does not count as received.
          const window = streams > 1 ? ["-w", "128K"] : [];
          const reverse = direction === "from the server" ? ["-R"] : [];
          const load = ["-P", String(streams), "-n", "256M", ...window, ...reverse, "--json"];
          const client = ["-c", serverAddress, "-p", String(port), ...load];
          const connections = streams + controlConnections;
          const result = await service().accounted(() => service().client("iperf3", client), {
            connections,
            ownSockets: streams > 1 ? listenersWithWindow : listeners,
          });
          const report = JSON.parse(result.stdout.toString()) as Report;
          assert.equal(report.error, undefined);
          assert.ok((report.end?.sum_received.bytes ?? 0) >= (256 << 20) * 0.75, result.stdout.toString());
        });
      }
    }
  },
);
