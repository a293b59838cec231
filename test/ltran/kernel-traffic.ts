/** What a kernel that shares an address with a stack is asked, and what it must keep to itself. */
import assert from "node:assert/strict";
import { inRoot } from "../../scripts/build/paths.js";
import { waitUntil } from "../../scripts/lab/command.js";
import type { Lab } from "../../scripts/lab/lab.js";
import { addresses } from "../../scripts/lab/lab.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { counter, parseSnmp } from "../../scripts/lab/network-counters.js";
import { type Program, runProgram, startProgram } from "../../scripts/lab/program.js";
import { redisPort } from "./accelerated.js";

const echo = inRoot("test", "ltran", "echo.py");
const pings = 20;
const echoPort = 2_222;
/** Every router and host knows one peer at least. */
const patienceMs = 5_000;

/** Which end of a lab; the server's kernel has the address of the accelerated program, too. */
type End = "client" | "server";

function namespaceOf(lab: Lab, end: End): string {
  return end === "client" ? lab.clientNamespace : lab.serverNamespace;
}

/** A server of the kernel's, which sends back what it gets by TCP and UDP. */
export async function startEcho(lab: Lab, end: End, address: string, port: number): Promise<Program> {
  const program = startProgram({
    namespace: namespaceOf(lab, end),
    role: end,
    command: "python3",
    argumentList: [echo, "serve", address, String(port)],
  });
  await waitUntil(() => /listening/.test(program.output()) || program.result() !== undefined, patienceMs);
  assert.equal(program.result(), undefined, program.output());
  return program;
}

/** Sends to an echo server of the other end, from a source address if one is given, and compares. */
async function exchange(lab: Lab, from: End, words: readonly string[]): Promise<void> {
  const { status, stdout, stderr } = await runProgram({
    namespace: namespaceOf(lab, from),
    role: from,
    command: "python3",
    argumentList: [echo, ...words],
  });
  assert.equal(status, 0, `${words.join(" ")}: ${stderr}`);
  assert.match(stdout.toString(), /^same/);
}

/** 64 KB and single bytes by TCP, datagrams with and without fragments, to an address and port. */
export async function talk(
  lab: Lab,
  from: End,
  address: string,
  port: number,
  source?: string,
  hasFragments = true,
): Promise<void> {
  const rest = source === undefined ? [] : [source];
  await exchange(lab, from, ["exchange", address, String(port), "65536", "64", ...rest]);
  await exchange(lab, from, ["exchange", address, String(port), "1", "100", ...rest]);
  await exchange(lab, from, ["datagrams", address, String(port), "1000", "50"]);
  if (hasFragments) await exchange(lab, from, ["datagrams", address, String(port), "5000", "20"]);
}

/** Pings; every request is answered once. */
export async function pingOnce(lab: Lab, from: End, address: string, ...options: string[]): Promise<void> {
  const { stdout } = await runProgram({
    namespace: namespaceOf(lab, from),
    role: from,
    command: "ping",
    argumentList: ["-n", "-c", String(pings), "-i", "0.01", "-W", "2", ...options, address],
  });
  const text = stdout.toString();
  assert.match(text, new RegExp(`${pings} packets transmitted, ${pings} received,(?! \\+)`), text);
}

/** Redis-benchmark against the accelerated server, until stopped or done. */
export function startLoad(lab: Lab, requests: number): Program {
  const words = ["-h", addresses.server, "-p", String(redisPort), "-c", "20", "-n", String(requests)];
  return startProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "redis-benchmark",
    argumentList: [...words, "-t", "set,get", "-q"],
  });
}

/** Frames on a device while something happens. */
export class Capture {
  readonly #program: Program;

  private constructor(program: Program) {
    this.#program = program;
  }

