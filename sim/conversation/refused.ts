import {
  ECONNREFUSED,
  EHOSTUNREACH,
  EINPROGRESS,
  EPOLLERR,
  EPOLLHUP,
  EPOLLOUT,
  ETIMEDOUT,
  SOCK_STREAM,
} from "../../build/generated/node/system.js";
import type { Machine } from "../machine.js";
import { Conversation, type World } from "./conversation.js";

/** A connect that must fail: to a port where nobody listens, or to an address that nobody has. */
export class RefusedConversation extends Conversation {
  private handle = -1;
  private key = 0;
  private finished = false;

  constructor(
    name: string,
    world: World,
    private readonly client: Machine,
    private readonly to: string,
    private readonly startAt: number,
    private readonly nobodyThere: boolean,
  ) {
    super(name, world);
  }

  start(): void {
    const { client } = this;
    client.later(this.startAt, () => {
      this.handle = client.host.doors.socketOpen(4, SOCK_STREAM);
      if (this.handle < 0) this.broken(`no socket: ${this.handle}`);
      const done = client.connect(this.handle, { ip: this.to, port: this.world.freePort() });
      if (done !== -EINPROGRESS) this.broken(`connect answered ${done}`);
      this.key = client.watch(this.handle, EPOLLOUT, (events) => this.ready(events));
    });
  }

  private ready(events: number): void {
    const error = this.client.host.doors.socketError(this.handle);
    const allowed = this.nobodyThere ? [EHOSTUNREACH, ETIMEDOUT] : [ECONNREFUSED];
    if (!this.world.tolerant) {
      if (!allowed.includes(error)) this.broken(`connect failed with errno ${error}`);
      if ((events & (EPOLLERR | EPOLLHUP)) === 0) this.broken(`the error came with events ${events}`);
    }
    this.finish();
  }

  private finish(): void {
    if (this.finished) return;
    this.finished = true;
    this.world.progress(0);
    if (this.handle < 0) return;
    this.client.forget(this.key);
    this.client.host.doors.socketClose(this.handle, this.client.host.now);
  }

  isDone(): boolean {
    return this.finished;
  }

  describe(): string {
    return `connect from ${this.client.settings.name} to ${this.to}, ${this.finished ? "done" : "under way"}`;
  }

  abandon(): void {
    this.client.run(() => this.finish());
  }
}
