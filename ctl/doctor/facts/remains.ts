/** What processes left that were killed: rules, files, XDP programs. */
import { lstatSync } from "node:fs";
import { basename, join } from "node:path";
import { answers } from "../../../ltran/daemon/place.js";
import { controlFolders } from "../../control-socket.js";
import { json, names, text } from "./command.js";
import type { FilterTable, Leftover, Remains, RoutingRule } from "./facts.js";

/** Files beyond these are not looked at. */
const FILES_MOST = 512;
const RULES_MOST = 32;
/** kernel/filter.ts names its tables so. */
const TABLE = /^gz-[0-9a-f]{16}$/;
/** kernel/device.ts gives its rules this priority. */
const RULE_PRIORITY = 30_000;
const MARKER = /^xdp-(\d+)-/;
const MOMENTARY = /^\.(\d+)(?:\.(?:cmd|client|memif))?$|\.sock\.(\d+)\.old$/;
const MTUS = /ltran_mtu\.json$/;

/** What `nft -j list tables` says of a table. */
interface NftTable {
  table?: { family: string; name: string; flags?: string | string[] };
}

function readTables(unseen: string[]): FilterTable[] {
  const answer = json<{ nftables: NftTable[] }>("nft", "-j", "list", "tables");
  if (answer === null) unseen.push("rules of nf_tables (`nft` is missing, or needs root)");
  return (answer?.nftables ?? []).flatMap(({ table }) => {
    if (table?.family !== "netdev" || !TABLE.test(table.name)) return [];
    return [{ name: table.name, isOwned: [table.flags].flat().includes("owner") }];
  });
}

/** A table of the kernel's has the number of the address that it belongs to. */
function ownTable(address: string): string {
  return String(address.split(".").reduce((number, byte) => number * 256 + Number(byte), 0));
}

function readRules(): RoutingRule[] {
  const rules = json<{ priority: number; src?: string; table?: string | number }[]>(
    "ip",
    "-json",
    "rule",
    "show",
  );
  const ours = (rules ?? []).filter(
    ({ priority, src = "", table }) => priority === RULE_PRIORITY && String(table) === ownTable(src),
  );
  return ours.slice(0, RULES_MOST).map(({ src = "", table = "" }) => ({
    source: src,
    table: String(table),
    hasRoutes: (json<unknown[]>("ip", "-json", "route", "show", "table", String(table)) ?? []).length > 0,
  }));
}

function isProcess(pid: number): boolean {
  return names(`/proc/${pid}`).length > 0;
}

/** Inodes of files that are locked by anybody. */
function lockedInodes(): Set<string> {
  return new Set([...text("/proc/locks").matchAll(/:(\d+) \d+ \S+$/gm)].map((match) => match[1] ?? ""));
}

async function judge(path: string, locked: ReadonlySet<string>): Promise<Leftover | null> {
  const name = basename(path);
  const momentary = MOMENTARY.exec(name);
  if (momentary !== null) {
    return isProcess(Number(momentary[1] ?? momentary[2])) ? null : { path, kind: "momentary" };
  }
  if (MARKER.test(name)) {
    return locked.has(String(lstatSync(path).ino)) ? null : { path, kind: "marker" };
  }
  if (MTUS.test(name)) {
    const control = path.replace(MTUS, "ltran_cmd.sock");
    return (await answers(control)) ? null : { path, kind: "mtu" };
  }
  // A socket that packets are sent to whole cannot be asked: its companion is.
  const asked = path.replace(/ltran_(client|memif)\.sock$/, "ltran_cmd.sock");
  if (!lstatSync(path).isSocket() || (await answers(asked))) return null;
  return { path, kind: "socket" };
}

async function readFiles(): Promise<Leftover[]> {
  const paths = controlFolders().flatMap((folder) => names(folder).map((name) => join(folder, name)));
  const locked = lockedInodes();
  const judged = paths.slice(0, FILES_MOST).map(async (path) => {
    try {
      return await judge(path, locked);
    } catch {
      // It has gone meanwhile.
      return null;
    }
  });
  return (await Promise.all(judged)).flatMap((leftover) => leftover ?? []);
}

/** Looks for what dead processes left. */
export async function readRemains(unseen: string[]): Promise<Remains> {
  const files = await readFiles();
  const markers = files.filter(({ kind }) => kind === "marker").map(({ path }) => basename(path));
  return {
    tables: readTables(unseen),
    rules: readRules(),
    files,
    xdpPrograms: markers.map((name) => Number(MARKER.exec(name)?.[1])),
  };
}
