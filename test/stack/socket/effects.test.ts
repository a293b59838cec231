import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COUNTERS } from "../../../build/generated/node/counters.js";
import * as layout from "../../../build/generated/node/layout.js";
import * as system from "../../../build/generated/node/system.js";
import type { StackHost } from "../../../sim/host.js";
import { Pair } from "../support/pair.js";
import { type SegmentView, tcpView } from "../support/tcp-view.js";

const { IPPROTO_IP, IPPROTO_TCP, SOL_SOCKET } = system;
const PORT = 7000;

function int(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setInt32(0, value, true);
  return bytes;
}

function set(host: StackHost, handle: number, level: number, name: number, value: number): void {
  host.bytes(layout.CALL_OPTION, 4).set(int(value));
  assert.equal(host.doors.socketOptionSet(handle, level, name, 4, host.now), 0);
}

function get(host: StackHost, handle: number, level: number, name: number, length: number): DataView {
  const answer = host.doors.socketOptionGet(handle, level, name, length, host.now);
  assert.ok(answer >= 0, `getsockopt: ${answer}`);
  return new DataView(host.bytes(layout.CALL_OPTION, answer).slice().buffer);
}

function counter(host: StackHost, name: string): number {
  const entry = COUNTERS.find((candidate) => candidate.enum === "Counter" && candidate.name === name);
  assert.ok(entry, `no counter ${name}`);
  return Number(host.counter(entry.index));
}

/** Two stacks with a connection between them: `client` on the second, `server` on the first. */
class Connection {
  readonly pair = new Pair();
  readonly first = this.pair.hosts[0];
  readonly second = this.pair.hosts[1];
  readonly listener: number;
  readonly client: number;
  readonly server: number;

  /** `prepare` may set options before the handshake. */
  constructor(prepare: (connection: Connection) => void = () => {}) {
    this.listener = this.first.doors.socketOpen(4, system.SOCK_STREAM);
    this.first.setEndpoint({ ip: "10.0.0.1", port: PORT });
    assert.equal(this.first.doors.socketBind(this.listener), 0);
    this.client = this.second.doors.socketOpen(4, system.SOCK_STREAM);
    this.server = -1;
    prepare(this);
    assert.equal(this.first.doors.socketListen(this.listener, 8), 0);
    this.second.setEndpoint({ ip: "10.0.0.1", port: PORT });
    assert.equal(this.second.doors.socketConnect(this.client, this.second.now), -system.EINPROGRESS);
    this.pair.settle();
    this.second.setEndpoint({ ip: "10.0.0.1", port: PORT });
    assert.equal(this.second.doors.socketConnect(this.client, this.second.now), 0);
    this.server = this.first.doors.socketAccept(this.listener, this.first.now);
    assert.ok(this.server >= 0);
  }

  /** Segments carried so far, of one sender. */
  segments(from: 0 | 1): SegmentView[] {
    return this.pair.log.filter((entry) => entry.from === from).flatMap(({ bytes }) => tcpView(bytes) ?? []);
  }

  send(text: string): number {
    return this.second.send(this.client, Buffer.from(text));
  }

  /** Segments that the client sends now, without the wire taking part. */
  sent(): SegmentView[] {
    return this.second.transmit().flatMap(({ bytes }) => tcpView(bytes) ?? []);
  }

  /** Sends until there is no room; answers the bytes taken. */
  fill(host: StackHost, handle: number): number {
    const block = new Uint8Array(32768);
    let total = 0;
    for (;;) {
      const sent = host.send(handle, block);
      if (sent === -system.EAGAIN) return total;
      assert.ok(sent > 0, `send: ${sent}`);
      total += sent;
      this.pair.settle();
    }
  }

  error(host: StackHost, handle: number): number {
    return host.doors.socketError(handle);
  }
}

