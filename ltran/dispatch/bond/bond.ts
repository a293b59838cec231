import { BOND } from "../memory/map";
import { networkBond } from "../tables/network";

/** NICs that are one; each is in one bond. */
@unmanaged
export class Bond {
  id: u32;
  /** Its NICs: the number of the first, and how many follow each other. */
  first: u32;
  nics: u32;
  /** The NIC that transmits and receives, the first one of several. */
  activeNic: u32;
  /** How many NICs frames are spread over (0: the active one has all); nothing may be sent now. */
  spread: u32;
  isSilent: u32;
  /** When LACP has something to do; system and key of the partner whose links are in use, 0: none. */
  next: u64;
  lacpPartner: u64;
  lacpKey: u32;
  /** Addresses still to be announced after a change of the active NIC, and rounds of it. */
  announceNext: u32;
  announceRounds: u32;
  announceAt: u64;
}

/** Most bonds: as many as NICs that ltran.conf can name. */
export const BONDS_MOST: u32 = 8;
/** Behind the members and the places of those that frames are spread over. */
const BONDS: usize = BOND + 0x2000;
const STRIDE: usize = 128;

/** Bond number `id`. */
export function bond(id: u32): Bond {
  assert(id < BONDS_MOST && offsetof<Bond>() <= STRIDE);
  return changetype<Bond>(BONDS + <usize>id * STRIDE);
}

/** The bond by which a network is reached. */
export function bondOf(network: u32): Bond {
  return bond(networkBond(network));
}
