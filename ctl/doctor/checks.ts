/** Every check there is, in the order of a start: the machine, the configuration, programs, what was left. */
import { address } from "./checks/address.js";
import { alive } from "./checks/alive.js";
import { backlog } from "./checks/backlog.js";
import { buffers } from "./checks/buffers.js";
import { checksums } from "./checks/checksums.js";
import { configuration } from "./checks/configuration.js";
import { device } from "./checks/device.js";
import { dpdk } from "./checks/dpdk.js";
import { fallbacks } from "./checks/fallbacks.js";
import { filterRules } from "./checks/filter-rules.js";
import { hugePages } from "./checks/huge-pages.js";
import { iommu } from "./checks/iommu.js";
import { leftovers } from "./checks/leftovers.js";
import { library } from "./checks/library.js";
import { limits } from "./checks/limits.js";
import { link } from "./checks/link.js";
import { loss } from "./checks/loss.js";
import { ltran } from "./checks/ltran.js";
import { ltranClient } from "./checks/ltran-client.js";
import { mtu } from "./checks/mtu.js";
import { neighbours } from "./checks/neighbours.js";
import { networkManager } from "./checks/network-manager.js";
import { nicDriver } from "./checks/nic-driver.js";
import { numa } from "./checks/numa.js";
import { offloads } from "./checks/offloads.js";
import { peerReader } from "./checks/peer-reader.js";
import { portDrops } from "./checks/port-drops.js";
import { processName } from "./checks/process-name.js";
import { reader } from "./checks/reader.js";
import { reversePath } from "./checks/reverse-path.js";
import { rights } from "./checks/rights.js";
import { routingRules } from "./checks/routing-rules.js";
import { visibility } from "./checks/visibility.js";
import { xdp } from "./checks/xdp.js";
import type { Facts } from "./facts/facts.js";
import type { Check, Finding } from "./finding.js";

/** The checks, in the order in which they are shown. */
export const CHECKS: readonly Check[] = [
  ...[configuration, device, link, address, mtu, hugePages, dpdk, nicDriver, iommu, numa],
  ...[rights, limits, offloads, reversePath, networkManager],
  ...[processName, ltran, ltranClient, alive, library],
  ...[portDrops, loss, checksums, neighbours, backlog, reader, peerReader, buffers, fallbacks],
  ...[filterRules, routingRules, xdp, leftovers, visibility],
];

/** What all checks say about the facts: what is wrong, and what is right. */
export function diagnose(facts: Facts): Finding[] {
  return CHECKS.flatMap(({ id, about, look }): Finding[] => {
    const problems = look(facts);
    if (problems.length === 0) {
      return [{ id, ok: true, severity: "info", what: about, why: "", fix: "" }];
    }
    return problems.map((problem) => ({ id, ok: false, ...problem }));
  });
}
