import { ENUMS } from "../../../build/generated/node/structs.js";
import { type Objects, readPool } from "../../objects.js";
import type { View as ObjectView } from "../../struct.js";
import { addressText } from "../address-text.js";
import type { Instance } from "../instances.js";
import { type Section, Sheet } from "../sheet.js";
import type { View } from "../view.js";

/** Most objects of a pool that are read for one table; more are only counted. */
const MOST = 65_536;

/** The slow start threshold before anything was lost (stack/tcp/congestion.ts). */
const NO_THRESHOLD = 2 ** 30;

type Socket = ObjectView<"Socket">;
type Tcb = ObjectView<"Tcb">;
type Interest = ObjectView<"Interest">;

/** A connection, listener or datagram socket; `socket` is missing before accept and after close. */
interface Row {
  stack: number;
  protocol: "TCP" | "UDP";
  socket: Socket | undefined;
  tcb: Tcb | undefined;
  interest: Interest | undefined;
  state: string;
}

const { SocketKind, SocketFlag, TcpState } = ENUMS;

/** States as RFC 9293 writes them. */
const STATES = new Map<number, string>(
  Object.entries(TcpState).map(([name, value]) => {
    return [value, name.replaceAll(/([A-Z])|(\d)/g, (text) => `_${text}`).toUpperCase()];
  }),
);

/** Bytes from one sequence number to another; never negative, whatever a half-read object says. */
function span(from: number, to: number): number {
  const bytes = (to - from) | 0;
  return Math.max(bytes, 0);
}

function endpoint(high: bigint, low: bigint, port: number): string {
  const address = addressText(high, low);
  return `${address.includes(":") ? `[${address}]` : address}:${port === 0 ? "*" : port}`;
}

function milliseconds(microseconds: number): number {
  return Math.round(microseconds / 10) / 100;
}

const sheet = new Sheet<Row>("connections", "lines", "Connections, listeners and datagram sockets.")
  .column("stack", "number", "Number of the stack in its process.", (row) => row.stack)
  .column("proto", "text", "TCP or UDP.", (row) => row.protocol)
  .column("local", "text", "Address and port of this end.", ({ tcb, socket }) => {
    const of = tcb ?? socket;
    return of === undefined ? null : endpoint(of.localHigh, of.localLow, of.localPort);
  })
  .column("foreign", "text", "Address and port of the other end.", ({ tcb, socket }) => {
    const of = tcb ?? socket;
    return of === undefined ? null : endpoint(of.remoteHigh, of.remoteLow, of.remotePort);
  })
  .column("state", "text", "State of RFC 9293; - for datagrams.", (row) => row.state)
  .column("fd", "number", "Descriptor by which an epoll instance watches it; - when none does.", (row) =>
    row.interest === undefined ? null : row.interest.fd,
  )
  .column(
    "recvq",
    "bytes",
    "Bytes received that the application has not read; of a listener, connections that wait for accept.",
    ({ tcb, socket }) =>
      tcb !== undefined
        ? tcb.receiveBytes
        : socket?.kind === SocketKind.listener
          ? socket.acceptCount
          : (socket?.receiveBytes ?? 0),
  )
  .column(
    "sendq",
    "bytes",
    "Bytes written that the peer has not acknowledged; of a listener, its backlog.",
    ({ tcb, socket }) =>
      tcb !== undefined
        ? span(tcb.sndUna, tcb.sndEnd)
        : socket?.kind === SocketKind.listener
          ? socket.backlog
          : null,
  )
  .column("in_flight", "bytes", "Bytes sent and not acknowledged.", ({ tcb }) =>
    tcb === undefined ? null : span(tcb.sndUna, tcb.sndMax),
  )
  .column("cwnd", "bytes", "Congestion window.", ({ tcb }) => tcb?.cwnd ?? null)
  .column("ssthresh", "bytes", "Slow start threshold; - before the first loss.", ({ tcb }) =>
    tcb === undefined || tcb.ssthresh >= NO_THRESHOLD ? null : tcb.ssthresh,
  )
  .column("rcv_wnd", "bytes", "Window that the peer was offered.", ({ tcb }) =>
    tcb === undefined ? null : span(tcb.rcvNxt, tcb.rcvAdv),
  )
  .column("snd_wnd", "bytes", "Window that the peer offers.", ({ tcb }) => tcb?.sndWnd ?? null)
  .column(
    "snd_buf",
    "bytes",
    "Limit of what may wait to be acknowledged.",
    ({ tcb }) => tcb?.sendLimit ?? null,
  )
  .column("snd_nxt", "number", "Next sequence number to be sent.", ({ tcb }) => tcb?.sndNxt ?? null)
  .column(
    "lastack",
    "number",
    "First sequence number that is not acknowledged.",
    ({ tcb }) => tcb?.sndUna ?? null,
  )
  .column("rcv_nxt", "number", "Next sequence number that is expected.", ({ tcb }) => tcb?.rcvNxt ?? null)
  .column("rtt_ms", "number", "Smoothed round trip in milliseconds; 0: not measured yet.", ({ tcb }) =>
    tcb === undefined ? null : milliseconds(tcb.srtt),
  )
  .column("rto_ms", "number", "Retransmission time-out in milliseconds.", ({ tcb }) =>
    tcb === undefined ? null : milliseconds(tcb.rto),
  )
  .column("mss", "bytes", "Payload of a full segment.", ({ tcb }) => tcb?.mss ?? null)
  .bad("retrans", "segments", "Segments retransmitted.", ({ tcb }) => tcb?.retransmits ?? null)
  .column(
    "bytes_in",
    "bytes",
    "Bytes that the application has read.",
    ({ socket }) => socket?.bytesIn ?? null,
  )
  .column(
    "bytes_out",
    "bytes",
    "Bytes that the application has written.",
    ({ socket }) => socket?.bytesOut ?? null,
  )
  .column("epoll_ev", "text", "Events that an epoll instance wants, in hexadecimal.", ({ interest }) =>
    interest === undefined ? null : `0x${(interest.events >>> 0).toString(16)}`,
  )
  .column("evlist", "boolean", "It waits in an epoll instance's list of ready ones.", ({ interest }) =>
    interest === undefined ? null : interest.queued !== 0,
  )
  .column(
    "keepalive",
    "text",
    "Seconds idle, seconds between probes and their number; - without.",
    ({ socket }) =>
      socket !== undefined && (socket.flags & SocketFlag.keepAlive) !== 0
        ? `${socket.keepIdleSeconds},${socket.keepIntervalSeconds},${socket.keepCount}`
        : null,
  );

