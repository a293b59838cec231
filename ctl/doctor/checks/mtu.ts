import type { Facts, Neighbour } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";
import { deviceUsers, lstacks, ltranFiles, type User } from "../subjects.js";

function set({ name, namespace }: Neighbour, mtu: number): string {
  const inside = namespace === "" ? "" : `nsenter --net=${namespace} `;
  return `${inside}ip link set ${name} mtu ${mtu}`;
}

function unequal({ by, link }: User, other: Neighbour): Problem {
  const where = other.namespace === "" ? "" : ` (in ${other.namespace})`;
  return {
    severity: "warning",
    what:
      `${link.name}, which ${by} uses, has an MTU of ${link.mtu}, and ${other.name}${where} ` +
      `behind it ${other.mtu}`,
    why:
      "packets that one end may send and the other does not take are lost: large answers hang, " +
      "small ones come",
    fix: link.mtu > other.mtu ? `ip link set ${link.name} mtu ${other.mtu}` : set(other, link.mtu),
  };
}

function neighbours({ link }: User): Neighbour[] {
  return [...(link.peer === null ? [] : [link.peer]), ...link.bridged];
}

/** What a program asks for beyond what its device has is cut down to that without a word. */
function beyond(facts: Facts): Problem[] {
  const users = deviceUsers({ ...facts, programs: [], ltrans: [] });
  return lstacks(facts).flatMap(({ path, mtu }) => {
    const link = users.find((user) => user.by === path)?.link;
    if (link === undefined || mtu <= link.mtu) return [];
    return [
      {
        severity: "warning",
        what: `${path} asks for packets of ${mtu} bytes; ${link.name} has an MTU of ${link.mtu}`,
        why: `the stack sends at most ${link.mtu} bytes: mtu has no effect`,
        fix: `ip link set ${link.name} mtu ${mtu}   # or set mtu = ${link.mtu}`,
      } as const,
    ];
  });
}

/** ltran sets the MTU of its devices; behind it nothing follows. */
function ofLtran(facts: Facts): Problem[] {
  return ltranFiles(facts).flatMap(({ path, devices, mtu }) =>
    facts.links
      .filter(({ name }) => devices.includes(name))
      .flatMap((link) => {
        const other = neighbours({ by: path, link, port: "packet", mtu }).find((one) => one.mtu !== mtu);
        return other === undefined
          ? []
          : [unequal({ by: path, link: { ...link, mtu }, port: "packet", mtu }, other)];
      }),
  );
}

/** Somebody has changed a device's MTU since ltran set it. */
function changed(facts: Facts): Problem[] {
  return facts.ltrans.flatMap(({ report }) =>
    (report?.nics ?? []).flatMap(({ device, mtu }) => {
      const link = facts.links.find(({ name }) => name === device);
      if (link === undefined || mtu === 0 || link.mtu === mtu) return [];
      return [
        {
          severity: "warning",
          what:
            `${device} has an MTU of ${link.mtu}; ltran and its programs send packets of up to ` +
            `${mtu} bytes`,
          why: "what is larger than the device takes is lost",
          fix: `ip link set ${device} mtu ${mtu}   # or set bond_mtu, and start ltran again`,
        } as const,
      ];
    }),
  );
}

export const mtu: Check = {
  id: "mtu",
  about: "configurations, devices and what is behind them agree about the MTU",
  look: (facts) => {
    const named = ltranFiles(facts).flatMap(({ devices }) => devices);
    const uneven = deviceUsers(facts)
      .filter(({ link }) => !named.includes(link.name))
      .flatMap((user) => {
        const other = neighbours(user).find((one) => one.mtu !== user.link.mtu);
        return other === undefined ? [] : [unequal(user, other)];
      });
    return [...uneven, ...beyond(facts), ...ofLtran(facts), ...changed(facts)];
  },
};