describe("options of streams", () => {
  it("SO_KEEPALIVE probes a silent peer, and TCP_KEEPCNT probes later the connection ends", () => {
    const c = new Connection();
    set(c.first, c.server, IPPROTO_TCP, system.TCP_KEEPIDLE, 2);
    set(c.first, c.server, IPPROTO_TCP, system.TCP_KEEPINTVL, 1);
    set(c.first, c.server, IPPROTO_TCP, system.TCP_KEEPCNT, 3);
    c.pair.log = [];
    c.pair.pass(10_000_000);
    assert.equal(c.segments(0).length, 0, "no probes without SO_KEEPALIVE");
    set(c.first, c.server, SOL_SOCKET, system.SO_KEEPALIVE, 1);
    c.pair.pass(7_000_000);
    assert.ok(c.segments(0).length >= 2, "a probe every 2 s");
    assert.ok(c.segments(1).length >= 2, "the peer answers");
    assert.equal(c.error(c.first, c.server), 0);
    c.pair.cut = true;
    c.pair.log = [];
    c.pair.pass(3_000_000);
    assert.equal(c.first.doors.socketReady(c.server) & system.EPOLLERR, 0);
    c.pair.pass(4_000_000);
    assert.equal(c.segments(0).filter((segment) => !segment.rst).length, 3);
    assert.equal(c.error(c.first, c.server), system.ETIMEDOUT);
  });

  it("SO_SNDBUF bounds what send takes", () => {
    const c = new Connection();
    set(c.second, c.client, SOL_SOCKET, system.SO_SNDBUF, 10_000);
    c.pair.cut = true;
    const taken = c.fill(c.second, c.client);
    assert.equal(taken, 20_000);
    assert.equal(c.second.doors.socketUnsent(c.client), 20_000);
  });

  it("SO_RCVBUF bounds what the peer may send", () => {
    const c = new Connection((early) =>
      set(early.first, early.listener, SOL_SOCKET, system.SO_RCVBUF, 8_000),
    );
    c.fill(c.second, c.client);
    const queued = c.first.doors.socketAvailable(c.server);
    assert.ok(queued > 8_000 && queued <= 16_000, `${queued} bytes`);
  });

  it("TCP_NODELAY lets small segments go, TCP_CORK holds them back", () => {
    const c = new Connection();
    const lengths = (text: string) => {
      c.send(text);
      return c.sent().map((segment) => segment.length);
    };
    assert.deepEqual(lengths("a"), [1]);
    assert.deepEqual(lengths("b"), [], "Nagle: one small segment in flight");
    set(c.second, c.client, IPPROTO_TCP, system.TCP_NODELAY, 1);
    assert.deepEqual(
      c.sent().map((segment) => segment.length),
      [1],
      "what was held back leaves when the option is set",
    );
    assert.deepEqual(lengths("c"), [1]);
    set(c.second, c.client, IPPROTO_TCP, system.TCP_CORK, 1);
    assert.deepEqual(lengths("d"), []);
    set(c.second, c.client, IPPROTO_TCP, system.TCP_CORK, 0);
    assert.deepEqual(
      c.sent().map((segment) => segment.length),
      [1],
    );
  });

  it("TCP_CORK lets go after 200 ms", () => {
    const c = new Connection();
    set(c.second, c.client, IPPROTO_TCP, system.TCP_CORK, 1);
    c.send("held");
    assert.equal(c.sent().length, 0);
    c.pair.pass(190_000);
    assert.equal(c.first.doors.socketAvailable(c.server), 0);
    c.pair.pass(30_000);
    assert.equal(c.first.doors.socketAvailable(c.server), 4);
  });

  it("TCP_QUICKACK sends ACKs at once, or not", () => {
    const c = new Connection();
    set(c.first, c.server, IPPROTO_TCP, system.TCP_QUICKACK, 0);
    c.pair.log = [];
    c.send("x");
    c.pair.settle();
    assert.equal(c.segments(0).length, 0);
    set(c.first, c.server, IPPROTO_TCP, system.TCP_QUICKACK, 1);
    c.pair.settle();
    assert.equal(c.segments(0).length, 1);
    c.send("y");
    c.pair.settle();
    assert.equal(c.segments(0).length, 2);
  });

  it("TCP_USER_TIMEOUT ends a connection whose data is not acknowledged", () => {
    const c = new Connection();
    set(c.second, c.client, IPPROTO_TCP, system.TCP_USER_TIMEOUT, 3_000);
    c.pair.cut = true;
    c.send("lost");
    c.pair.pass(2_500_000);
    assert.equal(c.error(c.second, c.client), 0);
    c.pair.pass(4_000_000);
    assert.equal(c.error(c.second, c.client), system.ETIMEDOUT);
  });

  it("TCP_MAXSEG bounds segments both ways", () => {
    const c = new Connection((early) => set(early.second, early.client, IPPROTO_TCP, system.TCP_MAXSEG, 600));
    assert.equal(c.segments(1).find((segment) => segment.syn)?.mss, 600);
    c.second.send(c.client, new Uint8Array(5_000));
    c.first.send(c.server, new Uint8Array(5_000));
    c.pair.pass(500_000);
    for (const from of [0, 1] as const) {
      const longest = Math.max(...c.segments(from).map((segment) => segment.length));
      assert.ok(longest > 500 && longest <= 600, `${longest} bytes`);
    }
    const option = () => get(c.second, c.client, IPPROTO_TCP, system.TCP_MAXSEG, 4).getInt32(0, true);
    assert.ok(option() <= 600);
  });

  it("TCP_WINDOW_CLAMP bounds the window", () => {
    const c = new Connection((early) => {
      set(early.first, early.listener, IPPROTO_TCP, system.TCP_WINDOW_CLAMP, 6_000);
    });
    const scale = c.segments(0).find((segment) => segment.syn)?.scale ?? 0;
    c.second.send(c.client, new Uint8Array(3_000));
    c.pair.settle();
    c.first.recv(c.server, 3_000);
    c.pair.settle();
    const offers = c.segments(0).map((segment) => segment.window << (segment.syn ? 0 : scale));
    assert.ok(Math.max(...offers) <= 6_000 + (1 << scale), `${Math.max(...offers)} bytes`);
  });

  it("IP_TOS and IP_TTL are those of the packets", () => {
    const c = new Connection();
    set(c.second, c.client, IPPROTO_IP, system.IP_TOS, 0x10);
    set(c.second, c.client, IPPROTO_IP, system.IP_TTL, 33);
    c.send("x");
    const [segment] = c.sent();
    assert.equal(segment?.tos, 0x10);
    assert.equal(segment?.ttl, 33);
  });

  it("options of the listener are those of the accepted connection", () => {
    const c = new Connection((early) => {
      set(early.first, early.listener, SOL_SOCKET, system.SO_KEEPALIVE, 1);
      set(early.first, early.listener, IPPROTO_TCP, system.TCP_KEEPIDLE, 3);
      set(early.first, early.listener, IPPROTO_TCP, system.TCP_NODELAY, 1);
    });
    assert.equal(get(c.first, c.server, SOL_SOCKET, system.SO_KEEPALIVE, 4).getInt32(0, true), 1);
    assert.equal(get(c.first, c.server, IPPROTO_TCP, system.TCP_NODELAY, 4).getInt32(0, true), 1);
    c.pair.log = [];
    c.pair.pass(3_500_000);
    assert.ok(c.segments(0).length >= 1, "a keep-alive probe");
  });

  it("IP_MTU is the path's, of a connection only", () => {
    const c = new Connection();
    assert.equal(get(c.second, c.client, IPPROTO_IP, system.IP_MTU, 4).getInt32(0, true), 1500);
    const { doors, now } = c.first;
    const answer = doors.socketOptionGet(c.listener, IPPROTO_IP, system.IP_MTU, 4, now);
    assert.equal(answer, -system.ENOTCONN);
  });

  it("IP_BIND_ADDRESS_NO_PORT leaves the port to connect", () => {
    const ports: number[] = [];
    new Connection((early) => {
      const { second, client } = early;
      set(second, client, IPPROTO_IP, system.IP_BIND_ADDRESS_NO_PORT, 1);
      second.setEndpoint({ ip: "10.0.0.2", port: 0 });
      assert.equal(second.doors.socketBind(client), 0);
      second.doors.socketName(client, 0);
      ports.push(second.endpoint().port);
    });
    assert.deepEqual(ports, [0]);
  });

  it("TCP_INFO tells what the connection does", () => {
    const c = new Connection();
    const info = (host: StackHost, handle: number) => {
      const view = get(host, handle, IPPROTO_TCP, system.TCP_INFO, 512);
      assert.equal(view.byteLength, 104);
      return {
        state: view.getUint8(0),
        options: view.getUint8(5),
        rto: view.getUint32(8, true),
        mss: view.getUint32(16, true),
        unacknowledged: view.getUint32(24, true),
        mtu: view.getUint32(60, true),
        window: view.getUint32(80, true),
        advertised: view.getUint32(84, true),
        retransmits: view.getUint32(100, true),
      };
    };
    const all = system.TCPI_OPT_TIMESTAMPS | system.TCPI_OPT_SACK | system.TCPI_OPT_WSCALE;
    const before = info(c.second, c.client);
    assert.equal(before.state, system.TCP_ESTABLISHED);
    assert.equal(before.options & all, all);
    assert.equal(before.mss, 1448);
    assert.equal(before.advertised, 1460);
    assert.equal(before.mtu, 1500);
    assert.equal(before.window, 10);
    assert.ok(before.rto >= 200_000);
    assert.equal(before.retransmits, 0);
    c.pair.cut = true;
    c.second.send(c.client, new Uint8Array(3 * 1448));
    c.pair.pass(2_000_000);
    const later = info(c.second, c.client);
    assert.equal(later.unacknowledged, 3);
    assert.ok(later.retransmits >= 1);
    assert.ok(later.rto > before.rto);
    c.pair.cut = false;
    c.pair.pass(10_000_000);
    c.first.doors.socketShutdown(c.server, system.SHUT_WR, c.first.now);
    c.pair.settle();
    assert.equal(info(c.second, c.client).state, system.TCP_CLOSE_WAIT);
    assert.equal(info(c.first, c.server).state, system.TCP_FIN_WAIT2);
  });

  it("SO_LINGER keeps close waiting while something is undelivered, and no longer", () => {
    for (const delivered of [true, false]) {
      const c = new Connection();
      const { doors } = c.second;
      c.second.bytes(layout.CALL_OPTION, 8).set([1, 0, 0, 0, 5, 0, 0, 0]);
      assert.equal(doors.socketOptionSet(c.client, SOL_SOCKET, system.SO_LINGER, 8, c.second.now), 0);
      c.pair.cut = true;
      c.send("last words");
      assert.equal(doors.socketClose(c.client, c.second.now), 5);
      c.pair.pass(1_000_000);
      assert.equal(doors.socketLingers(c.client), 1);
      if (delivered) {
        c.pair.cut = false;
        c.pair.pass(3_000_000);
        assert.equal(doors.socketLingers(c.client), 0);
        assert.equal(c.first.doors.socketAvailable(c.server), 10);
      }
      assert.equal(doors.socketClose(c.client, c.second.now), 0);
      assert.equal(doors.socketClose(c.client, c.second.now), -system.EBADF);
    }
  });

  it("bytes are counted on both sides", () => {
    const c = new Connection();
    assert.equal(c.second.send(c.client, new Uint8Array(1000)), 1000);
    c.pair.settle();
    assert.equal((c.first.recv(c.server, 400, system.MSG_PEEK) as Uint8Array).length, 400);
    assert.equal((c.first.recv(c.server, 2000) as Uint8Array).length, 1000);
    assert.equal(counter(c.second, "socketBytesOut"), 1000);
    assert.equal(counter(c.first, "socketBytesIn"), 1000);
    assert.equal(counter(c.first, "socketsAccelerated"), 2);
  });
});

