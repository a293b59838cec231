import { StackHost } from "./host.js";

/**
 * Instances of the stack that runs share one after the other: making one costs far more than restarting one.
 */
export class HostPool {
  private readonly free = new Map<number, StackHost[]>();

  /** `instances`: see HostOptions. */
  constructor(private readonly instances = 1) {}

  /** A host with a region of `size` bytes, in whatever state: restart it. */
  take(size: number): StackHost {
    return this.free.get(size)?.pop() ?? new StackHost({ size, instances: this.instances });
  }

  /** Gives a host back; one that trapped or misbehaved (`sound` false) is thrown away. */
  giveBack(host: StackHost, sound: boolean): void {
    if (!sound) return;
    const list = this.free.get(host.size);
    if (list === undefined) this.free.set(host.size, [host]);
    else list.push(host);
  }
}
