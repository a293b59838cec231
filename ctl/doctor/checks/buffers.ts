import type { Facts, PoolState } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";
import { answering, called, counted } from "../subjects.js";

/** Pools that grow into memory, and what they hold. */
const HOLDS: Readonly<Record<string, string>> = {
  socket: "sockets",
  tcb: "connections",
  buffer: "packet buffers",
  waitSet: "epoll instances",
  interest: "descriptors in epoll instances",
  neighbour: "neighbours",
  reassembly: "datagrams that are put together",
};
const NEARLY = 0.95;
/** A burst may overflow a ring: TCP slows down then. */
const RING_LEAST = 10;
const RING_SHARE = 0.001;

function missed(name: string, pool: PoolState, drops: Record<string, number>): number {
  if (name === "buffer") return pool.exhausted + (drops.noBuffer ?? 0);
  return name === "tcb" ? pool.exhausted + (drops.noTcb ?? 0) : pool.exhausted;
}

function problem(who: string, name: string, pool: PoolState, refused: number): Problem {
  const what = HOLDS[name] ?? name;
  return {
    severity: refused > 0 ? "error" : "warning",
    what:
      refused > 0
        ? `${who} ran out of ${what} ${counted(refused, "time")} (${pool.used} of ` +
          `${pool.capacity} are in use)`
        : `${who} had ${pool.peak} of ${pool.capacity} ${what} in use`,
    why: "without room packets are dropped, and connections refused",
    fix:
      "in lstack.conf raise memory, or tcp_conn_count and mbuf_count_per_conn; look for " +
      "connections nobody reads",
  };
}

function ofPrograms(facts: Facts): Problem[] {
  return answering(facts).flatMap(({ program, now: { pools, drops } }) =>
    Object.entries(pools).flatMap(([name, pool]) => {
      const refused = missed(name, pool, drops);
      if (refused === 0 && (pool.capacity === 0 || pool.peak < pool.capacity * NEARLY)) return [];
      return [problem(called(program), name, pool, refused)];
    }),
  );
}

function ofLtran(facts: Facts): Problem[] {
  return facts.ltrans.flatMap(({ report }) => {
    const full = report?.drops.vportFull ?? 0;
    const frames = report?.counters.vportFramesOut ?? 0;
    if (report === null || full < RING_LEAST || full < frames * RING_SHARE) return [];
    return [
      {
        severity: "warning",
        what: `ltran (process ${report.pid}) found the ring of a program full ${counted(full, "time")}`,
        why: "the program takes frames too slowly, and loses them",
        fix: "gazellectl ltran show -i   # names the program; give it CPU time, or more stacks",
      } as const,
    ];
  });
}

export const buffers: Check = {
  id: "buffers",
  about: "stacks have buffers, connections and sockets left",
  look: (facts) => [...ofPrograms(facts), ...ofLtran(facts)],
};
