// Bond mode 4: LACP with a partner, its timers, its selection; and which NIC frames leave by.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ethernet, macOf } from "../stack/support/frames.js";
import { announce } from "./support/announce.js";
import { Forwarder } from "./support/forwarder.js";
import { Bit, type Lacpdu, lacpdu, type Party, readLacpdu, SLOW_GROUP, SLOW_TYPE } from "./support/lacp.js";
import { NIC_MAC, PEER_MAC, segment } from "./support/segments.js";

const SECOND = 1_000_000;
const MODE = 4;
const US = Buffer.from(NIC_MAC).toString("hex");
const SWITCH = "0200000000aa";
const EVERYTHING = Bit.activity | Bit.aggregation | Bit.synchronization | Bit.collecting | Bit.distributing;

function setUp(nics = 2): Forwarder {
  const f = new Forwarder();
  assert.equal(f.doors.bondModeSet(MODE), 0);
  for (let nic = 0; nic < nics; nic++) f.nicOpen(NIC_MAC);
  return f;
}

function lacpdusOf(f: Forwarder, nic: number): Lacpdu[] {
  return f.transmit(nic).flatMap((frame) => readLacpdu(frame) ?? []);
}

/**
 * A partner's port by the standard's rules for one that is always in sync: it knows us by our last LACPDU.
 */
class Partner {
  us: Party = { systemPriority: 0, system: "000000000000", key: 0, portPriority: 0, port: 0, state: 0 };
  heard = 0;
  constructor(
    readonly f: Forwarder,
    readonly nic: number,
    readonly me: Partial<Party> = {},
  ) {}

  /** Takes what was sent on the link. */
  listen(): void {
    for (const { actor } of lacpdusOf(this.f, this.nic)) {
      this.us = actor;
      this.heard++;
    }
  }

  speak(state: number = EVERYTHING): void {
    this.listen();
    const defaults = { systemPriority: 1, system: SWITCH, key: 7, portPriority: 2, port: this.nic + 10 };
    this.f.receive([lacpdu({ actor: { ...defaults, state, ...this.me }, partner: this.us })], this.nic);
    this.listen();
  }
}

/** Speaks once a second on every link. */
function talk(f: Forwarder, partners: readonly Partner[], seconds: number): void {
  for (let second = 0; second < seconds; second++) {
    for (const partner of partners) partner.speak();
    f.pass(SECOND);
  }
  for (const partner of partners) partner.speak();
}

function stateOf(f: Forwarder, nic: number): number {
  return Number((f.doors.lacpLink(nic) >> 48n) & 0xffn);
}

function active(f: Forwarder, nics = 2): number[] {
  return Array.from({ length: nics }, (_, nic) => nic).filter((nic) => f.doors.nicIsActive(nic) === 1);
}

function joined(nics = 2): { f: Forwarder; partners: Partner[] } {
  const f = setUp(nics);
  const partners = Array.from({ length: nics }, (_, nic) => new Partner(f, nic));
  talk(f, partners, 4);
  return { f, partners };
}

/** Segments of connections with different ports, by the NIC that they left by. */
function spread(f: Forwarder, nics = 2, connections = 64): number[][] {
  const v = f.open({ ip: "10.0.0.2", mac: NIC_MAC });
  const to = { from: "10.0.0.2", to: "10.0.0.9", fromMac: NIC_MAC, toMac: PEER_MAC, destinationPort: 80 };
  for (let i = 0; i < connections; i++) {
    v.client.send(segment({ ...to, sourcePort: 1000 + i, flags: "S" }));
    f.collect();
  }
  const ports = Array.from({ length: nics }, (_, nic) =>
    f
      .transmit(nic)
      .filter((frame) => frame[12] === 8 && frame[13] === 0)
      .map((frame) => new DataView(frame.buffer).getUint16(34)),
  );
  // The resets of these connections are nobody's business.
  f.doors.vportClose(v.id, f.now);
  for (let nic = 0; nic < nics; nic++) f.transmit(nic);
  return ports;
}

