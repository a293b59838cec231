/** The other network namespaces that this one has numbers for: where the other ends of its devices are. */
import { json } from "./command.js";

/** Most namespaces that are looked at. */
const MOST = 64;

/** Path of a namespace by its number here (NETNSA_NSID). */
export function namespacePaths(): Map<number, string> {
  const named = json<{ name: string; id?: number }[]>("ip", "-json", "netns", "list") ?? [];
  const used = json<{ namespaces: { pid: string; netnsid: string }[] }>(
    "lsns",
    ...["--json", "--type", "net", "--output", "PID,NETNSID"],
  );
  const paths = new Map<number, string>();
  for (const { pid, netnsid } of used?.namespaces ?? []) {
    if (/^\d+$/.test(netnsid)) paths.set(Number(netnsid), `/proc/${pid}/ns/net`);
  }
  for (const { name, id } of named) {
    if (id !== undefined) paths.set(id, `/run/netns/${name}`);
  }
  return new Map([...paths].slice(0, MOST));
}

/** The words that run a command in a namespace, or here when it is empty. */
export function within(path: string, ...command: string[]): [string, ...string[]] {
  if (path !== "") return ["nsenter", `--net=${path}`, "--", ...command];
  const [name = "", ...rest] = command;
  return [name, ...rest];
}
