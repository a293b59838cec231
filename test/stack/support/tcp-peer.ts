import assert from "node:assert/strict";
import * as layout from "../../../build/generated/node/layout.js";
import { SOCK_STREAM } from "../../../build/generated/node/system.js";
import type { HostOptions } from "../../../sim/host.js";
import { arp, type Seen } from "./frames.js";
import { fromPeer, Lan, OWN, OWN_MAC, PEER, PEER_MAC } from "./lan.js";
import { parseTcp, type Segment, tcp } from "./tcp-segment.js";

/**
 * What a test injects or expects; sequence numbers count from the initial ones: the first byte of data is 1.
 */
export interface Script {
  seq?: number;
  ack?: number;
  /** Bytes of payload, or the payload. */
  data?: number | Uint8Array;
  /** Window field, not scaled. */
  win?: number;
  mss?: number;
  scale?: number;
  sackPermitted?: boolean;
  ts?: [number, number];
  /** Relative to the initial sequence number of the side whose data it is about. */
  sack?: [number, number][];
  rawOptions?: Uint8Array;
}

export interface PeerOptions extends HostOptions {
  /** The peer's initial sequence number. */
  isn?: number;
  peerPort?: number;
  ownPort?: number;
}

/** Options of the peer's SYN; left out: not offered. */
export interface Offer {
  mss?: number;
  scale?: number;
  sackPermitted?: boolean;
  ts?: number;
  win?: number;
}

/** A byte of the stream that tests send: it depends on its place only. */
export function streamByte(place: number): number {
  return (place * 7 + (place >>> 8) * 13) & 255;
}

/** `length` bytes of that stream from `place` on. */
export function streamBytes(place: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => streamByte(place + i));
}

const MASK = 0xffff_ffff;

/** A peer whose every segment is written by the test, against one stack in virtual time. */
export class TcpPeer {
  readonly lan: Lan;
  readonly isn: number;
  readonly peerPort: number;
  readonly ownPort: number;
  /** The stack's initial sequence number, once seen. */
  ownIsn = 0;
  /** Timestamp that the peer puts into its next segment; undefined: no timestamps. */
  clock: number | undefined;
  /** The last timestamp of the stack. */
  stackStamp = 0;
  listener = -1;
  /** Segments sent by the stack and not yet expected, oldest first. */
  readonly queue: Segment[] = [];
  private written = 0;
  private readonly readBytes: number[] = [];

  constructor(options: PeerOptions = {}) {
    this.lan = new Lan(options);
    this.lan.meet();
    this.isn = options.isn ?? 1_000_000;
    this.peerPort = options.peerPort ?? 40000;
    this.ownPort = options.ownPort ?? 80;
  }

  get now(): bigint {
    return this.lan.host.now;
  }

  /** Takes note of what the stack sent. */
  private collect(frames: Seen[]): void {
    for (const frame of frames) {
      if (frame.arp?.operation === 1 && frame.arp.target === PEER) {
        const reply = arp(
          { operation: 2, senderMac: PEER_MAC, sender: PEER, targetMac: OWN_MAC, target: OWN },
          OWN_MAC,
        );
        this.collect(this.lan.give(reply));
      }
      if (frame.ip?.protocol !== 6) continue;
      const segment = parseTcp(frame.ip.payload, frame.ip.source, frame.ip.destination);
      if (segment.timestamps) this.stackStamp = segment.timestamps[0];
      this.queue.push(segment);
    }
  }

  /** The segment a script describes, absolute. */
  segment(flags: string, script: Script = {}): Segment {
    const payload =
      typeof script.data === "number" ? streamBytes((script.seq ?? 1) - 1, script.data) : script.data;
    const ts = script.ts ?? (this.clock === undefined ? undefined : [this.clock, this.stackStamp]);
    return {
      sourcePort: this.peerPort,
      destinationPort: this.ownPort,
      sequence: ((script.seq ?? 0) + this.isn) & MASK,
      acknowledgement: flags.includes("A") ? ((script.ack ?? 0) + this.ownIsn) & MASK : 0,
      flags,
      window: script.win ?? 65535,
      payload: payload ?? new Uint8Array(0),
      ...(script.mss === undefined ? {} : { mss: script.mss }),
      ...(script.scale === undefined ? {} : { windowScale: script.scale }),
      ...(script.sackPermitted ? { sackPermitted: true } : {}),
      ...(ts === undefined || script.rawOptions ? {} : { timestamps: ts as [number, number] }),
      ...(script.sack ? { sack: script.sack.map(([left, right]) => this.own(left, right)) } : {}),
      ...(script.rawOptions ? { rawOptions: script.rawOptions } : {}),
    };
  }

