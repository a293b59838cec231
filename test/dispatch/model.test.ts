// Random histories against a model that knows the rules: who must get a segment, or that it is reset.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as dispatch from "../../build/generated/node/dispatch-layout.js";
import { macOf } from "../stack/support/frames.js";
import { Random } from "../stack/support/random.js";
import { announce } from "./support/announce.js";
import { Forwarder, type TestVport } from "./support/forwarder.js";
import { inner, NIC_MAC, PEER_MAC, segment } from "./support/segments.js";

const REMOTE = "10.0.0.9";
const ADDRESSES = [
  { ip: "10.0.0.2", mac: macOf(2) },
  { ip: "10.0.0.3", mac: macOf(3) },
];
const PORTS = [80, 81, 82];
const TENTATIVE_US = 5_000_000n;

interface ModelFlow {
  owner: TestVport;
  tentative: boolean;
  answered: boolean;
  counted: boolean;
  madeAt: bigint;
}

interface ModelVport {
  v: TestVport;
  /** Connections by port that is listened on, and how many announced it. */
  listeners: Map<number, { connections: number; holders: number }>;
}

/** The model beside the module. */
class History {
  readonly f = new Forwarder(dispatch.SIZE_MIN, 512 << 20);
  readonly random: Random;
  vports: ModelVport[] = [];
  readonly flows = new Map<string, ModelFlow>();
  /** Closed not long ago: its late segments are answered. */
  readonly closedAt = new Map<string, bigint>();

