import type { Link } from "./link.js";
import { flowOf, parseIpv4 } from "./wire/frame.js";

/** A switch port: the hardware address behind it (02:00:00:00:00:xx) and the link towards it. */
interface SwitchPort {
  address: number;
  link: Link;
}

/** Told of a frame at a host's egress or at the switch: its fate, and the virtual time in microseconds. */
export type FrameObserver = (place: string, frame: Uint8Array, fate: string, time: number) => void;

/**
 * An Ethernet switch that knows where everybody is; groups and strangers' addresses go to every other port.
 */
export class Switch {
  private readonly ports: SwitchPort[] = [];
  private readonly blocked = new Set<string>();

  constructor(private readonly observe: (place: string, frame: Uint8Array, fate: string) => void) {}

  /** Adds a port; answers its number. */
  addPort(address: number, link: Link): number {
    this.ports.push({ address, link });
    return this.ports.length - 1;
  }

  /** Lets no frame of a flow through from now on, as if the path had died. */
  block(flow: string): void {
    this.blocked.add(flow);
  }

  /** A frame has arrived at port `from`. */
  forward(from: number, frame: Uint8Array): void {
    if (this.blocked.size > 0 && this.isBlocked(frame)) {
      this.observe("switch", frame, "path is dead");
      return;
    }
    const group = ((frame[0] ?? 0) & 1) !== 0;
    const address = frame[0] === 2 ? (frame[5] ?? 0) : -1;
    const target = group ? -1 : this.ports.findIndex((port) => port.address === address);
    this.ports.forEach((port, i) => {
      if (i === from || (target >= 0 && i !== target)) return;
      const fate = port.link.send(frame);
      if (fate !== "") this.observe(`switch>h${i + 1}`, frame, fate);
    });
  }

  private isBlocked(frame: Uint8Array): boolean {
    const ip = parseIpv4(frame);
    const flow = ip === undefined ? undefined : flowOf(frame, ip);
    return flow !== undefined && this.blocked.has(flow);
  }
}
