/** Proof that the accelerated server really used the stack, and that the stack does not damage data. */
import { createHash, randomBytes } from "node:crypto";
import { pause } from "../lab/command.js";
import type { Lab } from "../lab/lab.js";
import { interfaceCounters, kernelAddresses, snmpCounters } from "../lab/lab.js";
import type { InterfaceCounters } from "../lab/network-counters.js";
import { counter } from "../lab/network-counters.js";
import { readStackCounters } from "../lab/stack-counters.js";
import type { Contestant } from "./contestants.js";
import { redisCli } from "./measure.js";

/** One statement that was checked. */
export interface Finding {
  statement: string;
  holds: boolean;
  details: string;
}

/** What must not move in the kernel of the server's namespace while Gazelle serves. */
const stillCounters = ["Tcp.PassiveOpens", "Tcp.InSegs", "Tcp.OutSegs"] as const;
const integrityBytes = 8 << 20;
const settleAttempts = 20;
const settlePauseMs = 100;

/** The state before the first measurement. */
export interface Baseline {
  kernel: readonly bigint[];
  client: InterfaceCounters;
  stackBytes: { rx: bigint; tx: bigint } | Error;
}

function readKernel(lab: Lab): bigint[] {
  const counters = snmpCounters(lab.serverNamespace);
  return stillCounters.map((name) => counter(counters, name));
}

function readStackBytes(pid: number): { rx: bigint; tx: bigint } | Error {
  try {
    const counters = readStackCounters(pid);
    return { rx: counters.rxBytes, tx: counters.txBytes };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Remembers where all counters stand. Call it after the start of the server, which must be running. */
export function takeBaseline({ lab, server }: Contestant): Baseline {
  return {
    kernel: readKernel(lab),
    client: interfaceCounters(lab.clientNamespace, lab.clientInterface),
    stackBytes: readStackBytes(server.pid),
  };
}

function checkAddress(lab: Lab): Finding {
  const found = kernelAddresses(lab.serverNamespace, lab.serverInterface);
  return {
    statement: "the server's interface has no address in its kernel",
    holds: found.length === 0,
    details: found.length === 0 ? "none" : found.join(", "),
  };
}

function checkKernelCounters(lab: Lab, before: readonly bigint[]): Finding {
  const moved = readKernel(lab).map((value, index) => value - (before[index] ?? 0n));
  return {
    statement: "the TCP counters of the server's kernel did not move",
    holds: moved.every((difference) => difference === 0n),
    details: stillCounters.map((name, index) => `${name} +${moved[index]}`).join(", "),
  };
}

/** Frames may still be on their way when the last benchmark ends, so the counters get time to settle. */
async function checkByteCounters({ lab, server }: Contestant, before: Baseline): Promise<Finding> {
  const statement = "the stack's byte counters equal the client's";
  if (before.stackBytes instanceof Error) {
    return { statement, holds: false, details: before.stackBytes.message };
  }
  let details = "";
  for (let attempt = 0; attempt < settleAttempts; attempt++) {
    const now = readStackBytes(server.pid);
    if (now instanceof Error) {
      return { statement, holds: false, details: now.message };
    }
    const client = interfaceCounters(lab.clientNamespace, lab.clientInterface);
    const received = now.rx - before.stackBytes.rx;
    const sent = now.tx - before.stackBytes.tx;
    const clientSent = client.txBytes - before.client.txBytes;
    const clientReceived = client.rxBytes - before.client.rxBytes;
    details = `received ${received} of ${clientSent} sent, sent ${sent} of ${clientReceived} received`;
    if (received === clientSent && sent === clientReceived && received > 0n && sent > 0n) {
      return { statement, holds: true, details };
    }
    await pause(settlePauseMs);
  }
  return { statement, holds: false, details };
}

async function checkIntegrity(lab: Lab): Promise<Finding> {
  const value = randomBytes(integrityBytes);
  await redisCli(lab, ["-x", "SET", "large"], value);
  const answer = await redisCli(lab, ["--raw", "GET", "large"], "");
  // redis-cli ends what it prints with a line feed.
  const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
  const [sent, received] = [digest(value), digest(answer.subarray(0, -1))];
  return {
    statement: "an 8 MB value comes back byte-identical",
    holds: sent === received,
    details: `sha256 ${sent.slice(0, 16)}... sent, ${received.slice(0, 16)}... received`,
  };
}

/** Checks everything, and prints nothing. */
export async function prove(contestant: Contestant, before: Baseline): Promise<Finding[]> {
  const { lab, server } = contestant;
  server.signal("SIGCONT");
  const findings = [await checkIntegrity(lab), checkAddress(lab), checkKernelCounters(lab, before.kernel)];
  return [...findings, await checkByteCounters(contestant, before)];
}
