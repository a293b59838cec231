import { EAGAIN, EINPROGRESS } from "../../build/generated/node/system.js";
import { fail } from "../failure.js";
import { Pattern } from "../pattern.js";
import type { Random } from "../random.js";
import { type FuzzLan, must, openStream } from "./lan.js";

const PORT = 7;
const EXCHANGE_MAX = 4000;
/** Virtual time within which an exchange must be over, and the steps in which it is waited for. */
const PATIENCE = 20_000_000;
const WAIT = 10_000;

/** A connection that nobody attacks: it must go on whatever happens to the others on the same stack. */
export class Bystander {
  private readonly pattern: Pattern;
  private readonly client: number;
  private readonly server: number;
  private position = 0;
  /** Bytes that went there and back, verified. */
  verified = 0;

  constructor(
    private readonly lan: FuzzLan,
    private readonly random: Random,
  ) {
    this.pattern = new Pattern(random);
    const { target, bystander } = lan;
    const listener = openStream(target);
    target.host.setEndpoint({ ip: target.ip, port: PORT });
    must("bind", target.host.doors.socketBind(listener));
    must("listen", target.host.doors.socketListen(listener, 1));
    this.client = openStream(bystander);
    bystander.host.setEndpoint({ ip: target.ip, port: PORT });
    const done = bystander.host.doors.socketConnect(this.client, bystander.host.now);
    if (done !== -EINPROGRESS) fail(`the bystander's connect answered ${done}`);
    lan.pump();
    this.server = must("accept", target.host.doors.socketAccept(listener, target.host.now));
    must("close", target.host.doors.socketClose(listener, target.host.now));
  }

  /** Sends some bytes, has them sent back, and compares. */
  exchange(): void {
    const length = this.random.between(1, EXCHANGE_MAX);
    const { lan, client, server } = this;
    const deadline = lan.now + PATIENCE;
    let sent = 0;
    let echoed = 0;
    let returned = 0;
    while (returned < length) {
      sent += this.transfer(client, this.position + sent, length - sent);
      lan.pump();
      const arrived = this.receive(lan.target.host, server, this.position + echoed);
      echoed += arrived;
      if (arrived > 0) this.sendBack(echoed - arrived, arrived);
      lan.pump();
      returned += this.receive(lan.bystander.host, client, this.position + returned);
      if (returned < length) lan.advance(WAIT);
      if (lan.now > deadline)
        fail(`the bystander waits: ${sent} sent, ${echoed} echoed, ${returned} of ${length} back`);
    }
    this.position += length;
    this.verified += length;
  }

  private transfer(handle: number, position: number, length: number): number {
    if (length === 0) return 0;
    const taken = this.lan.bystander.host.send(handle, this.pattern.slice(position, length));
    if (taken < 0 && taken !== -EAGAIN) fail(`the bystander's send answered ${taken}`);
    return Math.max(0, taken);
  }

  private sendBack(from: number, length: number): void {
    for (let done = 0; done < length; ) {
      const data = this.pattern.slice(this.position + from + done, length - done);
      const taken = this.lan.target.host.send(this.server, data);
      if (taken < 0 && taken !== -EAGAIN) fail(`the echo's send answered ${taken}`);
      done += Math.max(0, taken);
      if (done < length) this.lan.advance(WAIT);
    }
  }

  private receive(host: FuzzLan["target"]["host"], handle: number, position: number): number {
    const data = host.recv(handle, 65536);
    if (typeof data === "number") {
      if (data !== -EAGAIN) fail(`the bystander's connection died with ${data}`);
      return 0;
    }
    if (data.length === 0) fail("the bystander's connection ended");
    if (!this.pattern.matches(position, data)) fail("the bystander received wrong bytes");
    return data.length;
  }

  /** Closes both ends. */
  close(): void {
    const { lan } = this;
    must("close", lan.bystander.host.doors.socketClose(this.client, lan.bystander.host.now));
    must("close", lan.target.host.doors.socketClose(this.server, lan.target.host.now));
  }
}