  private own(left: number, right: number): [number, number] {
    return [(left + this.ownIsn) >>> 0, (right + this.ownIsn) >>> 0];
  }

  frame(flags: string, script: Script = {}): Uint8Array {
    return fromPeer({ protocol: 6, payload: tcp(this.segment(flags, script), PEER, OWN) });
  }

  /** Gives a segment to the stack and takes its answers. */
  inject(flags: string, script: Script = {}): void {
    this.collect(this.lan.give(this.frame(flags, script)));
  }

  /** Gives several segments in one burst. */
  injectAll(...segments: [string, Script][]): void {
    this.lan.host.receive(segments.map(([flags, script]) => this.frame(flags, script)));
    this.collect(this.lan.sent());
  }

  /** Lets time pass, in microseconds. */
  wait(microseconds: number, step = 1000): void {
    for (let left = microseconds; left > 0; left -= step)
      this.collect(this.lan.wait(Math.min(left, step), step));
    if (this.clock !== undefined) this.clock = (this.clock + Math.floor(microseconds / 1000)) >>> 0;
  }

  /** Lets time pass and answers the times, in microseconds, from one segment of the stack to the next. */
  gaps(microseconds: number): number[] {
    const gaps: number[] = [];
    let last = this.now;
    for (let left = microseconds; left > 0; left -= 1000) {
      const before = this.queue.length;
      this.wait(1000);
      if (this.queue.length === before) continue;
      gaps.push(Number(this.now - last));
      last = this.now;
    }
    return gaps;
  }

  /** Takes what the stack wants to send now. */
  flush(): void {
    this.collect(this.lan.sent());
  }

  /** The next segment of the stack; its flags must be `flags`, and what `script` names must be as it says. */
  expect(flags: string, script: Script = {}): Segment {
    this.flush();
    const got = this.queue.shift();
    assert.ok(got, `expected ${flags} ${JSON.stringify(script)}, but nothing was sent`);
    if (got.flags.includes("S")) this.ownIsn = got.sequence;
    const found = {
      flags: got.flags,
      ...(script.seq === undefined ? {} : { seq: (got.sequence - this.ownIsn) | 0 }),
      ...(script.ack === undefined ? {} : { ack: (got.acknowledgement - this.isn) | 0 }),
      ...(script.win === undefined ? {} : { win: got.window }),
      ...(script.data === undefined ? {} : { data: got.payload.length }),
      ...(script.mss === undefined ? {} : { mss: got.mss }),
      ...(script.scale === undefined ? {} : { scale: got.windowScale }),
      ...(script.sackPermitted === undefined ? {} : { sackPermitted: got.sackPermitted === true }),
      ...(script.ts === undefined ? {} : { ts: got.timestamps }),
      ...(script.sack === undefined ? {} : { sack: (got.sack ?? []).map((block) => this.relative(block)) }),
    };
    assert.deepEqual(found, { flags, ...script });
    return got;
  }

  private relative([left, right]: [number, number]): [number, number] {
    return [(left - this.isn) | 0, (right - this.isn) | 0];
  }

  /** The stack has nothing to say. */
  expectNothing(): void {
    this.flush();
    assert.deepEqual(
      this.queue.map((s) => `${s.flags} seq ${(s.sequence - this.ownIsn) | 0} len ${s.payload.length}`),
      [],
    );
  }

  /** All segments sent so far, taken. */
  take(): Segment[] {
    this.flush();
    return this.queue.splice(0);
  }

