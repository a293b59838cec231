import type { Check, Problem } from "../finding.js";
import { deviceUsers, type User } from "../subjects.js";

/** What makes the other end of a veth send frames that DPDK's virtual drivers cannot take. */
const OF_SENDER = ["tx-checksumming", "tcp-segmentation-offload", "generic-segmentation-offload"] as const;
/** What joins received frames before packet sockets hear them. */
const OF_RECEIVER = ["large-receive-offload", "generic-receive-offload"] as const;
const SHORT: Readonly<Record<string, string>> = {
  "tx-checksumming": "tx",
  "tcp-segmentation-offload": "tso",
  "generic-segmentation-offload": "gso",
  "large-receive-offload": "lro",
  "generic-receive-offload": "gro",
};

function off(device: string, namespace: string, names: readonly string[]): string {
  const inside = namespace === "" ? "" : `nsenter --net=${namespace} `;
  return `${inside}ethtool -K ${device} ${names.map((name) => `${SHORT[name]} off`).join(" ")}`;
}

function behind({ by, link: { peer } }: User): Problem[] {
  const on = OF_SENDER.filter((name) => peer?.offloads.get(name) === true);
  if (peer === null || on.length === 0) return [];
  return [
    {
      severity: "warning",
      what: `${peer.name}, the other end of the device of ${by}, has ${on.join(", ")} on`,
      why: "it sends frames longer than the MTU or without a checksum, which DPDK cuts off or drops",
      fix: off(peer.name, peer.namespace, on),
    },
  ];
}

function here({ by, link }: User): Problem[] {
  // A veth joins nothing unless it is asked to, though it says that it would.
  const on = link.kind === "" ? OF_RECEIVER.filter((name) => link.offloads.get(name) === true) : [];
  if (on.length === 0) return [];
  return [
    {
      severity: "warning",
      what: `${link.name}, the device of ${by}, has ${on.join(", ")} on`,
      why:
        "the kernel joins received frames to longer ones than DPDK's buffers hold: they are cut " +
        "off and dropped",
      fix: off(link.name, "", on),
    },
  ];
}

export const offloads: Check = {
  id: "offloads",
  about: "offloads suit the ports: DPDK's virtual drivers take no super-frames",
  look: (facts) =>
    deviceUsers(facts)
      .filter(({ port }) => port === "dpdk")
      .flatMap((user) => [...behind(user), ...here(user)]),
};
