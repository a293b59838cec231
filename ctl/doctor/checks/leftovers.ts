import type { Leftover } from "../facts/facts.js";
import type { Check } from "../finding.js";

const KINDS: Readonly<Record<Leftover["kind"], { what: string; why: string }>> = {
  socket: {
    what: "is a socket that nobody listens at",
    why: "its program or ltran was killed; the next start takes it away",
  },
  momentary: {
    what: "was in use for a moment by a process that was killed while it started",
    why: "it does nothing; the next start takes it away",
  },
  mtu: {
    what: "was left by an ltran that was killed",
    why:
      "it says which MTU devices had before ltran changed it: they have ltran's until the next " +
      "one starts and ends",
  },
  marker: {
    what: "marks an XDP program that no process uses",
    why: "its program was killed; the next start on that interface takes it away",
  },
};

export const leftovers: Check = {
  id: "leftovers",
  about: "no sockets and files are left of processes that were killed",
  look: ({ remains }) =>
    remains.files.map(({ path, kind }) => ({
      severity: kind === "mtu" ? "warning" : "info",
      what: `${path} ${KINDS[kind].what}`,
      why: KINDS[kind].why,
      fix: kind === "mtu" ? "ltran -c FILE   # once more, and `gazellectl ltran quit`" : `rm ${path}`,
    })),
};