test("the first LACPDUs leave at once, in the form of the standard, three in a second at most", () => {
  const f = setUp();
  for (const nic of [0, 1]) {
    const [first] = lacpdusOf(f, nic);
    assert.equal(first?.actor.system, US);
    assert.equal(first?.actor.port, nic + 1);
    const state = Bit.activity | Bit.shortTimeout | Bit.aggregation | Bit.defaulted | Bit.expired;
    assert.equal(first?.actor.state, state);
  }
  const partner = new Partner(f, 0);
  let sent = 0;
  for (let i = 0; i < 10; i++) {
    // Somebody who never agrees.
    f.receive([lacpdu({ actor: { ...partner.us, system: SWITCH, state: 5 }, partner: partner.us })], 0);
    sent += lacpdusOf(f, 0).length;
  }
  assert.ok(sent <= 2, `${sent} more`);
  f.pass(SECOND);
  assert.ok(lacpdusOf(f, 0).length >= 1, "later, then");
});

test("two links with one partner distribute both, after the wait; a flow keeps its link", () => {
  const f = setUp();
  const partners = [0, 1].map((nic) => new Partner(f, nic));
  for (const partner of partners) partner.speak();
  assert.deepEqual(active(f), [], "nothing before the partner is in sync");
  assert.deepEqual(spread(f), [[], []]);
  talk(f, partners, 3);
  assert.deepEqual(active(f), [0, 1]);
  for (const nic of [0, 1]) {
    const told = Bit.activity | Bit.shortTimeout | Bit.aggregation | Bit.synchronization;
    assert.equal(stateOf(f, nic), told | Bit.collecting | Bit.distributing);
    assert.equal(partners[nic]?.us.state, stateOf(f, nic), "and the partner was told");
    assert.equal(f.doors.lacpLink(nic) & 0xffff_ffff_ffffn, 0xaa0000000002n);
  }
  const first = spread(f);
  for (const ports of first) assert.ok(ports.length > 16, "each link has its part");
  assert.deepEqual(spread(f), first, "by hash");
});

test("frames count from collecting links only, LACPDUs from all", () => {
  const f = setUp();
  const partners = [0, 1].map((nic) => new Partner(f, nic));
  talk(f, [partners[0] as Partner], 4);
  const v = f.open({ ip: "10.0.0.2", mac: NIC_MAC });
  announce(v, "listen", { localPort: 80 });
  announce(v, "done");
  f.collect();
  const syn = { from: "10.0.0.9", to: "10.0.0.2", sourcePort: 5, destinationPort: 80, flags: "S" };
  f.receive([segment(syn)], 1);
  assert.equal(f.drops().backupNic, 1);
  f.receive([segment(syn)], 0);
  assert.equal(v.client.received().length, 1);
  talk(f, partners, 4);
  f.receive([segment(syn)], 1);
  assert.equal(v.client.received().length, 1);
});

test("a link that is lost is left at once, and joined again after the wait", () => {
  const { f, partners } = joined();
  f.doors.nicLink(0, 0, f.now);
  assert.deepEqual(active(f), [1]);
  const [none, all] = spread(f);
  assert.deepEqual([none?.length, all?.length], [0, 64]);
  f.doors.nicLink(0, 1, f.now);
  assert.deepEqual(active(f), [1]);
  talk(f, partners, 4);
  assert.deepEqual(active(f), [0, 1]);
});

test("a partner that falls silent is gone after the short timeout, twice, though the link is up", () => {
  const { f, partners } = joined();
  const other = [partners[1] as Partner];
  talk(f, other, 2);
  assert.deepEqual(active(f), [0, 1], "three seconds since it spoke, nearly");
  talk(f, other, 2);
  assert.deepEqual(active(f), [1]);
  assert.ok((stateOf(f, 0) & Bit.expired) !== 0);
  talk(f, other, 3);
  assert.ok((stateOf(f, 0) & Bit.defaulted) !== 0);
  assert.equal(f.doors.lacpLink(0) & 0xffff_ffff_ffffn, 0n);
});

test("the partner's timeout says how often it is told: every second, or every 30", () => {
  for (const [timeout, least, most] of [
    [Bit.shortTimeout, 29, 40],
    [0, 1, 3],
  ] as const) {
    const f = setUp(1);
    const partner = new Partner(f, 0);
    const speak = () => partner.speak(EVERYTHING | timeout);
    for (let i = 0; i < 6; i++) {
      speak();
      f.pass(SECOND);
    }
    partner.heard = 0;
    for (let i = 0; i < 30; i++) {
      speak();
      f.pass(SECOND);
    }
    assert.ok(partner.heard >= least && partner.heard <= most, `${partner.heard} in 30 seconds`);
  }
});

