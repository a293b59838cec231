/** Programs that have a stack, as their control sockets and /proc tell. */
import { isIP } from "node:net";
import { basename } from "node:path";
import { COUNTERS_LAYOUT } from "../../../build/generated/node/counters.js";
import { askControl, ControlError, listSockets } from "../../control-socket.js";
import { askStatistics, type Facts as StackFacts, type Statistics } from "../../statistics.js";
import type { Bystander, Program, Sample } from "./facts.js";
import { limitsOf } from "./machine.js";
import {
  exists,
  hasSocketOf,
  inetInodes,
  isHere,
  isStopped,
  openFilesOf,
  type Preloaded,
} from "./processes.js";

/** Programs beyond these are not asked. */
const PROGRAMS_MOST = 64;
/** Between the two samples, in milliseconds. */
const INTERVAL_MS = 500;

/** A control socket's name, taken apart: unix_prefix may end in digits. */
interface Place {
  socket: string;
  prefix: string;
  pid: number;
}

/** Whose control socket a path is: the longest number at its end that is a process. */
export function placeOfSocket(socket: string, isThere: (pid: number) => boolean = exists): Place | null {
  const name = basename(socket, ".sock");
  for (let at = name.search(/\d+$/); at >= 0 && at < name.length; at++) {
    const digits = name.slice(at);
    if (/^[1-9]/.test(digits) && isThere(Number(digits))) {
      return { socket, prefix: name.slice(0, at), pid: Number(digits) };
    }
  }
  return null;
}

function sampleOf({ facts, pools, ...tables }: Statistics): Sample {
  const plain = (name: "counters" | "drops" | "resets" | "fallbacks") =>
    Object.fromEntries(tables[name].map((entry) => [entry.name, Number(entry.value)]));
  return {
    counters: plain("counters"),
    drops: plain("drops"),
    resets: plain("resets"),
    fallbacks: plain("fallbacks"),
    pools: Object.fromEntries(
      Object.entries(pools).map(([name, pool]) => [name, { ...pool, exhausted: Number(pool.exhausted) }]),
    ),
    refused: facts.refusedFrames,
  };
}

function unknown({ socket, prefix, pid }: Place, preloaded: readonly Preloaded[]): Program {
  const process = preloaded.find((one) => one.pid === pid);
  return {
    ...{ pid, socket, prefix, name: process?.names[0] ?? String(pid), state: "silent", remark: "" },
    ...{ isPoisoned: false, address: "", mac: "", mtu: 0, port: "", device: "", first: null, second: null },
    openFiles: openFilesOf(pid),
    openFilesLimit: limitsOf(pid).openFiles,
    isReplaced: process?.isReplaced === true,
  };
}

/** What a program says about itself may be anything: it may be another user's. */
function told(program: Program, facts: StackFacts): Program {
  const address = String(facts.address).split("/")[0] ?? "";
  return {
    ...program,
    state: "answers",
    name: String(facts.program),
    isPoisoned: facts.poisoned === true,
    address: isIP(address) === 0 ? "" : address,
    mac: String(facts.mac),
    mtu: Number(facts.mtu),
    port: String(facts.port),
    device: String(facts.device),
  };
}

/** Asks a program for its first sample. */
async function ask(place: Place, preloaded: readonly Preloaded[]): Promise<Program> {
  const program = unknown(place, preloaded);
  if (isStopped(place.pid)) return { ...program, state: "stopped" };
  try {
    const head = (await askControl(place.socket, "counters")).head as StackFacts;
    if (head.layout !== COUNTERS_LAYOUT) return { ...program, state: "otherBuild" };
    const statistics = await askStatistics(place.socket);
    return { ...told(program, statistics.facts), first: sampleOf(statistics) };
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    return { ...program, remark: error.message };
  }
}

/** Asks a program that answered once more. */
async function askAgain(program: Program): Promise<Program> {
  if (program.state !== "answers") return program;
  try {
    const statistics = await askStatistics(program.socket);
    return { ...told(program, statistics.facts), second: sampleOf(statistics) };
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    // It has ended since: what it counted before is all there is.
    return { ...program, second: program.first };
  }
}

/** The programs of this network namespace that have a stack, each with two samples. */
export async function readPrograms(preloaded: readonly Preloaded[], unseen: string[]): Promise<Program[]> {
  const { paths, closed } = listSockets();
  if (closed.length > 0) unseen.push(`programs of other users (${closed.join(", ")} may not be read)`);
  const places = paths.flatMap((path) => placeOfSocket(path) ?? []).filter(({ pid }) => isHere(pid));
  if (places.length > PROGRAMS_MOST) unseen.push(`programs beyond the first ${PROGRAMS_MOST}`);
  const programs = await Promise.all(places.slice(0, PROGRAMS_MOST).map((place) => ask(place, preloaded)));
  if (programs.some(({ state }) => state === "answers")) {
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  }
  return Promise.all(programs.map(askAgain));
}

/** Processes that were to use the stack and do not. */
export function bystandersAmong(preloaded: readonly Preloaded[]): Bystander[] {
  const inodes = inetInodes();
  return preloaded
    .filter(({ isSelected, isPreloaded }) => !isSelected && isPreloaded)
    .map(({ pid, names, wanted }) => ({ pid, names, wanted, hasSockets: hasSocketOf(pid, inodes) }));
}
