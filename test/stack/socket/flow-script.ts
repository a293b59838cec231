import * as layout from "../../../build/generated/node/layout.js";
import * as system from "../../../build/generated/node/system.js";
import type { StackHost } from "../../../sim/host.js";
import { askKernel } from "../support/kernel.js";
import { Pair } from "../support/pair.js";
import { POOL } from "../support/socket-room.js";

/**
 * A script of socket calls, run on the kernel's loopback (KERNEL, below) and on two stacks, step by step with
 * the same answers: 0 or a count, a negative errno, the text received, or the events of poll(). Sockets whose
 * names begin with "s" live on the first stack, the others on the second. "nobody" is a port that no socket
 * has. After every step the network comes to rest.
 */
export type Step =
  | ["socket", string, "stream" | "datagram"]
  | ["bind", string]
  | ["rebind", string, string]
  | ["reuse", string]
  | ["watch" | "rewatch", string, Trigger, "in" | "out" | "both"]
  | ["wait", "server" | "client"]
  | ["listen", string, number]
  | ["connect", string, string]
  | ["dissolve", string]
  | ["accept", string, string]
  | ["send", string, string]
  | ["fill", string]
  | ["sendto", string, string, string]
  | ["recv", string, number, ("peek" | "oob" | "trunc")?]
  | ["shutdown", string, "read" | "write" | "both"]
  | ["close", string]
  | ["linger", string, number]
  | ["lowat", string, number]
  | ["error", string]
  | ["events", string]
  | ["named", string]
  | ["peer", string]
  | ["available", string]
  | ["drain", string];

/** How an interest of the side's epoll instance is triggered. */
export type Trigger = "level" | "edge" | "once";

export type Answer = number | string;

/**
 * The same for the kernel, on non-blocking sockets; after every step loopback gets `rest` seconds to finish.
 */
