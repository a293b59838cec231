import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { complement, sumBytes } from "../../../sim/wire/checksum.js";
import { BROADCAST_MAC, ethernet, hex, icmp, ipv4, joined, toHex, write16 } from "../support/frames.js";
import { fromPeer, Lan, OWN, OWN_MAC, PEER, PEER_MAC } from "../support/lan.js";

const echo = icmp(8, 0, 0x00010002, hex("6162636465666768"));

/** The good packet with some bytes changed, the header's checksum made right unless `wrong`. */
function changed(changes: Record<number, number>, wrong = false): Uint8Array {
  const frame = fromPeer({ protocol: 1, payload: echo });
  for (const [at, value] of Object.entries(changes)) frame[14 + Number(at)] = value;
  const length = Math.min(((frame[14] ?? 0) & 15) * 4, frame.length - 14);
  write16(frame, 24, 0);
  write16(frame, 24, complement(sumBytes(frame, 14, length)));
  if (wrong) frame[24] = (frame[24] ?? 0) ^ 1;
  return frame;
}

describe("IPv4 input", () => {
  it("takes a literal packet", () => {
    const lan = new Lan();
    lan.meet();
    // From Ethernet to the last byte, checksums worked out by hand from RFC 1071.
    lan.host.receive([
      hex(`020000000001 020000000002 0800
           45 00 0020 0001 4000 40 01 26da 0a000002 0a000001
           08 00 3336 0001 0002 61626364`),
    ]);
    assert.deepEqual(lan.allDrops(), {});
    const frames = lan.host.transmit();
    assert.equal(frames.length, 1);
    assert.equal(toHex(frames[0]?.bytes.subarray(34) ?? new Uint8Array()), "00003b360001000261626364");
  });

  it("refuses every header that is wrong, each for its reason", () => {
    const lan = new Lan();
    lan.expectDrops({ truncated: 1 }, () => lan.give(changed({}).subarray(0, 33)));
    lan.expectDrops({ ipHeader: 1 }, () => lan.give(changed({ 0: 0x65 })));
    lan.expectDrops({ ipHeader: 1 }, () => lan.give(changed({ 0: 0x44 })));
    lan.expectDrops({ ipHeader: 1 }, () => lan.give(changed({ 0: 0x4f })));
    lan.expectDrops({ ipChecksum: 1 }, () => lan.give(changed({}, true)));
    lan.expectDrops({ ipHeader: 1 }, () => lan.give(changed({ 2: 0, 3: 19 })));
    lan.expectDrops({ truncated: 1 }, () => lan.give(changed({ 2: 0, 3: 37 })));
    lan.expectDrops({ ipNotOurs: 1 }, () => lan.give(changed({ 19: 9 })));
    lan.expectDrops({ ipNotOurs: 1 }, () => lan.give(changed({ 16: 224, 17: 0, 18: 0, 19: 1 })));
    assert.equal(lan.counter("ipDelivered"), 0);
  });

  it("checks the checksum over options, and skips them", () => {
    const lan = new Lan();
    lan.meet();
    const options = hex("94040000 01010100");
    assert.equal(lan.give(fromPeer({ protocol: 1, payload: echo, options })).length, 1);
    const bad = fromPeer({ protocol: 1, payload: echo, options });
    bad[36] = 0x55;
    lan.expectDrops({ ipChecksum: 1 }, () => lan.give(bad));
    const short = changed({ 0: 0x4a });
    lan.expectDrops({ ipHeader: 1 }, () => lan.give(short));
  });

  it("refuses sources that no host may have", () => {
    const lan = new Lan();
    const sources = [
      "0.0.0.0",
      "0.1.2.3",
      "127.0.0.1",
      "224.0.0.1",
      "239.255.255.255",
      "240.0.0.1",
      "255.255.255.255",
      "10.0.0.255",
      OWN,
    ];
    for (const source of sources) {
      lan.expectDrops({ ipMartian: 1 }, () => lan.give(fromPeer({ source, protocol: 1, payload: echo })));
    }
  });

  it("takes a unicast datagram in a unicast frame only (RFC 1122, section 3.3.6)", () => {
    const lan = new Lan();
    lan.meet();
    const frame = fromPeer({ protocol: 1, payload: echo }, BROADCAST_MAC);
    lan.expectDrops({ notOurMac: 1 }, () => assert.deepEqual(lan.give(frame), []));
  });

  it("keeps broadcasts from TCP (RFC 9293, section 3.9.2.3)", () => {
    const lan = new Lan();
    const syn = hex("1f90 0050 00000001 00000000 5002 ffff 0000 0000");
    const frame = fromPeer({ protocol: 6, payload: syn, destination: "10.0.0.255" }, BROADCAST_MAC);
    lan.expectDrops({ ipNotOurs: 1 }, () => assert.deepEqual(lan.give(frame), []));
  });

  it("ignores what follows the datagram in the frame", () => {
    const lan = new Lan();
    lan.meet();
    const sent = lan.give(joined(fromPeer({ protocol: 1, payload: echo }), new Uint8Array(18).fill(0xee)));
    assert.equal(sent[0]?.ip?.payload.length, echo.length);
  });

  it("refuses a protocol that nobody speaks, and says so (RFC 1122, section 3.2.2.1)", () => {
    const lan = new Lan();
    lan.meet();
    const packet = ipv4({
      source: PEER,
      destination: OWN,
      protocol: 132,
      payload: new Uint8Array(64).fill(5),
    });
    lan.expectDrops({ ipProtocol: 1 }, () => {
      const sent = lan.give(ethernet(OWN_MAC, PEER_MAC, 0x0800, packet));
      assert.equal(sent.length, 1);
      const message = sent[0]?.ip?.payload ?? new Uint8Array();
      assert.deepEqual([...message.subarray(0, 2)], [3, 2]);
      assert.equal(toHex(message.subarray(8)), toHex(packet));
    });
  });
});
