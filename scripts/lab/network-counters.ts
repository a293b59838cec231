/** The counters a kernel keeps for one network namespace. */

/** Values by name, for instance `Tcp.PassiveOpens`. */
export type SnmpCounters = ReadonlyMap<string, bigint>;

/**
 * Reads the format of /proc/net/snmp and /proc/net/netstat: pairs of lines, names first, then values.
 * @throws Error when a pair does not match.
 */
export function parseSnmp(text: string): SnmpCounters {
  const counters = new Map<string, bigint>();
  const lines = text.trim().split("\n");
  for (let index = 0; index + 1 < lines.length; index += 2) {
    const names = (lines[index] ?? "").split(/\s+/);
    const values = (lines[index + 1] ?? "").split(/\s+/);
    const group = names[0];
    if (group === undefined || group !== values[0] || names.length !== values.length) {
      throw new Error(`unexpected line in the SNMP counters: ${lines[index]}`);
    }
    for (let column = 1; column < names.length; column++) {
      counters.set(`${group.slice(0, -1)}.${names[column]}`, BigInt(values[column] ?? "0"));
    }
  }
  return counters;
}

/** @throws Error when the kernel has no counter of this name. */
export function counter(counters: SnmpCounters, name: string): bigint {
  const value = counters.get(name);
  if (value === undefined) {
    throw new Error(`the kernel has no counter ${name}`);
  }
  return value;
}

/** Frames and bytes (Ethernet header included) that an interface received and sent. */
export interface InterfaceCounters {
  rxBytes: bigint;
  rxPackets: bigint;
  txBytes: bigint;
  txPackets: bigint;
}

/** Reads the answer of `ip -json -stats link show dev NAME`. */
export function parseInterfaceCounters(json: string): InterfaceCounters {
  const [link] = JSON.parse(json) as { stats64?: Record<"rx" | "tx", Record<string, number>> }[];
  const { rx, tx } = link?.stats64 ?? {};
  if (rx?.bytes === undefined || tx?.bytes === undefined) {
    throw new Error("the kernel gave no statistics for the interface");
  }
  return {
    rxBytes: BigInt(rx.bytes),
    rxPackets: BigInt(rx.packets ?? 0),
    txBytes: BigInt(tx.bytes),
    txPackets: BigInt(tx.packets ?? 0),
  };
}