/** Interests by the address of their socket; the first one counts. */
function interestsOf({ list }: Objects<"Interest">): Map<number, Interest> {
  const bySocket = new Map<number, Interest>();
  for (const interest of list) {
    if (interest.socket !== 0 && !bySocket.has(interest.socket)) bySocket.set(interest.socket, interest);
  }
  return bySocket;
}

async function rowsOf(path: string, stack: number): Promise<{ rows: Row[]; isCut: boolean }> {
  const [sockets, tcbs, interests] = [
    await readPool(path, "Socket", stack, MOST),
    await readPool(path, "Tcb", stack, MOST),
    await readPool(path, "Interest", stack, MOST),
  ];
  const watched = interestsOf(interests);
  const rows: Row[] = [];
  for (const tcb of tcbs.list) {
    const state = STATES.get(tcb.state);
    if (state === undefined || tcb.state === TcpState.closed) continue;
    const socket = sockets.at(tcb.socket);
    rows.push({ stack, protocol: "TCP", socket, tcb, interest: watched.get(tcb.socket), state });
  }
  sockets.list.forEach((socket, i) => {
    const interest = watched.get(sockets.addressOf(i));
    if (socket.kind === SocketKind.listener) {
      rows.push({ stack, protocol: "TCP", socket, tcb: undefined, interest, state: "LISTEN" });
    } else if (socket.kind === SocketKind.datagram) {
      rows.push({ stack, protocol: "UDP", socket, tcb: undefined, interest, state: "-" });
    }
  });
  return { rows, isCut: sockets.total > MOST || tcbs.total > MOST };
}

/** The connections of all stacks of a process. */
async function read({ path, stacks }: Instance): Promise<Section[]> {
  const tables = await Promise.all(stacks.map(({ facts }) => rowsOf(path, facts.stack)));
  const rows = tables.flatMap((table) => table.rows);
  const sum = (of: (row: Row) => number) => rows.reduce((total, row) => total + of(row), 0);
  const unread = sum(
    ({ tcb, socket }) =>
      tcb?.receiveBytes ?? (socket?.kind === SocketKind.datagram ? socket.receiveBytes : 0),
  );
  const unsent = sum(({ tcb }) => (tcb === undefined ? 0 : span(tcb.sndUna, tcb.sndEnd)));
  const cut = tables.some(({ isCut }) => isCut) ? `; only the first ${MOST} places were looked at` : "";
  return [
    sheet.section(
      rows,
      `${rows.length} shown, ${unread} bytes unread, ${unsent} bytes not acknowledged${cut}`,
    ),
  ];
}

/** `gazellectl lstack show TARGET -c`. */
export const connections: View<Instance> = {
  words: ["-c", "connect", "connetct"],
  about: "connections, listeners and datagram sockets",
  time: "none",
  sheets: [sheet],
  read,
};
