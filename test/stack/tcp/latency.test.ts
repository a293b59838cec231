import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { Histogram } from "../../../ctl/gazellectl/lstack/latency.js";
import { LATENCIES } from "../../../ctl/statistics.js";
import { TcpPeer } from "../support/tcp-peer.js";

/** The histogram of a stage, as a tool reads it. */
function histogram(peer: TcpPeer, stage: string): Histogram {
  const kind = (LATENCIES as readonly string[]).indexOf(stage);
  const base = layout.LATENCIES + kind * layout.LATENCY_CELLS * 8;
  const cells = Array.from({ length: layout.LATENCY_CELLS }, (_, i) =>
    Number(peer.lan.host.counter(i, base)),
  );
  return new Histogram(cells);
}

/** Whether a value is told as one that lies around it, to one part in sixteen. */
function isAbout(told: number | null, value: number): boolean {
  return told !== null && Math.abs(told - value) <= Math.max(1, value / 16);
}

describe("latencies of a connection", () => {
  it("read: from data to its read; write: until the frame; reply: from data to the answer's frame", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.inject("PA", { seq: 1, ack: 1, data: 20 });
    peer.wait(3_000);
    assert.equal(peer.read(handle, 100), 20);
    peer.wait(500);
    assert.equal(peer.write(handle, 10), 10);
    peer.take();
    const [read, write, reply] = ["read", "write", "reply"].map((stage) => histogram(peer, stage));
    assert.deepEqual([read?.count, write?.count, reply?.count], [1, 1, 1]);
    assert.ok(isAbout(read?.quantile(0.5) ?? null, 3_000), `${read?.quantile(0.5)}`);
    assert.ok((write?.most() ?? 1e9) <= 31, `${write?.most()}`);
    assert.ok(isAbout(reply?.quantile(0.5) ?? null, 3_500), `${reply?.quantile(0.5)}`);
  });

  it("roundTrip: as the retransmission time-out measures it", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    const before = histogram(peer, "roundTrip").count;
    peer.write(handle, 100);
    peer.take();
    peer.wait(12_345);
    peer.inject("A", { seq: 1, ack: 101 });
    const after = histogram(peer, "roundTrip");
    assert.equal(after.count, before + 1);
    assert.ok(isAbout(after.quantile(1), 12_345), `${after.quantile(1)}`);
  });

  it("data that nobody wrote an answer to is no reply, a write without a request neither", () => {
    const peer = new TcpPeer();
    const handle = peer.open();
    peer.write(handle, 10);
    peer.inject("A", { seq: 1, ack: 11, data: 5 });
    peer.wait(50_000);
    assert.equal(histogram(peer, "reply").count, 0);
    assert.equal(histogram(peer, "read").count, 0);
    assert.equal(histogram(peer, "write").count, 1);
  });
});

describe("quantiles of a histogram", () => {
  it("are those of the values, to one part in sixteen", () => {
    const cells = new Array(layout.LATENCY_CELLS).fill(0);
    for (let value = 0; value < 32; value++) cells[value] = 1;
    const exact = new Histogram(cells);
    assert.deepEqual([exact.count, exact.least(), exact.most(), exact.mean()], [32, 0, 31, 15.5]);
    assert.deepEqual([exact.quantile(0.5), exact.quantile(1)], [15, 31]);
    const none = new Histogram(new Array(layout.LATENCY_CELLS).fill(0));
    assert.deepEqual([none.quantile(0.99), none.least(), none.most(), none.mean()], [null, null, null, null]);
  });
});
