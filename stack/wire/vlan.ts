import { loadBig16, storeBig16 } from "./bytes";

/** Bytes of a VLAN tag, which stands between the addresses and the type of a frame (IEEE 802.1Q, 9.3). */
export const VLAN_TAG: u32 = 4;
/** The tag's own EtherType (IEEE 802.1Q, table 9-1). */
export const ETHERTYPE_VLAN: u16 = 0x8100;
/** Numbers of VLANs: 0 says that there is none, only a priority; 4095 is reserved. */
const ID: u32 = 0xfff;
/** Bytes of both hardware addresses. */
const ADDRESSES: u32 = 12;

/** The VLAN in a tag's control information (priority, drop eligibility, number); 0: none. */
export function vlanOf(control: u32): u32 {
  return control & ID;
}

/** The VLAN that the tag of a frame names. */
export function vlanOfFrame(frame: usize): u32 {
  return vlanOf(loadBig16(frame + ADDRESSES + 2));
}

/** Takes the tag out of a frame; answers where the frame begins then. */
export function vlanRemove(frame: usize): usize {
  memory.copy(frame + VLAN_TAG, frame, ADDRESSES);
  return frame + VLAN_TAG;
}

/** Copies `length` bytes from the front of an untagged frame to `to`, with a tag of priority 0 put in. */
export function vlanCopy(to: usize, frame: usize, length: u32, vlan: u32): void {
  memory.copy(to, frame, ADDRESSES);
  storeBig16(to + ADDRESSES, ETHERTYPE_VLAN);
  storeBig16(to + ADDRESSES + 2, <u16>vlan);
  memory.copy(to + ADDRESSES + VLAN_TAG, frame + ADDRESSES, length - ADDRESSES);
}
