/** Trouble of programs that run, and of what others left. */
import { healthy, link, program, report, sample } from "./made-up-facts.js";
import { pool, type Trouble } from "./trouble.js";

/** Each is found by one check. */
export const besidePrograms: readonly Trouble[] = [
  [
    "an address that two programs have",
    { programs: [program(), program({}, { pid: 2 })] },
    "address",
    "error",
    /both have 192\.168\.1\.10/,
  ],
  [
    "an MTU that somebody changed under ltran",
    {
      configurations: [],
      ltrans: [{ prefix: "", socket: "/s", report: report() }],
      links: [link({ mtu: 1_400 })],
    },
    "mtu",
    "warning",
    /MTU of 1400; ltran/,
  ],
  [
    "descriptors that run out",
    { programs: [program({}, { openFiles: 1_000 })] },
    "limits",
    "warning",
    /1000 of at most 1024/,
  ],
  [
    "a wrong process name",
    { bystanders: [{ pid: 9, names: ["nginx"], wanted: "redis-server", hasSockets: true }] },
    "process-name",
    "error",
    /process 9 \(nginx\).*"redis-server"/,
  ],
  [
    "no process name",
    { bystanders: [{ pid: 9, names: ["nginx"], wanted: null, hasSockets: true }] },
    "process-name",
    "error",
    /is not set/,
  ],
  [
    "an ltran that has gone",
    {
      configurations: [],
      programs: [program({}, { port: "ltran", device: "" })],
      ltrans: [{ prefix: "", socket: "/s", report: null }],
    },
    "ltran",
    "error",
    /redis-server \(process 1234\) needs/,
  ],
  [
    "a stopped program",
    { programs: [program({}, { state: "stopped", first: null, second: null })] },
    "alive",
    "error",
    /stopped/,
  ],
  [
    "a silent program",
    { programs: [program({}, { state: "silent", first: null })] },
    "alive",
    "warning",
    /does not say/,
  ],
  ["a dead stack", { programs: [program({}, { isPoisoned: true })] }, "alive", "error", /is dead/],
  [
    "another build",
    { programs: [program({}, { state: "otherBuild", first: null })] },
    "library",
    "warning",
    /another build/,
  ],
  [
    "a library that was replaced",
    { programs: [program({}, { isReplaced: true })] },
    "library",
    "warning",
    /replaced since/,
  ],
  [
    "a device that drops",
    { links: [link({ received: { packets: 10_000, errors: 0, dropped: 3, missed: 50 } })] },
    "port-drops",
    "warning",
    /lost 50 frames that it should have received/,
  ],
  [
    "a port that cannot send",
    { programs: [program({ drops: { txRingFull: 20 }, refused: 30 })] },
    "port-drops",
    "warning",
    /could not send 50 frames/,
  ],
  [
    "frames that are cut off",
    { programs: [program({ drops: { truncated: 1 } })] },
    "port-drops",
    "warning",
    /cut off/,
  ],
  [
    "loss of what is sent",
    { programs: [program({ counters: { tcpRetransmits: 100, tcpTimeouts: 2 } })] },
    "loss",
    "warning",
    /send 100 segments again, 1\.0 % of all/,
  ],
  [
    "loss of what is received",
    { programs: [program({ counters: { tcpOutOfOrder: 300 } })] },
    "loss",
    "warning",
    /received 300 segments before an earlier one/,
  ],
  [
    "wrong checksums",
    { programs: [program({ drops: { tcpMalformed: 8, udpMalformed: 2 } })] },
    "checksums",
    "error",
    /10 packets.*tcpMalformed 8, udpMalformed 2/,
  ],
  [
    "an address conflict",
    { programs: [program({ counters: { arpConflicts: 1 } })] },
    "neighbours",
    "error",
    /another machine/,
  ],
  [
    "silent neighbours",
    { programs: [program({ counters: { neighbourFailures: 5 } })] },
    "neighbours",
    "warning",
    /5 times/,
  ],
  [
    "a full listen queue",
    { programs: [program({ drops: { tcpBacklogFull: 1 } })] },
    "backlog",
    "warning",
    /is full: 1 segment /,
  ],
  [
    "a stalled reader",
    {
      programs: [
        program(
          {},
          {
            first: sample({ counters: { tcpBytesIn: 300_000, socketBytesIn: 100_000 } }),
            second: sample({ counters: { tcpBytesIn: 300_000, socketBytesIn: 100_000 } }),
          },
        ),
      ],
    },
    "reader",
    "warning",
    /about 195 KiB that it does not read/,
  ],
  [
    "a peer that does not read",
    { programs: [program({ counters: { tcpZeroWindows: 2, tcpZeroWindowProbes: 1 } })] },
    "peer-reader",
    "warning",
    /closed 2 times, and 1 probe /,
  ],
  [
    "exhausted buffers",
    { programs: [program({ pools: { buffer: pool(1_000, 1_000, 7) } })] },
    "buffers",
    "error",
    /packet buffers 7 times/,
  ],
  [
    "buffers that were nearly exhausted",
    { programs: [program({ pools: { tcb: pool(5, 960, 0) } })] },
    "buffers",
    "warning",
    /had 960 of 1000 connections/,
  ],
  [
    "a ring of ltran's that is full",
    { ltrans: [{ prefix: "", socket: "/s", report: report({ drops: { vportFull: 12 } }) }] },
    "buffers",
    "warning",
    /full 12 times/,
  ],
  [
    "sockets without memory",
    { programs: [program({ fallbacks: { noMemory: 3 } })] },
    "fallbacks",
    "warning",
    /3 sockets/,
  ],
];

const remains = healthy().remains;
/** What killed processes left. */
export const leftBehind: readonly Trouble[] = [
  [
    "a rule of nf_tables",
    { remains: { ...remains, tables: [{ name: "gz-0000000000000102", isOwned: false }] } },
    "filter-rules",
    "warning",
    /gz-0000000000000102/,
  ],
  [
    "a rule of ip rule",
    { remains: { ...remains, rules: [{ source: "10.0.0.1", table: "167772161", hasRoutes: false }] } },
    "routing-rules",
    "info",
    /10\.0\.0\.1 names the empty table 167772161/,
  ],
  [
    "an XDP program",
    { links: [link({ xdpProgram: 7 })], remains: { ...remains, xdpPrograms: [7] } },
    "xdp",
    "warning",
    /eth1 still has/,
  ],
  [
    "a socket",
    { remains: { ...remains, files: [{ path: "/s/1.sock", kind: "socket" }] } },
    "leftovers",
    "info",
    /\/s\/1\.sock/,
  ],
  [
    "an MTU",
    { remains: { ...remains, files: [{ path: "/s/ltran_mtu.json", kind: "mtu" }] } },
    "leftovers",
    "warning",
    /ltran_mtu\.json/,
  ],
  [
    "what may not be seen",
    { unseen: ["processes of other users"] },
    "visibility",
    "info",
    /processes of other/,
  ],
];
