import * as layout from "../build/generated/node/layout.js";
import type { Frame, ReceivedFrame, StackHost } from "./host.js";
import { checksumsGood, isFragment, parseIpv4 } from "./wire/frame.js";
import { finish, readVirtioHeader, type Unfinished, withVirtioHeader } from "./wire/segmentation.js";

/** What the simulated network interface of a host does for its stack. */
export interface NicSettings {
  /** PortFlag bits that the port was opened with. */
  flags: number;
  /** Payload bytes that one super-frame may carry; 0 without segmentation. */
  segmentationMax: number;
  /** Longest time that an arrived frame waits for others before the host is interrupted, in microseconds. */
  coalesce: number;
  /** Frames taken from the transmit ring while the wire is busy for `txBusyMax` microseconds or less. */
  txBusyMax: number;
}

/** An interface that does nothing but carry frames. */
export const PLAIN_NIC: NicSettings = {
  flags: 0,
  segmentationMax: 0,
  coalesce: 0,
  txBusyMax: Number.POSITIVE_INFINITY,
};

/** The frame that a stack asked its port to transmit, as the port understands it. */
function unfinished(frame: Frame, host: StackHost): Unfinished {
  return host.vnet > 0 ? readVirtioHeader(frame.bytes, host.vnet) : frame;
}

/**
 * The frames that go on the wire for one frame of the transmit ring. Throws when the stack broke the port's
 * contract.
 */
export function wireFrames(frame: Frame, host: StackHost, settings: NicSettings, mtu: number): Uint8Array[] {
  const work = unfinished(frame, host);
  if (work.checksumStart > 0 && (settings.flags & layout.PORT_FLAG_TX_CHECKSUM) === 0) {
    throw new Error("checksum left to a port that computes none");
  }
  if (work.segmentSize > 0 && (settings.flags & layout.PORT_FLAG_SEGMENTATION) === 0) {
    throw new Error("super-frame on a port that cuts none");
  }
  const frames = finish(work);
  for (const bytes of frames) {
    if (bytes.length > mtu + 14)
      throw new Error(`a frame of ${bytes.length} bytes on a link with MTU ${mtu}`);
  }
  return frames;
}

/** What the stack of a host gets to see of a frame that arrived. */
export function receivedFrame(bytes: Uint8Array, host: StackHost, settings: NicSettings): ReceivedFrame {
  const checks = (settings.flags & layout.PORT_FLAG_RX_CHECKSUM) !== 0;
  const ip = checks || host.vnet > 0 ? parseIpv4(bytes) : undefined;
  const good = checks && ip !== undefined && checksumsGood(bytes, ip);
  if (host.vnet > 0) {
    const plain = { bytes, segmentSize: 0, checksumStart: 0, checksumOffset: 0 };
    return { bytes: withVirtioHeader(plain, host.vnet, good), flags: 0 };
  }
  if (good) return { bytes, flags: layout.RX_FLAG_CHECKSUM_GOOD };
  const bad = checks && ip !== undefined && !isFragment(ip) && (ip.protocol === 6 || ip.protocol === 17);
  return { bytes, flags: bad ? layout.RX_FLAG_CHECKSUM_BAD : 0 };
}
