/** ICMP echo of every size a datagram can carry, answered by an accelerated Redis. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { onEachStack } from "./each-stack.js";
import { redisService } from "./redis-server.js";
import { serverAddress } from "./service.js";

/** Nothing, ping's own size, the largest unfragmented and the smallest fragmented one, ..., the largest. */
const payloadBytes = [0, 56, 1_472, 1_473, 14_000, 16_000, 65_507];
const count = 5;

onEachStack(
  "ping",
  () => redisService,
  (service) => {
    for (const bytes of payloadBytes) {
      test(`${bytes} B come back`, async () => {
        // Lost fragments are not sent again, so one of the five may go missing; a stack without reassembly
        // answers none.
        const load = ["-c", String(count), "-i", "0.05", "-W", "2", "-s", String(bytes)];
        const report = (await service().client("ping", [...load, serverAddress])).stdout.toString();
        const received = Number(/(\d+) received/.exec(report)?.[1]);
        assert.ok(received >= count - 1, report);
        assert.doesNotMatch(report, /wrong data byte/);
      });
    }
  },
);
