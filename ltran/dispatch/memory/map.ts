import { PORTS_END } from "../../../stack/memory/port";

/**
 * Where everything lies in the dispatch module's linear memory. ROOT, COUNTERS, CALL and PORTS are where the
 * stack has them, so that the shell's ports (lstack/port) serve both modules.
 *
 *   0x00400  constants of the module (asc --memoryBase)
 *   0x10000  ROOT            one Root struct
 *   0x10800  AGES            lists of flows by age
 *   0x11000  COUNTERS        u64 counters, then drop reasons
 *   0x11800  NICS            what each NIC counts, and how many frames it receives at once
 *   0x14000  CALL            the call area: arguments and results that do not fit a register
 *   0x17000  FRAMES          frames that are being looked at
 *   0x17f00  HEADER_CHAIN    what the headers of an IPv6 packet said
 *   0x18000  POOLS           headers of the pools of flows, listeners and addresses
 *   0x19000  BOND            what a bond remembers of its NICs
 *   0x35000  PORTS           Port structs of NICs with their receive and transmit rings
 *   ......   VPORTS          one Vport struct each
 *   ......   VPORT_COUNTERS  counters and drop reasons of each vport
 *   ......   VPORT_MARKS     which slots of a client-to-server ring wait for the NIC
 *   ......   PAIRS           which vports talk to each other, and which have a ring of their own
 *   ......   TABLES          hash tables and pools, laid out by create() from the region's size
 *
 * Behind `size` the shell maps the NICs' receive rings and the regions of the clients.
 */
export { CALL, COUNTERS, ROOT } from "../../../stack/memory/map";

export const AGES: usize = 0x10800;
/** stats/nic.ts: one for each port. */
export const NICS: usize = 0x11800;
export const NICS_END: usize = 0x14000;
export const FRAMES: usize = 0x17000;
export const HEADER_CHAIN: usize = 0x17f00;
export const POOLS: usize = 0x18000;
export const BOND: usize = 0x19000;

/** Vports there can be: two stacks for each of the most processes that ltran.conf allows. */
export const VPORTS_MAX: u32 = 1024;
/** Bytes of one Vport struct, its ring ends and its senders' shares behind it. */
export const VPORT_STRIDE: usize = 704;
/** Senders that are told apart in a vport's ring, the NIC among them. */
export const VPORT_SHARES: u32 = 16;
/** Bytes of one vport's counters, and where its drop reasons begin in them. */
export const VPORT_COUNTERS_STRIDE: usize = 1024;
export const VPORT_DROPS: usize = 256;
/** Most slots that a client's ring may have. */
export const VPORT_SLOTS_MAX: u32 = 4096;

export const VPORTS: usize = (PORTS_END + 4095) & ~4095;
export const VPORT_COUNTERS: usize = VPORTS + <usize>VPORTS_MAX * VPORT_STRIDE;
export const VPORT_MARKS: usize = VPORT_COUNTERS + <usize>VPORTS_MAX * VPORT_COUNTERS_STRIDE;
export const PAIRS: usize = VPORT_MARKS + <usize>VPORTS_MAX * <usize>VPORT_SLOTS_MAX * 2;
/** Bytes of one vport's bits. */
export const PAIR_ROW: usize = <usize>VPORTS_MAX / 8;
/** Pairs that wait to be introduced. */
export const PAIRS_NEW: u32 = 256;
export const PAIRS_WAITING: usize = PAIRS + 2 * <usize>VPORTS_MAX * PAIR_ROW;
export const TABLES: usize = PAIRS_WAITING + ((<usize>PAIRS_NEW) << 2);

/** Smallest region that create() accepts, in bytes. */
export const DISPATCH_SIZE_MIN: u32 = 16 << 20;
/** Frames of one vport that are taken in one round. */
export const VPORT_BURST: u32 = 32;
/**
 * Bytes that are copied from the front of a client's frame, and looked at: a slot's header area but a VLAN
 * tag.
 */
export const HEAD_MAX: u32 = 122;