const KERNEL = `
import array, fcntl, json, select, socket, struct, sys, termios, time
EVENTS = select.POLLIN | select.POLLOUT | select.POLLRDHUP | select.POLLERR | select.POLLHUP
FLAGS = {"peek": socket.MSG_PEEK, "oob": socket.MSG_OOB, "trunc": socket.MSG_TRUNC}
HOW = {"read": socket.SHUT_RD, "write": socket.SHUT_WR, "both": socket.SHUT_RDWR}
WANTED = {"in": select.EPOLLIN | select.EPOLLRDHUP, "out": select.EPOLLOUT}
WANTED["both"] = WANTED["in"] | WANTED["out"]
TRIGGER = {"level": 0, "edge": select.EPOLLET, "once": select.EPOLLONESHOT}
def run(script, rest):
    sets = {True: select.epoll(), False: select.epoll()}
    table, ports = {}, {}
    probe = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    probe.bind(("127.0.0.1", 0))
    ports["nobody"] = probe.getsockname()
    probe.close()
    def call(step):
        kind, name = step[0], step[1]
        s = table.get(name)
        if kind == "socket":
            kind = socket.SOCK_STREAM if step[2] == "stream" else socket.SOCK_DGRAM
            s = socket.socket(socket.AF_INET, kind)
            s.setblocking(False)
            table[name] = s
        elif kind == "bind":
            s.bind(("127.0.0.1", 0))
            ports[name] = s.getsockname()
        elif kind == "rebind":
            s.bind(ports[step[2]])
            ports[name] = ports[step[2]]
        elif kind == "reuse": s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        elif kind in ("watch", "rewatch"):
            watched = sets[name.startswith("s")]
            events = WANTED[step[3]] | TRIGGER[step[2]]
            if kind == "watch": watched.register(s.fileno(), events)
            else: watched.modify(s.fileno(), events)
        elif kind == "wait":
            names = {table[n].fileno(): n for n in table}
            return " ".join(sorted(f"{names[fd]}:{events}" for fd, events in sets[name == "server"].poll(0)))
        elif kind == "listen": s.listen(step[2])
        elif kind == "connect": s.connect(ports[step[2]])
        elif kind == "dissolve":
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.connect(s.fileno(), struct.pack("H14x", socket.AF_UNSPEC), 16) != 0:
                return -ctypes.get_errno()
        elif kind == "accept":
            table[step[2]] = s.accept()[0]
            table[step[2]].setblocking(False)
        elif kind == "send": return s.send(step[2].encode())
        elif kind == "fill":
            try:
                while True: s.send(b"x" * 65536)
            except BlockingIOError: return 0
        elif kind == "sendto": return s.sendto(step[3].encode(), ports[step[2]])
        elif kind == "recv":
            flag = step[3] if len(step) > 3 else None
            if flag == "trunc" and s.type == socket.SOCK_STREAM:
                return s.recv_into(bytearray(step[2]), step[2], socket.MSG_TRUNC)
            return s.recv(step[2], FLAGS.get(flag, 0)).decode()
        elif kind == "shutdown": s.shutdown(HOW[step[2]])
        elif kind == "close": table.pop(name).close()
        elif kind == "linger":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, step[2]))
        elif kind == "lowat": s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, step[2])
        elif kind == "error": return s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        elif kind == "events":
            p = select.poll()
            p.register(s.fileno(), EVENTS)
            found = p.poll(0)
            return found[0][1] if found else 0
        elif kind == "named": return int(s.getsockname()[1] != 0)
        elif kind == "peer": return int(s.getpeername()[1] != 0)
        elif kind == "available":
            count = array.array("i", [0])
            fcntl.ioctl(s.fileno(), termios.FIONREAD, count)
            return count[0]
        elif kind == "drain":
            total = 0
            for tries in range(1000):
                try: data = s.recv(1 << 20)
                except BlockingIOError:
                    time.sleep(0.002)
                    if tries > 20 and total: return 0
                    continue
                if not data: return 1
                total += len(data)
        return 0
    answers = []
    for step in script:
        try: answers.append(call(step))
        except OSError as error: answers.append(-error.errno)
        time.sleep(rest)
    for s in [*table.values(), *sets.values()]: s.close()
    return answers
asked = json.load(sys.stdin)
print(json.dumps([run(script, asked["rest"]) for script in asked["scripts"]]))
`;

/** The kernel's answers to scripts, with a pause of `rest` seconds behind every step. */
export function askKernelFlows(scripts: Step[][], rest: number): Answer[][] {
  return askKernel<Answer[][]>(KERNEL, { rest, scripts });
}

const EVENTS = system.EPOLLIN | system.EPOLLOUT | system.EPOLLRDHUP | system.EPOLLERR | system.EPOLLHUP;
const HOW = { read: system.SHUT_RD, write: system.SHUT_WR, both: system.SHUT_RDWR };
const FLAGS = { peek: system.MSG_PEEK, oob: system.MSG_OOB, trunc: system.MSG_TRUNC };

const WANTED = {
  in: system.EPOLLIN | system.EPOLLRDHUP,
  out: system.EPOLLOUT,
  both: system.EPOLLIN | system.EPOLLRDHUP | system.EPOLLOUT,
};
const TRIGGER = { level: 0, edge: system.EPOLLET, once: system.EPOLLONESHOT };
const OPTION = { linger: system.SO_LINGER, lowat: system.SO_RCVLOWAT, reuse: system.SO_REUSEADDR };

type Watch = Extract<Step, ["watch" | "rewatch", ...unknown[]]>;
type IntOption = [keyof typeof OPTION, string, number];

interface Place {
  host: StackHost;
  ip: string;
  handle: number;
}

/** Runs scripts on a pair of stacks. */
export class FlowRunner {
  readonly pair = new Pair();
  private readonly table = new Map<string, Place>();
  private readonly ports = new Map<string, number>();
  private readonly sets = this.pair.hosts.map((host) => host.doors.waitSetOpen());
  /** Names of watched sockets, by the descriptors they are watched under. */
  private readonly names: string[] = [];

