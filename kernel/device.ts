import {
  AF_INET,
  AF_INET6,
  FR_ACT_TO_TBL,
  FRA_PRIORITY,
  FRA_SRC,
  FRA_TABLE,
  IFA_ADDRESS,
  IFA_LOCAL,
  IFF_UP,
  IFLA_ADDRESS,
  IFLA_AF_SPEC,
  IFLA_INET6_ADDR_GEN_MODE,
  IFLA_MTU,
  IN6_ADDR_GEN_MODE_NONE,
  NLM_F_APPEND,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
  RTA_DST,
  RTA_GATEWAY,
  RTA_OIF,
  RTA_PREFSRC,
  RTA_PRIORITY,
  RTA_TABLE,
  RTM_DELADDR,
  RTM_DELROUTE,
  RTM_DELRULE,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  RTM_NEWRULE,
  RTN_UNICAST,
  RTNH_F_ONLINK,
  RTPROT_STATIC,
} from "../build/generated/system";
import {
  attribute,
  attribute8,
  attribute32,
  messageAcknowledge,
  messageBegin,
  messageEnd,
  nestBegin,
  nestEnd,
} from "./netlink";
import { kernelRequest } from "./request";

/**
 * The kernel's side of a shared address (rtnetlink(7)): its device, the address on it, and routes, so that
 * the kernel answers by way of the device what came by it, whatever other interfaces of it lead to the same
 * network.
 */

/** Bytes of struct ifinfomsg, ifaddrmsg, rtmsg, fib_rule_hdr. */
const LINK_HEADER: u32 = 16;
const ADDRESS_HEADER: u32 = 8;
const ROUTE_HEADER: u32 = 12;
const RULE_HEADER: u32 = 12;
const IPV4_BITS: u8 = 32;
/** Behind every route of interfaces that were there before: an interface of the kernel's is preferred. */
const METRIC: u32 = 0x10000;
/** Rules with smaller numbers, the administrator's, come first; those of main and default later. */
const RULE_PRIORITY: u32 = 30000;

/** The device gets no address of IPv6 by itself: another interface with its hardware address has the same. */
export function deviceWithoutIpv6(): void {
  const header = messageBegin(RTM_NEWLINK, 0, LINK_HEADER);
  store<u32>(header, kernelRequest().interfaceIndex, 4);
  const families = nestBegin(IFLA_AF_SPEC);
  const ipv6 = nestBegin(AF_INET6);
  attribute8(IFLA_INET6_ADDR_GEN_MODE, <u8>IN6_ADDR_GEN_MODE_NONE);
  nestEnd(ipv6);
  nestEnd(families);
  messageAcknowledge(header);
  messageEnd(header);
}

/** Hardware address and MTU of the device; then it is up. */
export function deviceUp(): void {
  const r = kernelRequest();
  const header = messageBegin(RTM_NEWLINK, 0, LINK_HEADER);
  store<u32>(header, r.interfaceIndex, 4);
  store<u32>(header, IFF_UP, 8);
  store<u32>(header, IFF_UP, 12);
  const mac = attribute(IFLA_ADDRESS, 6);
  store<u32>(mac, <u32>r.mac);
  store<u16>(mac, <u16>(r.mac >> 32), 4);
  attribute32(IFLA_MTU, r.mtu);
  messageAcknowledge(header);
  messageEnd(header);
}

function addressMessage(type: u32, flags: u32): void {
  const r = kernelRequest();
  const header = messageBegin(type, flags, ADDRESS_HEADER);
  store<u8>(header, <u8>AF_INET);
  // One of a network would bring a route of its own, and the first of several would take the others along.
  store<u8>(header, IPV4_BITS, 1);
  store<u32>(header, r.interfaceIndex, 4);
  attribute32(IFA_LOCAL, r.address);
  attribute32(IFA_ADDRESS, r.address);
  messageAcknowledge(header);
  messageEnd(header);
}

/** Gives the device the address, by itself. */
export function addressAdd(): void {
  addressMessage(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
}

/** Takes the address from the device; routes of the main table with it as their source go, too. */
export function addressRemove(): void {
  addressMessage(RTM_DELADDR, 0);
}

/** The network's address, as it stands in memory. */
function network(): u32 {
  const r = kernelRequest();
  const mask: u32 = r.prefixLength == 0 ? 0 : ~(<u32>0) << (32 - min<u32>(r.prefixLength, 32));
  return r.address & bswap<u32>(mask);
}

/** A route over the device to the address' network, or by way of `gateway` to everything else. */
function routeMessage(type: u32, flags: u32, table: u32, gateway: u32): void {
  const r = kernelRequest();
  const header = messageBegin(type, flags, ROUTE_HEADER);
  store<u8>(header, <u8>AF_INET);
  store<u8>(header, gateway == 0 ? <u8>r.prefixLength : 0, 1);
  store<u8>(header, <u8>RT_TABLE_UNSPEC, 4);
  store<u8>(header, <u8>RTPROT_STATIC, 5);
  store<u8>(header, <u8>(gateway == 0 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE), 6);
  store<u8>(header, <u8>RTN_UNICAST, 7);
  if (gateway == 0) attribute32(RTA_DST, network());
  else attribute32(RTA_GATEWAY, gateway);
  // The gateway is found over the device even if a route over another interface leads to it.
  if (gateway != 0) store<u32>(header, RTNH_F_ONLINK, 8);
  attribute32(RTA_OIF, r.interfaceIndex);
  attribute32(RTA_TABLE, table);
  attribute32(RTA_PREFSRC, r.address);
  if (table == <u32>RT_TABLE_MAIN) attribute32(RTA_PRIORITY, METRIC);
  messageAcknowledge(header);
  messageEnd(header);
}

/** The table of routes for what the address sends: its own, by its number. */
function ownTable(): u32 {
  return bswap<u32>(kernelRequest().address);
}

/** How the kernel's own programs reach the network, unless it has another way. */
export function routeAdd(): void {
  routeMessage(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, RT_TABLE_MAIN, 0);
}

/** How what bears the address as its source reaches the network. */
export function ownRouteAdd(): void {
  routeMessage(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, ownTable(), 0);
}

/** And everything behind the gateway, if there is one. */
export function ownGatewayAdd(): void {
  const gateway = kernelRequest().gateway;
  if (gateway != 0) routeMessage(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, ownTable(), gateway);
}

/** Takes the first of these routes away; the second one is taken away by ownGatewayRemove(). */
export function ownRouteRemove(): void {
  routeMessage(RTM_DELROUTE, 0, ownTable(), 0);
}

/** Takes the second one away. */
export function ownGatewayRemove(): void {
  const gateway = kernelRequest().gateway;
  if (gateway != 0) routeMessage(RTM_DELROUTE, 0, ownTable(), gateway);
}

function ruleMessage(type: u32, flags: u32): void {
  const header = messageBegin(type, flags, RULE_HEADER);
  store<u8>(header, <u8>AF_INET);
  store<u8>(header, IPV4_BITS, 2);
  store<u8>(header, <u8>FR_ACT_TO_TBL, 7);
  attribute32(FRA_SRC, kernelRequest().address);
  attribute32(FRA_TABLE, ownTable());
  attribute32(FRA_PRIORITY, RULE_PRIORITY);
  messageAcknowledge(header);
  messageEnd(header);
}

/**
 * What bears the address as its source goes by its own table. A program that was killed left the same rule
 * (EEXIST): it serves again.
 */
export function ruleAdd(): void {
  ruleMessage(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL);
}

/** Takes that rule away. */
export function ruleRemove(): void {
  ruleMessage(RTM_DELRULE, 0);
}
