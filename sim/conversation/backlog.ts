import { Acceptor, type AcceptorPlan } from "../acceptor.js";
import type { Machine } from "../machine.js";
import { Conversation, type World } from "./conversation.js";
import { StreamConversation, type StreamSetting } from "./stream.js";

/**
 * Many clients at once at a listener that accepts slowly and lets few wait: the backlog overflows, cookies
 * are sent.
 */
export class BacklogConversation extends Conversation {
  private readonly acceptor: Acceptor;
  private readonly members: StreamConversation[];
  private closed = false;

  constructor(
    name: string,
    world: World,
    server: Machine,
    plan: AcceptorPlan,
    settings: readonly StreamSetting[],
    firstNumber: number,
  ) {
    super(name, world);
    this.acceptor = new Acceptor(server, plan);
    this.members = settings.map(
      (setting, i) => new StreamConversation(`${name}.${i}`, world, setting, firstNumber + i, this.acceptor),
    );
  }

  start(): void {
    this.acceptor.machine.later(0, () => this.acceptor.open());
    for (const member of this.members) member.start();
  }

  isDone(): boolean {
    if (!this.members.every((member) => member.isDone())) return false;
    if (!this.closed) {
      this.closed = true;
      this.acceptor.machine.later(0, () => this.acceptor.close());
    }
    return true;
  }

  describe(): string {
    const open = this.members.filter((member) => !member.isDone());
    const list = open.map((member) => member.describe()).join("; ");
    return `${open.length} of ${this.members.length} open: ${list}`;
  }

  abandon(): void {
    for (const member of this.members) if (!member.isDone()) member.abandon();
    this.acceptor.machine.run(() => this.acceptor.close());
    this.closed = true;
  }
}