  run(script: Step[]): Answer[] {
    const answers = script.map((step) => {
      const answer = this.step(step);
      this.pair.settle();
      return answer;
    });
    for (const place of this.table.values()) this.close(place);
    this.pair.hosts.forEach((host, i) => {
      host.doors.waitSetClose(this.sets[i] as number);
    });
    return answers;
  }

  /** Objects in use once everything is closed, and TIME_WAIT over. */
  leftOvers(): number[] {
    this.pair.settle();
    for (const host of this.pair.hosts) host.advance(200_000_000n);
    this.pair.pass(200_000);
    const pools = [POOL.socket, POOL.tcb, POOL.buffer, POOL.waitSet, POOL.interest];
    return this.pair.hosts.flatMap((host) => pools.map((pool) => host.poolUsed(pool)));
  }

  private watch({ host, handle }: Place, step: Watch): number {
    const set = this.sets[host === this.pair.hosts[0] ? 0 : 1] as number;
    const events = (WANTED[step[3]] | TRIGGER[step[2]]) >>> 0;
    const names = this.names;
    let fd = names.indexOf(step[1]);
    if (fd < 0) fd = names.push(step[1]) - 1;
    const door = step[0] === "watch" ? host.doors.interestAdd : host.doors.interestModify;
    return door(set, handle, fd, events, BigInt(fd));
  }

  private wait(side: "server" | "client"): string {
    const i = side === "server" ? 0 : 1;
    const host = this.pair.hosts[i];
    const count = host.doors.waitSetHarvest(this.sets[i] as number, 100);
    const found = Array.from({ length: count }, (_, at) => {
      const event = layout.CALL_EVENT + at * layout.EVENT_SIZE;
      const fd = Number(host.view().getBigUint64(event + layout.EVENT_DATA, true));
      return `${this.names[fd]}:${host.view().getUint32(event + layout.EVENT_EVENTS, true)}`;
    });
    return found.sort().join(" ");
  }

  private place(name: string): Place {
    const place = this.table.get(name);
    if (place === undefined) throw new Error(`no socket ${name}`);
    return place;
  }

  private sideOf(name: string): { host: StackHost; ip: string } {
    const first = name.startsWith("s");
    return { host: this.pair.hosts[first ? 0 : 1], ip: first ? "10.0.0.1" : "10.0.0.2" };
  }

  private close({ host, handle }: Place): number {
    const answer = host.doors.socketClose(handle, host.now);
    if (answer <= 0) return answer;
    this.pair.settle();
    return host.doors.socketClose(handle, host.now);
  }

  /** Aims the call area's endpoint of `host` at another socket. */
  private aim(host: StackHost, target: string): void {
    const port = target === "nobody" ? 9 : this.ports.get(target);
    if (port === undefined) throw new Error(`${target} is not bound`);
    const ip =
      target === "nobody" ? (host === this.pair.hosts[0] ? "10.0.0.2" : "10.0.0.1") : this.sideOf(target).ip;
    host.setEndpoint({ ip, port });
  }

  private step(step: Step): Answer {
    if (step[0] === "socket") return this.open(step[1], step[2]);
    if (step[0] === "wait") return this.wait(step[1]);
    const place = this.place(step[1]);
    const { host, handle, ip } = place;
    const { doors, now } = host;
    switch (step[0]) {
      case "bind": {
        host.setEndpoint({ ip, port: 0 });
        const answer = doors.socketBind(handle);
        doors.socketName(handle, 0);
        this.ports.set(step[1], host.endpoint().port);
        return answer;
      }
      case "rebind": {
        const port = this.ports.get(step[2]) as number;
        host.setEndpoint({ ip, port });
        this.ports.set(step[1], port);
        return doors.socketBind(handle);
      }
      case "watch":
      case "rewatch":
        return this.watch(place, step);
      case "listen":
        return doors.socketListen(handle, step[2]);
      case "connect":
        this.aim(host, step[2]);
        return doors.socketConnect(handle, now);
      case "dissolve":
        return doors.socketDisconnect(handle, now);
      case "accept":
        return this.accept(place, step[2]);
      case "shutdown":
        return doors.socketShutdown(handle, HOW[step[2]], now);
      case "close":
        this.table.delete(step[1]);
        return this.close(place);
      default:
        return this.more(place, step);
    }
  }

