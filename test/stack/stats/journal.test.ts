import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { addressText, type Occasion, readJournal } from "../../../ctl/journal.js";
import type { StackHost } from "../../../sim/host.js";
import { ethernet, macOf } from "../support/frames.js";
import { Lan, OWN_MAC, PEER_MAC } from "../support/lan.js";
import { TcpPeer } from "../support/tcp-peer.js";

const MSS = 1460;

function journalOf(host: StackHost): Occasion[] {
  return readJournal(Buffer.from(host.bytes(layout.JOURNAL, layout.JOURNAL_END - layout.JOURNAL)));
}

/** The occasions of one reason, the latest first. */
function occasions(host: StackHost, reason: string): Occasion[] {
  return journalOf(host).filter((occasion) => occasion.reason === reason);
}

describe("the journal", () => {
  it("holds what the layout says: a connection's name lies in one piece", () => {
    assert.equal(layout.CONNECTION_END, layout.CONNECTION_SIZE);
    assert.ok(layout.JOURNAL_SUBJECT + layout.JOURNAL_SUBJECT_SIZE <= layout.JOURNAL_STRIDE);
    assert.ok(layout.CONNECTION_SIZE <= layout.JOURNAL_SUBJECT_SIZE);
    assert.ok(layout.JOURNAL_END <= layout.PORTS);
  });

  it("keeps the frame that was dropped, its head and its length", () => {
    const lan = new Lan();
    const frame = ethernet(macOf(9), PEER_MAC, 0x0800, new Uint8Array(900).fill(7));
    lan.give(frame);
    const [occasion] = occasions(lan.host, "notOurMac");
    assert.ok(occasion?.frame);
    assert.equal(occasion.number, 1n);
    assert.equal(occasion.frame.length, frame.length);
    assert.deepEqual([...occasion.frame.head], [...frame.subarray(0, layout.JOURNAL_SUBJECT_SIZE)]);
  });

  it("keeps a frame that is shorter than the room for it", () => {
    const lan = new Lan();
    const frame = ethernet(OWN_MAC, PEER_MAC, 0x1234, new Uint8Array([1, 2, 3]));
    lan.give(frame);
    assert.deepEqual([...(occasions(lan.host, "unknownEtherType")[0]?.frame?.head ?? [])], [...frame]);
  });

  it("keeps the last eight occasions of each reason, the latest first, whatever happens for another", () => {
    const lan = new Lan();
    lan.give(ethernet(OWN_MAC, PEER_MAC, 0x1234, new Uint8Array(50)));
    for (let i = 1; i <= 20; i++) lan.give(ethernet(macOf(9), PEER_MAC, 0x0800, new Uint8Array(100 + i)));
    assert.deepEqual(
      occasions(lan.host, "notOurMac").map(({ number, frame }) => [number, frame?.length]),
      Array.from({ length: 8 }, (_, i) => [BigInt(20 - i), 14 + 120 - i]),
    );
    assert.equal(occasions(lan.host, "unknownEtherType").length, 1);
  });

  it("leaves out an entry that was written while it was read", () => {
    const lan = new Lan();
    lan.give(ethernet(macOf(9), PEER_MAC, 0x0800, new Uint8Array(100)));
    const copy = () => Buffer.from(lan.host.bytes(layout.JOURNAL, layout.JOURNAL_END - layout.JOURNAL));
    const first = copy();
    assert.equal(readJournal(first, copy()).length, 1);
    const torn = copy();
    torn.fill(0xff, 0, torn.length);
    assert.deepEqual(readJournal(first, torn), []);
  });

  it("keeps the segment that a reset answers", () => {
    const peer = new TcpPeer();
    peer.inject("S", { seq: 5 });
    assert.equal(peer.counter("tcpResetsOut"), 1);
    const [occasion] = occasions(peer.lan.host, "noConnection");
    assert.equal(occasion?.table, "resets");
    // The flags of the TCP header behind Ethernet and IP.
    assert.equal(occasion?.frame?.head[14 + 20 + 13], 2);
  });

  it("names the connection that sends again, and why", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 40 * MSS);
    peer.take();
    for (let i = 0; i < 3; i++) peer.inject("A", { seq: 1, ack: 1 });
    peer.take();
    const [fast] = occasions(peer.lan.host, "fast");
    assert.equal(fast?.table, "retransmissions");
    assert.equal(fast?.connection?.localPort, 80);
    assert.match(fast?.connection?.remote ?? "", /^\d+\.\d+\.\d+\.\d+$/);
    peer.wait(500_000);
    peer.take();
    assert.equal(
      occasions(peer.lan.host, "timeout")[0]?.connection?.remotePort,
      fast?.connection?.remotePort,
    );
    assert.equal(
      peer.counter("tcpRetransmits"),
      journalOf(peer.lan.host)
        .filter(({ table }) => table === "retransmissions")
        .filter((one, i, all) => all.findIndex(({ reason }) => reason === one.reason) === i)
        .reduce((sum, { number }) => sum + Number(number), 0),
    );
  });
});

describe("addresses as text", () => {
  for (const [hexadecimal, text] of [
    ["00000000000000000000ffff0a4d0001", "10.77.0.1"],
    ["20010db8000000000000000000000001", "2001:db8::1"],
    ["00000000000000000000000000000000", "::"],
    ["00000000000000000000000000000001", "::1"],
    ["fe800000000000000000000000000000", "fe80::"],
    ["20010db8000100020003000400050006", "2001:db8:1:2:3:4:5:6"],
  ] as const) {
    it(text, () => assert.equal(addressText(Buffer.from(hexadecimal, "hex")), text));
  }
});
