import {
  EAGAIN,
  EINPROGRESS,
  SHUT_WR,
  TCP_CLOSE_WAIT,
  TCP_CLOSING,
  TCP_ESTABLISHED,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_LISTEN,
  TCP_SYN_SENT,
  TCP_TIME_WAIT,
} from "../../build/generated/node/system.js";
import { fail } from "../failure.js";
import type { Random } from "../random.js";
import { type FuzzLan, localPort, must, openStream, stateOf } from "./lan.js";

/** A connection of the target that is kept in one state to be attacked. -1: no such socket. */
export interface Victim {
  state: string;
  target: number;
  peer: number;
  targetPort: number;
  peerPort: number;
}

const CHUNK = 3000;
const PATIENCE = 130_000_000;
const WAIT = 100_000;

/** Makes connections in every state of TCP between the target's listener and the peer. */
export class VictimMaker {
  constructor(
    private readonly lan: FuzzLan,
    private readonly listener: number,
    readonly port: number,
    private readonly random: Random,
  ) {}

  /** One victim in every state. */
  all(): Victim[] {
    return [
      this.listening(),
      this.synSent(),
      this.synReceived(),
      this.established(),
      this.busy(),
      this.gapped(),
      this.finWait1(),
      this.finWait2(),
      this.closing(),
      this.timeWait(),
      this.closeWait(),
      this.lastAck(),
    ];
  }

  private check(victim: Victim, handle: number, state: number): Victim {
    const found = stateOf(this.lan.target, handle);
    if (found !== state) fail(`a connection that should be in ${victim.state} is in state ${found}`);
    return victim;
  }

  /** connect() of the peer; the handshake is not carried out. */
  private call(): Victim {
    const { peer, target } = this.lan;
    const handle = openStream(peer);
    peer.host.setEndpoint({ ip: target.ip, port: this.port });
    const done = peer.host.doors.socketConnect(handle, peer.host.now);
    if (done !== -EINPROGRESS) fail(`the peer's connect answered ${done}`);
    const peerPort = localPort(peer, handle);
    return { state: "", target: -1, peer: handle, targetPort: this.port, peerPort };
  }

  /**
   * Makes sure that target and peer can reach each other: what forged ARP broke must heal by itself, in time.
   */
  heal(): void {
    const { target, peer } = this.lan;
    const victim = this.pair("ESTABLISHED", PATIENCE);
    must("close", target.host.doors.socketClose(victim.target, target.host.now));
    must("close", peer.host.doors.socketClose(victim.peer, peer.host.now));
    this.lan.pump();
  }

  /** An established connection; `patience` is how long its handshake may take, in microseconds. */
  private pair(state: string, patience = 0): Victim {
    const { target } = this.lan;
    const victim = this.call();
    const deadline = this.lan.now + patience;
    this.lan.pump();
    for (;;) {
      const handle = target.host.doors.socketAccept(this.listener, target.host.now);
      if (handle === -EAGAIN && this.lan.now < deadline) {
        this.lan.advance(WAIT);
        continue;
      }
      must("accept", handle);
      const peerPort = target.host.endpoint().port;
      if (peerPort === victim.peerPort) return { ...victim, state, target: handle };
      // A connection that a forged segment opened.
      target.host.doors.socketClose(handle, target.host.now);
    }
  }

  private shutdown(node: FuzzLan["target"], handle: number): void {
    must("shutdown", node.host.doors.socketShutdown(handle, SHUT_WR, node.host.now));
  }

  private block(victim: Victim, toPeer: boolean, toTarget: boolean): void {
    this.lan.block(victim.targetPort, victim.peerPort, { toPeer, toTarget });
  }

  private send(node: FuzzLan["target"], handle: number): void {
    const data = new Uint8Array(this.random.between(1, CHUNK)).map(() => this.random.next());
    must("send", node.host.send(handle, data));
  }

  private listening(): Victim {
    const peerPort = this.random.between(1024, 65535);
    const victim = { state: "LISTEN", target: -1, peer: -1, targetPort: this.port, peerPort };
    return this.check(victim, this.listener, TCP_LISTEN);
  }

