/**
 * The main job, Redis under load, over DPDK with its virtual drivers; redis.test.ts does it over AF_PACKET.
 */
import type { DpdkDriver } from "../../scripts/lab/lstack-conf.js";
import { onEachStack } from "./each-stack.js";
import { declareIncrements, declareLargeValue, redisService } from "./redis-server.js";

const drivers: readonly DpdkDriver[] = ["af_packet", "af_xdp", "tap"];

for (const driver of drivers) {
  onEachStack(
    `redis over dpdk ${driver}`,
    () => ({ ...redisService, configuration: { port: "dpdk", driver } }),
    (service) => {
      declareIncrements(service);
      declareLargeValue(service);
    },
    { on: ["gazelle"] },
  );
}