  /** Sequence numbers and lengths of data segments, relative. */
  takeData(): [number, number][] {
    return this.take()
      .filter((s) => s.payload.length > 0)
      .map((s) => [(s.sequence - this.ownIsn) | 0, s.payload.length]);
  }

  listen(backlog = 16): number {
    const { doors } = this.lan.host;
    this.listener = doors.socketOpen(4, SOCK_STREAM);
    this.lan.host.setEndpoint({ ip: "0.0.0.0", port: this.ownPort });
    assert.equal(doors.socketBind(this.listener), 0);
    assert.equal(doors.socketListen(this.listener, backlog), 0);
    return this.listener;
  }

  accept(): number {
    return this.lan.host.doors.socketAccept(this.listener, this.now);
  }

  private synScript(offer: Offer): Script {
    if (offer.ts !== undefined) this.clock = offer.ts;
    return {
      seq: 0,
      win: offer.win ?? 65535,
      ...(offer.mss === undefined ? {} : { mss: offer.mss }),
      ...(offer.scale === undefined ? {} : { scale: offer.scale }),
      ...(offer.sackPermitted ? { sackPermitted: true } : {}),
    };
  }

  /** The peer connects to a listener of the stack; answers the accepted socket. */
  open(offer: Offer = { mss: 1460 }, window?: number): number {
    if (this.listener < 0) this.listen();
    this.inject("S", this.synScript(offer));
    this.expect("SA", { ack: 1 });
    this.inject("A", { seq: 1, ack: 1, win: window ?? offer.win ?? 65535 });
    this.expectNothing();
    const handle = this.accept();
    assert.ok(handle >= 0, `accept: ${handle}`);
    return handle;
  }

  /** Starts a connect of the stack to the peer and takes its SYN. */
  connectStart(): number {
    const { doors } = this.lan.host;
    const handle = doors.socketOpen(4, SOCK_STREAM);
    this.lan.host.setEndpoint({ ip: "0.0.0.0", port: this.ownPort });
    assert.equal(doors.socketBind(handle), 0);
    this.lan.host.setEndpoint({ ip: PEER, port: this.peerPort });
    assert.ok(doors.socketConnect(handle, this.now) < 0);
    return handle;
  }

  /** The stack connects to the peer, which answers; answers the socket. */
  connect(offer: Offer = { mss: 1460 }): number {
    const handle = this.connectStart();
    this.expect("S", { seq: 0 });
    this.inject("SA", { ...this.synScript(offer), ack: 1 });
    this.expect("A", { seq: 1, ack: 1 });
    return handle;
  }

  /** send() of the next `length` bytes of the stream; answers what was taken. */
  write(handle: number, length: number, flags = 0): number {
    let total = 0;
    while (total < length) {
      const taken = this.lan.host.send(handle, streamBytes(this.written, length - total), flags);
      if (taken < 0) return total === 0 ? taken : total;
      this.written += taken;
      total += taken;
    }
    return total;
  }

  /** recv(): bytes that are checked to be the next ones of the peer's stream; answers how many, or -errno. */
  read(handle: number, length: number): number {
    const got = this.lan.host.recv(handle, length);
    if (typeof got === "number") return got;
    assert.deepEqual(Buffer.from(got), Buffer.from(streamBytes(this.readBytes.length, got.length)));
    this.readBytes.push(...got);
    return got.length;
  }

  /** setsockopt() of a number. */
  option(handle: number, level: number, name: number, value: number): void {
    this.lan.host.view().setInt32(layout.CALL_OPTION, value, true);
    assert.equal(this.lan.host.doors.socketOptionSet(handle, level, name, 4, this.now), 0);
  }

  shutdown(handle: number): void {
    assert.equal(this.lan.host.doors.socketShutdown(handle, 1, this.now), 0);
    this.flush();
  }

  close(handle: number): void {
    assert.equal(this.lan.host.doors.socketClose(handle, this.now), 0);
    this.flush();
  }

  /** SO_ERROR. */
  error(handle: number): number {
    return this.lan.host.doors.socketError(handle);
  }

  ready(handle: number): number {
    return this.lan.host.doors.socketReady(handle);
  }

  counter(name: string): number {
    return this.lan.counter(name);
  }
}