  private synSent(): Victim {
    const { target, peer } = this.lan;
    const handle = openStream(target);
    const peerPort = this.random.between(1024, 65535);
    target.host.setEndpoint({ ip: peer.ip, port: peerPort });
    const done = target.host.doors.socketConnect(handle, target.host.now);
    if (done !== -EINPROGRESS) fail(`the target's connect answered ${done}`);
    const victim = {
      state: "SYN_SENT",
      target: handle,
      peer: -1,
      targetPort: localPort(target, handle),
      peerPort,
    };
    this.block(victim, true, true);
    this.lan.pump();
    return this.check(victim, handle, TCP_SYN_SENT);
  }

  private synReceived(): Victim {
    const victim = { ...this.call(), state: "SYN_RECEIVED" };
    this.block(victim, true, false);
    this.lan.pump();
    const { fromTarget } = this.lan.flow(victim.targetPort, victim.peerPort);
    if (fromTarget.length === 0) fail("the target did not answer a SYN");
    return victim;
  }

  private established(): Victim {
    const victim = this.pair("ESTABLISHED");
    return this.check(victim, victim.target, TCP_ESTABLISHED);
  }

  /** Established, with data in flight and unread both ways. */
  private busy(): Victim {
    const victim = this.pair("ESTABLISHED with data");
    this.send(this.lan.peer, victim.peer);
    this.lan.pump();
    this.block(victim, true, false);
    this.send(this.lan.target, victim.target);
    this.send(this.lan.peer, victim.peer);
    this.lan.pump();
    return this.check(victim, victim.target, TCP_ESTABLISHED);
  }

  /** Established, with a gap in what the target received, and one in what it was told has arrived. */
  private gapped(): Victim {
    const victim = this.pair("ESTABLISHED with gaps");
    this.block(victim, true, true);
    this.send(this.lan.peer, victim.peer);
    this.send(this.lan.target, victim.target);
    this.lan.pump();
    this.block(victim, false, false);
    this.send(this.lan.peer, victim.peer);
    this.send(this.lan.target, victim.target);
    this.lan.pump();
    this.block(victim, true, true);
    return this.check(victim, victim.target, TCP_ESTABLISHED);
  }

  private finWait1(): Victim {
    const victim = this.pair("FIN_WAIT_1");
    this.block(victim, true, false);
    this.send(this.lan.target, victim.target);
    this.shutdown(this.lan.target, victim.target);
    this.lan.pump();
    return this.check(victim, victim.target, TCP_FIN_WAIT1);
  }

  private finWait2(): Victim {
    const victim = this.pair("FIN_WAIT_2");
    this.shutdown(this.lan.target, victim.target);
    this.lan.pump();
    return this.check(victim, victim.target, TCP_FIN_WAIT2);
  }

  private closing(): Victim {
    const victim = this.pair("CLOSING");
    this.block(victim, true, false);
    this.shutdown(this.lan.target, victim.target);
    this.lan.pump();
    this.shutdown(this.lan.peer, victim.peer);
    this.lan.pump();
    return this.check(victim, victim.target, TCP_CLOSING);
  }

  private timeWait(): Victim {
    const victim = this.pair("TIME_WAIT");
    this.shutdown(this.lan.target, victim.target);
    this.lan.pump();
    this.shutdown(this.lan.peer, victim.peer);
    this.lan.pump();
    return this.check(victim, victim.target, TCP_TIME_WAIT);
  }

  private closeWait(): Victim {
    const victim = this.pair("CLOSE_WAIT");
    this.shutdown(this.lan.peer, victim.peer);
    this.lan.pump();
    return this.check(victim, victim.target, TCP_CLOSE_WAIT);
  }

  private lastAck(): Victim {
    const victim = this.pair("LAST_ACK");
    this.shutdown(this.lan.peer, victim.peer);
    this.lan.pump();
    this.block(victim, true, false);
    this.shutdown(this.lan.target, victim.target);
    this.lan.pump();
    return this.check(victim, victim.target, TCP_LAST_ACK);
  }
}