/** A datagram socket on each stack; the first one is bound to PORT. */
class Datagrams {
  readonly pair = new Pair();
  readonly first = this.pair.hosts[0];
  readonly second = this.pair.hosts[1];
  readonly to = this.first.doors.socketOpen(4, system.SOCK_DGRAM);
  readonly from = this.second.doors.socketOpen(4, system.SOCK_DGRAM);

  constructor() {
    this.first.setEndpoint({ ip: "10.0.0.1", port: PORT });
    assert.equal(this.first.doors.socketBind(this.to), 0);
  }

  send(data: Uint8Array, ip = "10.0.0.1"): number {
    this.second.setEndpoint({ ip, port: PORT });
    const sent = this.second.send(this.from, data);
    this.pair.settle();
    return sent;
  }
}

describe("datagrams", () => {
  it("of every size up to 65,507 bytes arrive whole, larger ones are refused", () => {
    const d = new Datagrams();
    for (const size of [0, 1, 1472, 1473, 2048, 2008, 2009, 40_000, 65_507]) {
      const data = Uint8Array.from({ length: size }, (_, i) => i * 7);
      assert.equal(d.send(data), size);
      assert.deepEqual(d.first.recv(d.to, 70_000), data);
    }
    assert.equal(d.send(new Uint8Array(65_508)), -system.EMSGSIZE);
    assert.equal(d.first.poolUsed(2) + d.second.poolUsed(2), 0, "buffers in use");
  });

  it("are cut to what the reader has room for, and say how long they were", () => {
    const d = new Datagrams();
    d.send(Uint8Array.from({ length: 5000 }, (_, i) => i));
    d.send(new Uint8Array([42]));
    assert.equal((d.first.recv(d.to, 3, system.MSG_PEEK) as Uint8Array).length, 3);
    assert.equal(d.first.value(), 5000n);
    assert.deepEqual(d.first.recv(d.to, 3), new Uint8Array([0, 1, 2]));
    assert.equal(d.first.value(), 5000n);
    assert.equal(d.first.endpoint().ip, "10.0.0.2");
    d.second.doors.socketName(d.from, 0);
    const port = d.second.endpoint().port;
    assert.deepEqual(d.first.recv(d.to, 3), new Uint8Array([42]));
    assert.deepEqual(d.first.endpoint(), { ip: "10.0.0.2", port });
    assert.equal(d.first.recv(d.to, 3), -system.EAGAIN);
  });

  it("that were planned and cancelled leave nothing behind", () => {
    const d = new Datagrams();
    d.second.setEndpoint({ ip: "10.0.0.1", port: PORT });
    assert.equal(d.second.doors.socketSendPlan(d.from, 9000, 0, d.second.now), 9000);
    assert.equal(d.second.poolUsed(2), 5);
    assert.equal(d.second.doors.socketSendCancel(d.from), 0);
    assert.equal(d.second.poolUsed(2), 0);
    assert.equal(d.second.doors.socketSendPlan(d.from, 9000, 0, d.second.now), 9000);
    assert.equal(d.second.doors.socketClose(d.from, d.second.now), 0);
    assert.equal(d.second.poolUsed(2), 0);
  });

  it("SO_RCVBUF bounds the queue", () => {
    const d = new Datagrams();
    set(d.first, d.to, SOL_SOCKET, system.SO_RCVBUF, 4_000);
    for (let i = 0; i < 20; i++) d.send(new Uint8Array(1000));
    let received = 0;
    while (typeof d.first.recv(d.to, 2000) !== "number") received++;
    assert.ok(received >= 3 && received <= 8, `${received} datagrams`);
  });

  it("SO_BROADCAST allows broadcasts", () => {
    const d = new Datagrams();
    assert.equal(d.send(new Uint8Array(1), "10.0.0.255"), -system.EACCES);
    set(d.second, d.from, SOL_SOCKET, system.SO_BROADCAST, 1);
    assert.equal(d.send(new Uint8Array(1), "10.0.0.255"), 1);
  });
});
