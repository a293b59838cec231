/**
 * Where everything lies in linear memory.
 *
 *   0x00000  never used: a null reference lands here
 *   0x00400  constants of the module (asc --memoryBase)
 *   0x10000  ROOT       one Root struct
 *   0x10800  ADDRESSES  own addresses, reassembly table, identification counters, rate limit
 *   0x11000  COUNTERS   u64 counters, then drop, reset and fallback reasons
 *   0x11800  LATENCIES  histograms of how long things take
 *   0x14000  CALL       the call area: arguments and results that do not fit a register
 *   0x17000  SEGMENT    the TCP segment that is being processed
 *   0x17400  PORT_USES  counters of the ephemeral port choice (RFC 6056)
 *   0x17800  NETWORKS   the kernel's networks
 *   0x17c00  HASH_KEY   the device's hash key
 *   0x18000  POOLS      one Pool header per PoolId
 *   0x18800  SETTINGS   what may be changed while the stack runs
 *   0x18900  INJECTION  frames that are held back on purpose
 *   0x19000  WHEEL      the timer wheel
 *   0x20000  JOURNAL    the last occasions of each reason
 *   0x35000  PORTS      Port structs with their receive and transmit rings
 *   ......   TABLES     hash tables and pools, laid out by create() from the region's size
 *
 * All of it is one relocatable region: no address outside it is ever stored in it.
 */
export const ROOT: usize = 0x10000;
/** link/addresses.ts: own addresses, 8 of 64 bytes. */
export const ADDRESSES: usize = 0x10800;
/** ip/reassembly.ts: 64 references. */
export const REASSEMBLIES: usize = 0x10a00;
/** ip/identification.ts: 256 counters of 32 bits. */
export const IDENTIFICATIONS: usize = 0x10b00;
/** link/rate-limit.ts: one TokenBuckets. */
export const RATE_LIMIT: usize = 0x10f00;
export const COUNTERS: usize = 0x11000;
/** stats/latency.ts: u64 each; a tool reads them together with the counters. */
export const LATENCIES: usize = 0x11800;
export const LATENCIES_END: usize = 0x14000;
export const CALL: usize = 0x14000;
export const SEGMENT: usize = 0x17000;
export const PORT_USES: usize = 0x17400;
/** ip/sides.ts: 128 of 8 bytes. */
export const KERNEL_NETWORKS: usize = 0x17800;
/** link/rss.ts: 64 bytes. */
export const HASH_KEY: usize = 0x17c00;
export const POOLS: usize = 0x18000;
/** memory/settings.ts: u64 each. */
export const SETTINGS: usize = 0x18800;
/** link/inject.ts: one Injection. */
export const INJECTION: usize = 0x18900;
export const WHEEL: usize = 0x19000;
/** stats/journal.ts: JOURNAL_ROWS of JOURNAL_ENTRIES of 96 bytes. */
export const JOURNAL: usize = 0x20000;
export const PORTS: usize = 0x35000;

/** Reasons that the journal has room for, and occasions of each; a power of two. */
export const JOURNAL_ROWS: u32 = 112;
export const JOURNAL_ENTRIES: u32 = 8;

/** "GAZELLE1", the first eight bytes of a region. */
export const REGION_MAGIC: u64 = 0x31454c4c455a4147;
/** Smallest region that create() accepts, in bytes. */
export const REGION_SIZE_MIN: u32 = 4 << 20;

/** Ports of one stack: NIC, kernel device, ltran, same-host peers (DESIGN D5). */
export const PORTS_MAX: u32 = 16;
/** Received frames that the shell may hand over in one call. */
export const RX_BURST: u32 = 64;
/** Frames that wait for the shell to transmit them; a power of two. */
export const TX_RING: u32 = 256;
/** Spans of one frame: one for the headers, the rest payload up to 64 KB. */
export const TX_SPANS: u32 = 36;
/** Bytes of headers in front of a frame's payload: virtio-net, Ethernet, IPv6, TCP with all options. */
export const TX_HEADER: u32 = 136;
/** Bytes of payload in one packet buffer. */
export const BUFFER_SIZE: u32 = 2048;
/** Spans of one send or recv plan: the largest datagram, with its addresses in front, lies in 33 buffers. */
export const CALL_SPANS: u32 = 34;
/** Events that one harvest of a wait set returns at most. */
export const CALL_EVENTS: u32 = 256;
