import { CALL_OPTION } from "../../../stack/memory/call";

/** Who a vport may be, in the call area of vportOpen(). */
@unmanaged
export class Identity {
  /** Hardware address, in the low 48 bits, first byte lowest. */
  mac: u64;
  /** Address, 16 bytes in network byte order. */
  high: u64;
  low: u64;
  /** Tells processes apart; the same for every stack of one. */
  key: u64;
  stackIndex: u32;
  /** RegistrationFeature bits. */
  features: u32;
  /** Offset of the client-to-server and of the server-to-client ring in the region. */
  takeRing: u32;
  putRing: u32;
  /** Slots of each ring. */
  slots: u32;
  /** VLAN that it belongs to; 0: untagged frames. */
  vlan: u32;
  /** Number of its bond. */
  bond: u32;
}

export const IDENTITY: usize = CALL_OPTION;

/** The identity that the call is about. */
export function identity(): Identity {
  return changetype<Identity>(IDENTITY);
}
