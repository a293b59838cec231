/** Who and what a check is about. */

import type {
  Configuration,
  Facts,
  Link,
  LstackConfiguration,
  LtranConfiguration,
  Program,
  Sample,
} from "./facts/facts.js";
import { ealInterfaces } from "./facts/gather.js";

type Lstack = NonNullable<LstackConfiguration["values"]> & { path: string };
type LtranFile = NonNullable<LtranConfiguration["values"]> & { path: string };

/** A program that answered, with what it counted half a second before and now. */
export interface Answering {
  program: Program;
  before: Sample;
  now: Sample;
}

/** Every lstack.conf without errors. */
export function lstacks({ configurations }: Facts): Lstack[] {
  return configurations.flatMap((one) =>
    one.kind === "lstack" && one.values !== null ? [{ ...one.values, path: one.path }] : [],
  );
}

/** Every ltran.conf without errors. */
export function ltranFiles({ configurations }: Facts): LtranFile[] {
  return configurations.flatMap((one) =>
    one.kind === "ltran" && one.values !== null ? [{ ...one.values, path: one.path }] : [],
  );
}

/** The programs that answered. */
export function answering({ programs }: Facts): Answering[] {
  return programs.flatMap((program) =>
    program.first === null || program.second === null
      ? []
      : [{ program, before: program.first, now: program.second }],
  );
}

/** A process for a message. */
export function called({ name, pid }: Pick<Program, "name" | "pid">): string {
  return `${name} (process ${pid})`;
}

/** Whether a configuration is that of a running program, which has taken what it needs already. */
export function isRunning(facts: Facts, configuration: Lstack | LtranFile): boolean {
  if ("address" in configuration) {
    return facts.programs.some(({ address }) => address === configuration.address);
  }
  return facts.ltrans.some(({ prefix, report }) => prefix === configuration.unixPrefix && report !== null);
}

/** What uses a device: a configuration, a program or an ltran. */
export interface User {
  /** For a message. */
  by: string;
  link: Link;
  port: "packet" | "dpdk";
  /** Largest packet that it is configured for; 0: the device's. */
  mtu: number;
}

function usersByFile(facts: Facts, { path, values }: Configuration): User[] {
  if (values === null || values.port === "ltran") return [];
  const { port, mtu, ealArguments } = values;
  const named =
    port === "dpdk"
      ? ealInterfaces(ealArguments)
      : "devices" in values
        ? values.devices
        : [values.device, values.mac];
  const links = facts.links.filter(({ name, mac }) => named.includes(name) || named.includes(mac));
  return links.map((link) => ({ by: path, link, port, mtu }));
}

/** Who uses which of the kernel's devices, now or after a start; each device once. */
export function deviceUsers(facts: Facts): User[] {
  const running = facts.programs
    .filter(({ port }) => port === "packet" || port === "dpdk")
    .flatMap((program): User[] => {
      const link = facts.links.find(({ name }) => name === program.device);
      const port = program.port === "dpdk" ? "dpdk" : "packet";
      return link === undefined ? [] : [{ by: called(program), link, port, mtu: program.mtu }];
    });
  const forwarding = facts.ltrans.flatMap(({ report }) =>
    (report?.nics ?? []).flatMap(({ device, mtu }): User[] => {
      const link = facts.links.find(({ name }) => name === device);
      const by = `ltran (process ${report?.pid})`;
      return link === undefined ? [] : [{ by, link, port: "packet", mtu }];
    }),
  );
  const files = facts.configurations.flatMap((configuration) => usersByFile(facts, configuration));
  const users = new Map<string, User>();
  for (const user of [...running, ...forwarding, ...files]) {
    if (!users.has(user.link.name)) users.set(user.link.name, user);
  }
  return [...users.values()];
}

/** "1 frame", "2 frames". */
export function counted(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? "" : "s"}`;
}