  constructor(seed: number) {
    this.random = new Random(seed);
    this.f.nicOpen(NIC_MAC);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.random.below(from.length)] as T;
  }

  key(ip: string, port: number, remotePort: number): string {
    return `${ip}:${port}-${remotePort}`;
  }

  open(): void {
    if (this.vports.length >= 6) return;
    const v = this.f.open(this.pick(ADDRESSES));
    assert.ok(v.id >= 0);
    announce(v, "done");
    this.f.collect();
    this.vports.push({ v, listeners: new Map() });
  }

  close(): void {
    if (this.vports.length < 2) return;
    const [gone] = this.vports.splice(this.random.below(this.vports.length), 1);
    const { v } = gone as ModelVport;
    assert.equal(this.f.doors.vportClose(v.id, this.f.now), 0);
    const resets = this.f.transmit().map(inner);
    const owned = [...this.flows].filter(([, flow]) => flow.owner === v);
    assert.deepEqual(
      resets
        .map(({ link, sourcePort, destinationPort }) =>
          this.key(link.ip?.source ?? "", sourcePort, destinationPort),
        )
        .sort(),
      owned.map(([key]) => key).sort(),
      "a reset for each",
    );
    for (const [key] of owned) this.flows.delete(key);
    this.closedAt.set(v.identity.ip, this.f.now);
  }

  listen(): void {
    const { v, listeners } = this.pick(this.vports);
    const port = this.pick(PORTS);
    announce(v, "listen", { localPort: port, local: v.identity.ip });
    const had = listeners.get(port);
    if (had) had.holders++;
    else listeners.set(port, { connections: 0, holders: 1 });
    this.f.collect();
  }

  unlisten(): void {
    const { v, listeners } = this.pick(this.vports);
    const port = this.pick(PORTS);
    announce(v, "unlisten", { localPort: port });
    const had = listeners.get(port);
    if (had && had.holders > 0) had.holders--;
    this.f.collect();
  }

  portOf(flow: ModelFlow): number {
    const key = [...this.flows].find(([, other]) => other === flow)?.[0] ?? "";
    return Number(/:(\d+)-/.exec(key)?.[1]);
  }

  /** Who received the frame; -1: nobody. */
  receiver(): TestVport | undefined {
    const got = this.vports.filter(({ v }) => v.client.received().length > 0);
    assert.ok(got.length <= 1);
    return got[0]?.v;
  }

  forget(key: string): void {
    const flow = this.flows.get(key);
    if (flow === undefined) return;
    const model = this.vports.find(({ v }) => v === flow.owner);
    const listener = model?.listeners.get(this.portOf(flow));
    if (flow.counted && listener) listener.connections--;
    this.flows.delete(key);
  }

  expire(): void {
    for (const [key, flow] of [...this.flows]) {
      // An age is counted in units of 1024 us.
      const isOver = flow.tentative && this.f.now - flow.madeAt >= TENTATIVE_US + 4000n;
      if (isOver) this.forget(key);
    }
  }

  inbound(flags: string): void {
    const { ip, mac } = this.pick(ADDRESSES);
    const port = this.pick(PORTS);
    const remotePort = 1000 + this.random.below(40);
    const key = this.key(ip, port, remotePort);
    const isKnown = this.vports.some(({ v }) => v.identity.ip === ip);
    const numbers = { sequence: flags === "S" ? 1000 : 1001, acknowledgement: flags === "S" ? 0 : 5001 };
    this.f.receive([
      segment({
        from: REMOTE,
        to: ip,
        toMac: mac,
        sourcePort: remotePort,
        destinationPort: port,
        flags,
        ...numbers,
      }),
    ]);
    const got = this.receiver();
    const resets = this.f.transmit().map(inner);
    const flow = this.flows.get(key);
    const candidates = this.vports.filter(
      ({ v, listeners }) => v.identity.ip === ip && (listeners.get(port)?.holders ?? 0) > 0,
    );
    if (flow) {
      assert.equal(got, flow.owner, `${key} belongs to somebody`);
      if (flags === "A" && flow.tentative && flow.answered) flow.tentative = false;
    } else if (candidates.length > 0) {
      const model = candidates.find(({ v }) => v === got);
      assert.ok(model, `${key} goes to one that listens`);
      if (flags === "S") this.accepted(key, model, candidates, port);
    } else {
      assert.equal(got, undefined);
      assert.equal(resets.length, isKnown || this.lingers(ip) ? 1 : 0, key);
      return;
    }
    assert.deepEqual(resets, []);
  }

  lingers(ip: string): boolean {
    const at = this.closedAt.get(ip);
    return at !== undefined && this.f.now - at < 10_000_000n;
  }

  accepted(key: string, model: ModelVport, candidates: ModelVport[], port: number): void {
    const connections = ({ listeners }: ModelVport) => listeners.get(port)?.connections ?? 0;
    assert.equal(connections(model), Math.min(...candidates.map(connections)), "the fewest connections");
    const listener = model.listeners.get(port);
    if (listener) listener.connections++;
    this.flows.set(key, {
      owner: model.v,
      tentative: true,
      answered: false,
      counted: true,
      madeAt: this.f.now,
    });
  }

  /** The owner of a flow answers its request, sends, or says that it is gone. */
  outbound(): void {
    const all = [...this.flows];
    if (all.length === 0) return;
    const [key, flow] = this.pick(all);
    const [, ip, port, remotePort] = /^(.*):(\d+)-(\d+)$/.exec(key) ?? [];
    const v = flow.owner;
    const ends = { localPort: Number(port), remotePort: Number(remotePort) };
    const choice = this.random.below(4);
    if (choice === 0) {
      announce(v, "flowGone", { protocol: 6, local: ip as string, remote: REMOTE, ...ends });
      this.f.collect();
      this.forget(key);
      return;
    }
    const flags = choice === 1 && flow.tentative ? "SA" : choice === 2 && flow.answered ? "A" : "";
    if (flags === "") return;
    const sequence = flags === "SA" ? 5000 : 5001;
    v.client.send(
      segment({
        from: ip as string,
        to: REMOTE,
        fromMac: v.identity.mac,
        toMac: PEER_MAC,
        sourcePort: ends.localPort,
        destinationPort: ends.remotePort,
        flags,
        sequence,
        acknowledgement: 1001,
      }),
    );
    this.f.collect();
    assert.equal(this.f.transmit().length, 1);
    flow.answered = true;
    if (flags === "A") flow.tentative = false;
  }

  step(): void {
    const draw = this.random.below(100);
    if (draw < 3 || this.vports.length === 0) this.open();
    else if (draw < 4) this.close();
    else if (draw < 8) this.listen();
    else if (draw < 11) this.unlisten();
    else if (draw < 45) this.inbound("S");
    else if (draw < 70) this.inbound("A");
    else if (draw < 95) this.outbound();
    else this.f.pass(this.random.below(3) * 1_100_000);
    this.expire();
    assert.equal(this.f.flows(), this.flows.size, "as many flows as the model has");
  }
}

for (let seed = 1; seed <= 8; seed++) {
  test(`a random history agrees with the model: seed ${seed}`, () => {
    const history = new History(seed);
    for (let i = 0; i < 2500; i++) history.step();
    assert.deepEqual(history.f.drops().vportFull, undefined);
  });
}