  private open(name: string, type: "stream" | "datagram"): number {
    const side = this.sideOf(name);
    const handle = side.host.doors.socketOpen(4, type === "stream" ? system.SOCK_STREAM : system.SOCK_DGRAM);
    this.table.set(name, { ...side, handle });
    return Math.min(handle, 0);
  }

  private accept({ host, ip, handle }: Place, name: string): number {
    const accepted = host.doors.socketAccept(handle, host.now);
    if (accepted < 0) return accepted;
    this.table.set(name, { host, ip, handle: accepted });
    return 0;
  }

  private more({ host, handle }: Place, step: Step): Answer {
    const { doors } = host;
    switch (step[0]) {
      case "send":
        host.clearEndpoint();
        return host.send(handle, Buffer.from(step[2]));
      case "sendto":
        this.aim(host, step[2]);
        return host.send(handle, Buffer.from(step[3]));
      case "fill":
        return this.fill(host, handle);
      case "recv":
        return this.receive(host, handle, step[2], step[3] === undefined ? 0 : FLAGS[step[3]]);
      case "linger":
      case "lowat":
        return this.option(host, handle, step);
      case "reuse":
        return this.option(host, handle, ["reuse", step[1], 1]);
      case "error":
        return doors.socketError(handle);
      case "events":
        return doors.socketReady(handle) & EVENTS;
      case "named":
        doors.socketName(handle, 0);
        return host.endpoint().port === 0 ? 0 : 1;
      case "peer":
        return doors.socketName(handle, 1) === 0 ? 1 : doors.socketName(handle, 1);
      case "available":
        return doors.socketAvailable(handle);
      case "drain":
        return this.drain(host, handle);
      default:
        throw new Error(`${step[0]}: not a step`);
    }
  }

  private option(host: StackHost, handle: number, step: IntOption): number {
    const linger = step[0] === "linger";
    const value = Buffer.alloc(linger ? 8 : 4);
    if (linger) value.writeInt32LE(1);
    value.writeInt32LE(step[2], linger ? 4 : 0);
    const name = OPTION[step[0]];
    host.bytes(layout.CALL_OPTION, value.length).set(value);
    return host.doors.socketOptionSet(handle, system.SOL_SOCKET, name, value.length, host.now);
  }

  private fill(host: StackHost, handle: number): number {
    const block = new Uint8Array(65536).fill(120);
    for (;;) {
      const sent = host.send(handle, block);
      if (sent === -system.EAGAIN) return 0;
      if (sent < 0) return sent;
      this.pair.settle();
    }
  }

  private receive(host: StackHost, handle: number, length: number, flags: number): Answer {
    const planned = host.doors.socketReceivePlan(handle, length, flags | system.MSG_DONTWAIT, 0, host.now);
    if (planned < 0) return planned;
    const text = Buffer.concat(host.spans()).toString();
    host.doors.socketReceiveCommit(handle, planned, flags, host.now);
    return text.length === 0 && planned > 0 ? planned : text;
  }

  private drain(host: StackHost, handle: number): number {
    for (;;) {
      const data = host.recv(handle, 1 << 20);
      if (typeof data === "number") return data === -system.EAGAIN ? 0 : data;
      if (data.length === 0) return 1;
      this.pair.settle();
    }
  }
}
