/** sockperf ping-pong over TCP and UDP, on one socket and on fifty. */
import { test } from "node:test";
import { onEachStack, type Way } from "./each-stack.js";
import type { Service } from "./service.js";
import { serverAddress } from "./service.js";
import {
  assertComplete,
  type SocketSet,
  socketSets,
  sockperfPort,
  sockperfReady,
} from "./sockperf-sockets.js";

/** Every run takes sockperf three seconds, so only Gazelle with a device of its own gets both sizes. */
function messageBytes(way: Way): readonly string[] {
  return way === "gazelle" ? ["14", "1400"] : ["14"];
}

function pingPong(service: Service, sockets: SocketSet, bytes: string) {
  return service.client("sockperf", ["pp", ...sockets.select(service.folder), "-t", "1", "-m", bytes]);
}

for (const sockets of socketSets("T", serverAddress)) {
  onEachStack(
    `sockperf TCP, ${sockets.title}`,
    () => ({
      command: "sockperf",
      argumentList: (folder) => ["sr", ...sockets.select(folder)],
      processNames: ["sockperf"],
      ready: { port: sockperfPort + sockets.count - 1 },
    }),
    (service, way) => {
      for (const bytes of messageBytes(way)) {
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

for (const sockets of socketSets("U", serverAddress)) {
  onEachStack(
    `sockperf UDP, ${sockets.title}`,
    () => ({
      command: "sockperf",
      argumentList: (folder) => ["sr", ...sockets.select(folder)],
      processNames: ["sockperf"],
      ready: { output: sockperfReady },
    }),
    (service, way) => {
      for (const bytes of messageBytes(way)) {
        test(`ping-pong of ${bytes} B`, async () => {
          const result = await service().accountedDatagrams(sockets.count, () =>
            pingPong(service(), sockets, bytes),
          );
          assertComplete(result.stdout.toString());
        });
      }
    },
  );
}
