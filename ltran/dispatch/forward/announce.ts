import { Announcement, AnnouncementKind, announcementAt } from "../../../ring/announcement";
import { isAnyAddress } from "../../../stack/wire/address";
import { ETHERNET_HEADER } from "../../../stack/wire/ethernet";
import { PROTOCOL_TCP, PROTOCOL_UDP } from "../../../stack/wire/ipv4";
import { Counter, count, countVport, VportCounter } from "../stats/counters";
import { Address } from "../tables/address";
import { connectionConfirm, connectionCount, connectionEnd } from "../tables/connection";
import { Flow, FlowFlag, FlowState, flowFind, flowMake, flowSet } from "../tables/flow";
import { listenerAdd, listenerOf, listenerTidy } from "../tables/listener";
import { Vport, VportState, vport } from "../tables/vport";
import { Frame } from "./frame";

function unlisten(v: Vport, protocol: u8, port: u16): bool {
  const l = listenerOf(v, changetype<Address>(v.address), protocol, port);
  if (changetype<usize>(l) == 0 || l.holders == 0) return false;
  l.holders--;
  listenerTidy(l);
  return true;
}

/** A listener has been given another backlog. */
function relisten(v: Vport, port: u16, backlog: u32): bool {
  const l = listenerOf(v, changetype<Address>(v.address), PROTOCOL_TCP, port);
  if (changetype<usize>(l) == 0 || l.holders == 0) return false;
  l.backlog = backlog;
  return true;
}

function flowOf(v: Vport, at: Announcement): Flow {
  const a = changetype<Address>(v.address);
  return flowFind(a, at.protocol, at.localPort, at.remoteHigh, at.remoteLow, at.remotePort);
}

/** A connection from before the vport was registered here. */
function takeBack(v: Vport, at: Announcement): bool {
  let flow = flowOf(v, at);
  if (changetype<usize>(flow) != 0 && <u32>flow.owner != v.id) {
    // What another vport has is not given away, unless that one is gone.
    if (vport(flow.owner).state == VportState.open) return false;
    connectionEnd(flow);
    flow = changetype<Flow>(0);
  }
  if (changetype<usize>(flow) == 0) {
    const state = FlowState.unconfirmed;
    flow = flowMake(v, at.protocol, at.localPort, at.remoteHigh, at.remoteLow, at.remotePort, state);
    if (changetype<usize>(flow) == 0) return false;
    connectionCount(flow);
  }
  flow.sndNxt = at.sndNxt;
  flow.rcvNxt = at.rcvNxt;
  flowSet(flow, FlowFlag.answered);
  connectionConfirm(flow, v);
  return true;
}

function forget(v: Vport, at: Announcement): bool {
  const flow = flowOf(v, at);
  // It may have gone already, or belong to another vport by now.
  if (changetype<usize>(flow) != 0 && <u32>flow.owner == v.id) connectionEnd(flow);
  return true;
}

/** Whether an announcement is about the vport's own address, which zeros stand for, too. */
function isOwn(v: Vport, at: Announcement): bool {
  const a = changetype<Address>(v.address);
  return (at.localHigh == a.high && at.localLow == a.low) || isAnyAddress(at.localHigh, at.localLow);
}

function accept(v: Vport, at: Announcement): bool {
  const isTcp = at.protocol == PROTOCOL_TCP;
  switch (at.kind) {
    case <u8>AnnouncementKind.listen:
      return isTcp && isOwn(v, at) && listenerAdd(v, PROTOCOL_TCP, at.localPort, at.backlog);
    case <u8>AnnouncementKind.unlisten:
      return unlisten(v, PROTOCOL_TCP, at.localPort);
    case <u8>AnnouncementKind.bind:
      return at.protocol == PROTOCOL_UDP && isOwn(v, at) && listenerAdd(v, PROTOCOL_UDP, at.localPort, 0);
    case <u8>AnnouncementKind.unbind:
      return unlisten(v, PROTOCOL_UDP, at.localPort);
    case <u8>AnnouncementKind.flow:
      return isTcp && isOwn(v, at) && takeBack(v, at);
    case <u8>AnnouncementKind.flowGone:
      return forget(v, at);
    case <u8>AnnouncementKind.backlog:
      return isTcp && relisten(v, at.localPort, at.backlog);
    default:
      v.returningUntil = 0;
      return true;
  }
}

/** A frame in which a vport says something about its sockets. */
export function announcementInput(v: Vport, f: Frame): void {
  const at = announcementAt(f.head + ETHERNET_HEADER, f.headLength - ETHERNET_HEADER);
  count(Counter.announcements);
  countVport(v, VportCounter.announced, 1);
  const isGood = changetype<usize>(at) != 0 && v.announces != 0 && accept(v, at);
  if (!isGood) count(Counter.announcementsRefused);
}
