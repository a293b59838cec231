/** The MTU of the bond's devices while ltran runs, and theirs before it. */
import { readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { errorName, type Native } from "./native.js";
import type { Place } from "./place.js";

/** A device whose MTU ltran has changed. */
interface Changed {
  device: string;
  /** Network namespace that the device is in, as /proc names it. */
  network: string;
  before: number;
  applied: number;
}

function readChanged(path: string): Changed[] {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Changed[];
  } catch {
    // There is no such file as a rule; one that was cut off by a crash names nothing that is certain.
    return [];
  }
}

/**
 * Sets the MTU of devices, and gives them theirs back. What was changed stands in a file beside the sockets
 * before it is changed, so that the next ltran knows it when this one is killed.
 */
export class DeviceMtus {
  readonly #native: Pick<Native, "deviceMtu">;
  readonly #path: string;
  readonly #network = readlinkSync("/proc/self/ns/net");
  #changed: Changed[] = [];

  constructor(native: Pick<Native, "deviceMtu">, place: Pick<Place, "mtus">) {
    this.#native = native;
    this.#path = place.mtus;
  }

  /** Restores what a killed ltran left, then sets every device to `mtu`. @throws Error with the remedy. */
  apply(devices: readonly string[], mtu: number): void {
    this.#changed = readChanged(this.#path).filter(({ network }) => network === this.#network);
    this.restore();
    for (const device of devices) this.#set(device, mtu);
  }

  #set(device: string, mtu: number): void {
    const before = this.#native.deviceMtu(device, 0);
    // A device that is not there is complained of by whoever opens it.
    if (before < 0 || before === mtu) return;
    this.#changed.push({ device, network: this.#network, before, applied: mtu });
    writeFileSync(this.#path, JSON.stringify(this.#changed), { mode: 0o600 });
    const answer = this.#native.deviceMtu(device, mtu);
    if (answer === mtu) return;
    this.#changed.pop();
    const reason = answer < 0 ? errorName(answer) : `it stays ${answer}`;
    throw new Error(
      `${device}: cannot set its MTU, which is ${before}, to ${mtu} (${reason}); ` +
        "run with CAP_NET_ADMIN, or set bond_mtu to what the device has or can have",
    );
  }

  /** Gives every device the MTU that it had, unless somebody else has changed it since. */
  restore(): void {
    for (const { device, before, applied } of this.#changed) {
      if (this.#native.deviceMtu(device, 0) === applied) this.#native.deviceMtu(device, before);
    }
    this.#changed = [];
    rmSync(this.#path, { force: true });
  }
}