  static async start(lab: Lab, end: End, device: string, filter: string): Promise<Capture> {
    const program = startProgram({
      namespace: namespaceOf(lab, end),
      role: end,
      command: "tcpdump",
      // Headers in 16 MiB: a busy machine lets tcpdump wait for a while.
      argumentList: ["-i", device, "-n", "-l", "-e", "-s", "128", "-B", "16384", "--immediate-mode", filter],
    });
    await waitUntil(() => /listening on/.test(program.output()), patienceMs);
    return new Capture(program);
  }

  /** Whether tcpdump has taken every frame that the kernel keeps for it: it says so when it is asked. */
  #hasTakenAll(): boolean {
    const answer = /(\d+) packets? captured, (\d+) packets? received by filter, (\d+) packets? dropped/g;
    const numbers = [...this.#program.output().matchAll(answer)].at(-1)?.slice(1).map(Number);
    const [captured = 0, received = -1, dropped = 0] = numbers ?? [];
    if (captured + dropped === received) return true;
    this.#program.signal("SIGUSR1");
    return false;
  }

  /** The lines of it. A frame that the kernel keeps for tcpdump would be lost at its end. */
  async finish(): Promise<string[]> {
    this.#program.signal("SIGUSR1");
    assert.ok(await waitUntil(() => this.#hasTakenAll(), patienceMs), this.#program.output());
    const { stdout } = await this.#program.stop();
    return stdout
      .toString()
      .split("\n")
      .filter((line) => line !== "");
  }
}

/** Neighbours are asked for again: forgets the server in the client's kernel. */
export function forgetServer(lab: Lab): void {
  runInside(lab.clientNamespace, "ip", "neigh", "flush", "dev", lab.clientInterface);
}

/** Of captured ARP: requests for the server's address, and answers. */
export function arpOf(lines: readonly string[]): { requests: number; replies: number } {
  return {
    // Whoever tells his own address asks nothing.
    requests: lines.filter((line) => line.includes(`who-has ${addresses.server} tell ${addresses.client}`))
      .length,
    replies: lines.filter((line) => line.includes(`Reply ${addresses.server} is-at`)).length,
  };
}

/** A counter of the server's kernel. */
export function kernelCounter(lab: Lab, name: string): bigint {
  const text = runInside(lab.serverNamespace, "cat", "/proc/net/snmp").toString();
  return counter(parseSnmp(text), name);
}

/** Everything at once: Redis under load, and the kernel's programs in both directions. */
export async function shareUnderLoad(lab: Lab, hasFragments = true): Promise<void> {
  const wire = await Capture.start(lab, "client", lab.clientInterface, "arp or tcp[tcpflags] & tcp-rst != 0");
  const device = await Capture.start(lab, "server", "kni", "icmp or port 2222 or arp");
  const server = await startEcho(lab, "server", addresses.server, echoPort);
  const client = await startEcho(lab, "client", addresses.client, echoPort);
  const load = startLoad(lab, 400_000);
  forgetServer(lab);
  await pingOnce(lab, "client", addresses.server);
  if (hasFragments) await pingOnce(lab, "client", addresses.server, "-s", "4000");
  await pingOnce(lab, "server", addresses.client, "-I", addresses.server);
  await talk(lab, "client", addresses.server, echoPort, undefined, hasFragments);
  await talk(lab, "server", addresses.client, echoPort, addresses.server, hasFragments);
  assert.equal(load.result(), undefined, "the load ended too early to prove anything");
  const { status } = await load.ended;
  assert.equal(status, 0, load.output());
  await server.stop();
  await client.stop();
  const onDevice = await device.finish();
  assert.ok(
    onDevice.some((line) => line.includes(`${addresses.client} > ${addresses.server}: ICMP echo reply`)),
  );
  assert.ok(onDevice.some((line) => line.includes(`${addresses.server}.${echoPort} > `)));
  const onWire = await wire.finish();
  const { requests, replies } = arpOf(onWire);
  assert.ok(requests > 0, "the client did not ask for the server");
  assert.equal(replies, requests, onWire.join("\n"));
  assert.deepEqual(
    onWire.filter((line) => /Flags \[R/.test(line) && line.includes(".6379")),
    [],
  );
}
