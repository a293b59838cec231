/** A lab with two links between ltran and its peer. */
import { addresses, type Lab } from "../../scripts/lab/lab.js";
import { runInside } from "../../scripts/lab/namespaces.js";

/** The ends of the second link. */
export const backupLink = { server: "server1", client: "client1" };

/** A second veth beside that of the lab, and a bridge of the client's that joins both and has its address. */
export function addSecondLink(lab: Lab): void {
  const { serverNamespace, clientNamespace, clientInterface } = lab;
  const inClient = (...words: string[]) => runInside(clientNamespace, ...words);
  const peer = ["peer", "name", backupLink.client, "netns", clientNamespace];
  runInside(serverNamespace, "ip", "link", "add", "name", backupLink.server, "type", "veth", ...peer);
  runInside(serverNamespace, "ip", "link", "set", backupLink.server, "up");
  inClient("ip", "link", "add", "name", "bridge0", "type", "bridge", "forward_delay", "0");
  for (const port of [clientInterface, backupLink.client]) {
    inClient("ip", "link", "set", port, "master", "bridge0");
  }
  inClient("ip", "address", "flush", "dev", clientInterface);
  inClient("ip", "address", "add", `${addresses.client}/${addresses.prefixLength}`, "dev", "bridge0");
  for (const device of [backupLink.client, "bridge0"]) inClient("ip", "link", "set", device, "up");
}
