/**
 * What a client tells ltran about its sockets, in band: frames in the client-to-server ring, so that each
 * comes before the packets that follow from it. The struct stands behind the Ethernet header.
 */

/** IEEE 802 local experimental EtherType 1 (RFC 9542, section 3): never forwarded. A number, not bytes. */
export const ANNOUNCEMENT_ETHERTYPE: u16 = 0x88b5;
export const ANNOUNCEMENT_MAGIC: u16 = 0x415a;
export const ANNOUNCEMENT_VERSION: u8 = 1;

/** What is announced. */
export enum AnnouncementKind {
  none,
  /** A TCP listener on the local endpoint. */
  listen,
  unlisten,
  /** A datagram socket bound to the local endpoint. */
  bind,
  unbind,
  /** A connection that exists already: after registering with another ltran. */
  flow,
  /** The state of a connection is gone. */
  flowGone,
  /** Everything that existed before registering was announced. */
  done,
  /** A listener that was announced has another backlog. */
  backlog,
}

/**
 * One announcement. Addresses are 16 bytes (IPv4 as ::ffff:a.b.c.d) in network byte order, zeros mean any;
 * ports and sequence numbers are numbers.
 */
@unmanaged
export class Announcement {
  magic: u16;
  version: u8;
  kind: u8;
  /** 6 TCP, 17 UDP. */
  protocol: u8;
  flags: u8;
  localPort: u16;
  remotePort: u16;
  reserved: u16;
  /** Of a listener. */
  backlog: u32;
  localHigh: u64;
  localLow: u64;
  remoteHigh: u64;
  remoteLow: u64;
  /** Of a connection, for resets in its name. */
  sndNxt: u32;
  rcvNxt: u32;
}

export const ANNOUNCEMENT_SIZE: u32 = <u32>offsetof<Announcement>();

/** An empty announcement of a kind at `address`. */
export function announcementBegin(address: usize, kind: AnnouncementKind): Announcement {
  memory.fill(address, 0, ANNOUNCEMENT_SIZE);
  const announcement = changetype<Announcement>(address);
  announcement.magic = ANNOUNCEMENT_MAGIC;
  announcement.version = ANNOUNCEMENT_VERSION;
  announcement.kind = <u8>kind;
  return announcement;
}

/**
 * The announcement in `length` bytes behind an Ethernet header, a copy that nobody else can reach; null (0)
 * when there is none that this version knows.
 */
export function announcementAt(address: usize, length: u32): Announcement {
  const announcement = changetype<Announcement>(address);
  const isOne =
    length >= ANNOUNCEMENT_SIZE &&
    announcement.magic == ANNOUNCEMENT_MAGIC &&
    announcement.version == ANNOUNCEMENT_VERSION &&
    announcement.kind != 0 &&
    <i32>announcement.kind <= AnnouncementKind.backlog;
  return changetype<Announcement>(isOne ? address : 0);
}
