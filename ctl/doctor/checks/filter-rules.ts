import { isIPv4 } from "node:net";
import type { Facts } from "../facts/facts.js";
import type { Check } from "../finding.js";

/** What kernel/filter.ts names a table after: 16 digits of a MAC or IPv4 address, its first byte lowest. */
function digits(bytes: readonly number[]): string {
  const number = [...bytes].reverse().reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return number.toString(16).padStart(16, "0");
}

/** Tables of programs and ltrans that live. */
function living({ programs, ltrans }: Facts): Set<string> {
  const addresses = programs
    .filter(({ address }) => isIPv4(address))
    .map(({ address }) => digits(address.split(".").map(Number)));
  const macs = ltrans
    .flatMap(({ report }) => /^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/.exec(report?.mac ?? "") ?? [])
    .map((mac) => digits(mac.split(":").map((byte) => Number.parseInt(byte, 16))));
  return new Set([...addresses, ...macs].map((name) => `gz-${name}`));
}

export const filterRules: Check = {
  id: "filter-rules",
  about: "no rule of nf_tables is left of a program that was killed",
  look: (facts) => {
    const alive = living(facts);
    return facts.remains.tables
      .filter(({ name, isOwned }) => !isOwned && !alive.has(name))
      .map(({ name }) => ({
        severity: "warning",
        what: `the table ${name} of nf_tables was left by a program that is gone`,
        why: "the kernel still hears nothing for the address of that program on this interface",
        fix: `nft delete table netdev ${name}`,
      }));
  },
};