test("a partner that is out of sync or does not collect gets nothing", () => {
  const { f, partners } = joined();
  const [first] = partners as [Partner, Partner];
  first.speak(EVERYTHING & ~Bit.synchronization);
  assert.deepEqual(active(f), [1]);
  first.speak(EVERYTHING & ~(Bit.collecting | Bit.distributing));
  assert.deepEqual(active(f), [0, 1], "we collect: it may begin to distribute");
  assert.equal(spread(f)[0]?.length, 0, "but do not distribute");
  // It believes that we are somebody else: what it says of its sync is about that one.
  first.us = { ...first.us, key: 99 };
  const actor = { systemPriority: 1, system: SWITCH, key: 7, portPriority: 2, port: 10, state: EVERYTHING };
  f.receive([lacpdu({ actor, partner: { ...first.us, key: 99 } })], 0);
  assert.deepEqual(active(f), [1]);
});

test("links to another partner, or with another key, are not mixed; the group in use stays", () => {
  for (const me of [{ system: "0200000000bb" }, { key: 8 }]) {
    const f = setUp(3);
    const partners = [new Partner(f, 0, me), new Partner(f, 1), new Partner(f, 2)];
    talk(f, partners.slice(0, 1), 4);
    assert.deepEqual(active(f, 3), [0]);
    talk(f, partners, 4);
    assert.deepEqual(active(f, 3), [0], "it was there first");
    f.doors.nicLink(0, 0, f.now);
    talk(f, partners.slice(1), 4);
    assert.deepEqual(active(f, 3), [1, 2]);
  }
});

test("a port that the partner does not aggregate is used alone", () => {
  const f = setUp();
  const partners = [0, 1].map((nic) => new Partner(f, nic));
  for (let i = 0; i < 5; i++) {
    for (const partner of partners) partner.speak(EVERYTHING & ~Bit.aggregation);
    f.pass(SECOND);
  }
  assert.equal(active(f).length, 1);
});

test("without a partner that speaks LACP the first link with carrier is used", () => {
  const f = setUp();
  assert.deepEqual(active(f), []);
  f.pass(7 * SECOND);
  assert.deepEqual(active(f), [0]);
  assert.equal(spread(f)[0]?.length, 64);
  f.doors.nicLink(0, 0, f.now);
  assert.deepEqual(active(f), [1]);
});

test("two of us find each other", () => {
  const [a, b] = [new Forwarder(), new Forwarder()];
  for (const [f, mac] of [
    [a, NIC_MAC],
    [b, PEER_MAC],
  ] as const) {
    f.doors.bondModeSet(MODE);
    for (let nic = 0; nic < 2; nic++) f.nicOpen(mac);
  }
  for (let i = 0; i < 60; i++) {
    for (const nic of [0, 1]) {
      const [fromA, fromB] = [a.transmit(nic), b.transmit(nic)];
      if (fromB.length > 0) a.receive(fromB, nic);
      if (fromA.length > 0) b.receive(fromA, nic);
    }
    a.pass(SECOND / 10);
    b.pass(SECOND / 10);
  }
  for (const f of [a, b]) assert.deepEqual(active(f), [0, 1]);
});

test("our own LACPDUs that come back, short and strange ones change nothing; markers are answered", () => {
  const { f, partners } = joined();
  const own = { ...(partners[0] as Partner).us };
  const before = f.doors.lacpLink(0);
  const strange = ethernet(SLOW_GROUP, PEER_MAC, SLOW_TYPE, new Uint8Array(110).fill(3));
  f.receive([lacpdu({ actor: own, partner: own }), strange, strange.subarray(0, 20)], 0);
  assert.equal(f.doors.lacpLink(0), before);
  f.transmit(0);
  const marker = new Uint8Array(110);
  marker.set([2, 1, 1, 16, 0, 5, 1, 2, 3, 4, 5, 6, 0, 0, 0, 77]);
  f.receive([ethernet(SLOW_GROUP, PEER_MAC, SLOW_TYPE, marker)], 0);
  const [answer] = f.transmit(0);
  marker[2] = 2;
  assert.deepEqual(answer, ethernet(SLOW_GROUP, NIC_MAC, SLOW_TYPE, marker));
  assert.equal(f.drops().unknownEtherType, undefined);
});

test("modes are 1, 4 and 6, chosen before the first NIC", () => {
  const f = new Forwarder();
  for (const mode of [0, 2, 3, 5, 7]) assert.equal(f.doors.bondModeSet(mode), -22);
  f.nicOpen(macOf(1));
  assert.equal(f.doors.bondModeSet(MODE), -22);
});
