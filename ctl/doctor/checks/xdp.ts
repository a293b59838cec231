import type { Check } from "../finding.js";

export const xdp: Check = {
  id: "xdp",
  about: "no XDP program is left of a program that was killed",
  look: ({ links, remains }) =>
    links
      .filter(({ xdpProgram }) => xdpProgram !== 0 && remains.xdpPrograms.includes(xdpProgram))
      .map(({ name }) => ({
        severity: "warning",
        what: `${name} still has the XDP program of a program that was killed`,
        why: "frames go through it for nobody, and the other end of a veth does without its offloads",
        fix: `ip link set dev ${name} xdp off`,
      })),
};
