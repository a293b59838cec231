import { PORTS_MAX } from "../memory/map";
import { port } from "../memory/port";
import { root } from "../memory/root";

/**
 * Takes a free port: `flags` are PortFlag, `mtu` the largest IP packet, `mac` the hardware address or 0 while
 * it has none, `segmentationMax` the payload bytes of a super-frame. Its number, or -1.
 */
export function portTake(flags: u32, mtu: u32, mac: u64, segmentationMax: u32): i32 {
  const r = root();
  let id: u32 = 0;
  while (id < r.ports && port(id).open != 0) id++;
  if (id >= PORTS_MAX) return -1;
  if (id == r.ports) r.ports++;
  const p = port(id);
  p.id = id;
  p.open = 1;
  p.flags = flags;
  p.mtu = mtu;
  p.mac = mac;
  p.linkUp = mac != 0 ? 1 : 0;
  p.segmentationMax = segmentationMax;
  p.txHead = 0;
  p.txTail = 0;
  p.ring = 0;
  p.peer = 0;
  return <i32>id;
}
