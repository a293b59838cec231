import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COUNTERS } from "../../../build/generated/node/counters.js";
import * as layout from "../../../build/generated/node/layout.js";
import { ECONNREFUSED, SOCK_DGRAM, SOCK_STREAM } from "../../../build/generated/node/system.js";
import { StackHost } from "../../../sim/host.js";
import { fromPeer, OWN } from "../support/lan.js";
import { tcp } from "../support/tcp-segment.js";

const FRAME = layout.PORTS + layout.PORT_RX;
const ROUNDS_MAX = 1_000;

/** The stacks of one process, which hand frames on as the shell does. */
class Process {
  readonly stacks: StackHost[];
  /** Frames that left by the wire. */
  sent = 0;

  constructor(count = 1) {
    this.stacks = Array.from({ length: count }, (_, index) => {
      const host = new StackHost({ seed: [BigInt(index + 1), 2n, 3n, 4n] });
      host.doors.stackPlace(index, count);
      host.transmit();
      host.advance(5_000_000n);
      host.transmit();
      return host;
    });
  }

  at(index: number): StackHost {
    return this.stacks[index % this.stacks.length] ?? assert.fail();
  }

  /** Takes the first received frame of a stack round the other ones. */
  private handOn(from: number): void {
    for (let index = from; ; index++) {
      const view = this.at(index).view();
      const flags = view.getUint32(FRAME + layout.RX_FRAME_FLAGS, true);
      if (flags >> layout.RX_SEEN_SHIFT === 0) return;
      const address = view.getUint32(FRAME + layout.RX_FRAME_ADDRESS, true);
      const length = view.getUint32(FRAME + layout.RX_FRAME_LENGTH, true);
      this.at(index + 1).receive([this.at(index).bytes(address, length).slice()], flags);
    }
  }

  /** Runs all stacks until none has anything to do now. */
  settle(): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      let isAtRest = true;
      this.stacks.forEach((host, index) => {
        this.sent += host.transmit().length;
        if ((host.nextDeadline() ?? host.now + 1n) > host.now) return;
        isAtRest = false;
        if (host.doors.tick(host.now) > 0) this.handOn(index);
      });
      if (isAtRest) return;
    }
    assert.fail("the stacks do not come to rest");
  }

  listen(index: number, port: number): number {
    const handle = this.at(index).doors.socketOpen(4, SOCK_STREAM);
    this.at(index).setEndpoint({ ip: OWN, port });
    assert.equal(this.at(index).doors.socketBind(handle), 0);
    assert.equal(this.at(index).doors.socketListen(handle, 8), 0);
    return handle;
  }

  connect(index: number, port: number, type = SOCK_STREAM): number {
    const host = this.at(index);
    const handle = host.doors.socketOpen(4, type);
    host.setEndpoint({ ip: OWN, port });
    host.doors.socketConnect(handle, host.now);
    this.settle();
    return handle;
  }
}

function drops(host: StackHost, name: string): number {
  const entry = COUNTERS.find((candidate) => candidate.enum === "DropReason" && candidate.name === name);
  return Number(host.counter(entry?.index ?? assert.fail(name), layout.DROPS));
}

describe("a connection to an own address", () => {
  for (const [title, count, from, to] of [
    ["in the only stack", 1, 0, 0],
    ["in the same stack of several", 3, 1, 1],
    ["to the next stack", 2, 0, 1],
    ["to a stack behind others", 3, 1, 0],
  ] as const) {
    it(`carries data both ways ${title}, and nothing leaves by the wire`, () => {
      const process = new Process(count);
      const listener = process.listen(to, 80);
      const client = process.connect(from, 80);
      const [server, user] = [process.at(to), process.at(from)];
      const accepted = server.doors.socketAccept(listener, server.now);
      assert.ok(accepted >= 0, `${accepted}`);
      assert.equal(server.endpoint().ip, OWN);
      for (const [sender, receiver, sends, receives] of [
        [user, server, client, accepted],
        [server, user, accepted, client],
      ] as const) {
        const data = Uint8Array.from({ length: 20_000 }, (_, i) => (i * 7) & 0xff);
        assert.equal(sender.send(sends, data), data.length);
        process.settle();
        assert.deepEqual(receiver.recv(receives, 100_000), data);
      }
      user.doors.socketClose(client, user.now);
      process.settle();
      assert.deepEqual(server.recv(accepted, 100), new Uint8Array(0));
      assert.equal(process.sent, 0);
    });
  }

  it("is refused where nobody listens, for datagrams, too", () => {
    for (const count of [1, 3]) {
      const process = new Process(count);
      for (const type of [SOCK_STREAM, SOCK_DGRAM]) {
        const handle = process.connect(1, 81, type);
        if (type === SOCK_DGRAM) process.at(1).send(handle, new Uint8Array(8));
        process.settle();
        assert.equal(process.at(1).doors.socketError(handle), ECONNREFUSED, `${count} stacks, type ${type}`);
      }
      assert.equal(process.sent, 0);
    }
  });

  it("brings datagrams longer than the link carries to the stack that has the socket", () => {
    const process = new Process(2);
    const receiver = process.at(1);
    const bound = receiver.doors.socketOpen(4, SOCK_DGRAM);
    receiver.setEndpoint({ ip: OWN, port: 53 });
    assert.equal(receiver.doors.socketBind(bound), 0);
    const sender = process.connect(0, 53, SOCK_DGRAM);
    const data = Uint8Array.from({ length: 4_000 }, (_, i) => (i * 3) & 0xff);
    assert.equal(process.at(0).send(sender, data), data.length);
    process.settle();
    assert.deepEqual(receiver.recv(bound, 10_000), data);
  });
});

it("what comes by the wire from an own address is dropped", () => {
  const process = new Process();
  process.listen(0, 80);
  process.connect(0, 80);
  const host = process.at(0);
  const request = { sourcePort: 4000, destinationPort: 80, sequence: 1, acknowledgement: 0, window: 9000 };
  const payload = tcp({ ...request, flags: "S", payload: new Uint8Array(0) }, OWN, OWN);
  host.receive([fromPeer({ protocol: 6, payload, source: OWN })]);
  assert.equal(host.transmit().length, 0);
  assert.equal(drops(host, "ipMartian"), 1);
});
