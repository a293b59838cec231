/** Processes of this network namespace that have liblstack.so, from /proc. */
import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";
import { names, text } from "./command.js";

/** Far more than a machine runs. */
const PROCESSES_MOST = 32_768;
const LIBRARY = /\/liblstack\.so( \(deleted\))?$/m;
const ENGINE = /\/liblstack-engine\.so( \(deleted\))?$/m;
const DESCRIPTORS_MOST = 65_536;

/** A process that has the library. */
export interface Preloaded {
  pid: number;
  /** The names by which the library knows it. */
  names: string[];
  /** It uses the stack: the engine is loaded, too. */
  isSelected: boolean;
  /** The file of its library was replaced or removed. */
  isReplaced: boolean;
  /** GAZELLE_BIND_PROCNAME; null: not set. */
  wanted: string | null;
  /** It is preloaded, and not linked. */
  isPreloaded: boolean;
  isStopped: boolean;
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

/** The network namespace of a process as /proc names it; empty when it may not be seen. */
function networkOf(pid: number | "self"): string {
  return link(`/proc/${pid}/ns/net`);
}

/** Whether a process shares our network namespace. */
export function isHere(pid: number): boolean {
  const network = networkOf(pid);
  return network !== "" && network === networkOf("self");
}

/** Fields of /proc/PID/stat behind the name: state, parent, ... */
function statOf(pid: number): string[] {
  const stat = text(`/proc/${pid}/stat`);
  return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
}

/** Whether a process was stopped by a signal or a debugger. */
export function isStopped(pid: number): boolean {
  return /^[Tt]$/.test(statOf(pid)[0] ?? "");
}

/** Ourselves and who started us, whose environment we have. */
function ancestors(): Set<number> {
  const found = new Set<number>();
  for (let pid = process.pid; pid > 0 && !found.has(pid); pid = Number(statOf(pid)[1] ?? 0)) found.add(pid);
  return found;
}

/** Environment variables of a process as it was started. */
function environmentOf(pid: number): Map<string, string> {
  const entries = text(`/proc/${pid}/environ`).split("\0");
  return new Map(entries.map((entry) => [entry.split("=", 1)[0] ?? "", entry.slice(entry.indexOf("=") + 1)]));
}

function namesOf(pid: number): string[] {
  const executable = basename(link(`/proc/${pid}/exe`).replace(/ \(deleted\)$/, ""));
  // A program may write over its arguments: blanks end what is a name.
  const first = (text(`/proc/${pid}/cmdline`).split("\0", 1)[0] ?? "").split(" ")[0] ?? "";
  const all = [basename(first.replace(/:$/, "")), executable];
  return [...new Set(all.filter((name) => name !== ""))];
}

function examine(pid: number): Preloaded | null {
  const maps = text(`/proc/${pid}/maps`);
  const library = LIBRARY.exec(maps);
  if (library === null) return null;
  const engine = ENGINE.exec(maps);
  const environment = environmentOf(pid);
  return {
    pid,
    names: namesOf(pid),
    isSelected: engine !== null,
    isReplaced: library[1] !== undefined || engine?.[1] !== undefined,
    wanted: environment.get("GAZELLE_BIND_PROCNAME") ?? null,
    isPreloaded: environment.get("LD_PRELOAD")?.includes("liblstack.so") === true,
    isStopped: isStopped(pid),
  };
}

/** Processes of this network namespace with the library, but for those that started us. */
export function preloadedProcesses(): Preloaded[] {
  const ours = ancestors();
  const pids = names("/proc").filter((name) => /^\d+$/.test(name));
  return pids
    .slice(0, PROCESSES_MOST)
    .map(Number)
    .filter((pid) => !ours.has(pid) && isHere(pid))
    .flatMap((pid) => examine(pid) ?? []);
}

/** Inodes of the kernel's sockets for TCP and UDP in this network namespace. */
export function inetInodes(): Set<string> {
  const tables = ["tcp", "tcp6", "udp", "udp6"].map((name) => text(`/proc/self/net/${name}`));
  const rows = tables.flatMap((table) => table.split("\n").slice(1));
  return new Set(rows.map((row) => row.trim().split(/\s+/)[9] ?? ""));
}

/** How many descriptors a process has, at most 65,536 of them counted; 0 when they may not be seen. */
export function openFilesOf(pid: number): number {
  return names(`/proc/${pid}/fd`).length;
}

/** Whether a process has one of these sockets. */
export function hasSocketOf(pid: number, inodes: ReadonlySet<string>): boolean {
  const descriptors = names(`/proc/${pid}/fd`).slice(0, DESCRIPTORS_MOST);
  return descriptors.some((fd) => {
    const inode = /^socket:\[(\d+)\]$/.exec(link(`/proc/${pid}/fd/${fd}`))?.[1];
    return inode !== undefined && inode !== "0" && inodes.has(inode);
  });
}

/** Whether a process is there at all. */
export function exists(pid: number): boolean {
  try {
    readFileSync(`/proc/${pid}/stat`);
    return true;
  } catch {
    return false;
  }
}
