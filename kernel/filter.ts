import {
  NF_ACCEPT,
  NF_DROP,
  NF_NETDEV_INGRESS,
  NFNL_MSG_BATCH_BEGIN,
  NFNL_MSG_BATCH_END,
  NFNL_SUBSYS_NFTABLES,
  NFPROTO_NETDEV,
  NFT_CMP_EQ,
  NFT_META_PROTOCOL,
  NFT_MSG_DELSETELEM,
  NFT_MSG_DELTABLE,
  NFT_MSG_NEWCHAIN,
  NFT_MSG_NEWRULE,
  NFT_MSG_NEWSET,
  NFT_MSG_NEWSETELEM,
  NFT_MSG_NEWTABLE,
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_REG_1,
  NFT_REG_VERDICT,
  NFT_TABLE_F_OWNER,
  NFTA_CHAIN_HOOK,
  NFTA_CHAIN_NAME,
  NFTA_CHAIN_POLICY,
  NFTA_CHAIN_TABLE,
  NFTA_CHAIN_TYPE,
  NFTA_CMP_DATA,
  NFTA_CMP_OP,
  NFTA_CMP_SREG,
  NFTA_DATA_VALUE,
  NFTA_DATA_VERDICT,
  NFTA_DEVICE_NAME,
  NFTA_EXPR_DATA,
  NFTA_EXPR_NAME,
  NFTA_HOOK_DEVS,
  NFTA_HOOK_HOOKNUM,
  NFTA_HOOK_PRIORITY,
  NFTA_IMMEDIATE_DATA,
  NFTA_IMMEDIATE_DREG,
  NFTA_LIST_ELEM,
  NFTA_LOOKUP_SET,
  NFTA_LOOKUP_SREG,
  NFTA_META_DREG,
  NFTA_META_KEY,
  NFTA_PAYLOAD_BASE,
  NFTA_PAYLOAD_DREG,
  NFTA_PAYLOAD_LEN,
  NFTA_PAYLOAD_OFFSET,
  NFTA_RULE_CHAIN,
  NFTA_RULE_EXPRESSIONS,
  NFTA_RULE_TABLE,
  NFTA_SET_ELEM_KEY,
  NFTA_SET_ELEM_LIST_ELEMENTS,
  NFTA_SET_ELEM_LIST_SET,
  NFTA_SET_ELEM_LIST_TABLE,
  NFTA_SET_ID,
  NFTA_SET_KEY_LEN,
  NFTA_SET_KEY_TYPE,
  NFTA_SET_NAME,
  NFTA_SET_TABLE,
  NFTA_TABLE_FLAGS,
  NFTA_TABLE_NAME,
  NFTA_VERDICT_CODE,
  NLM_F_APPEND,
  NLM_F_CREATE,
} from "../build/generated/system";
import { ETHERTYPE_ARP, ETHERTYPE_IPV4 } from "../stack/wire/ethernet";
import {
  attribute,
  attributeBig32,
  attributeText,
  messageAcknowledge,
  messageBegin,
  messageEnd,
  nestBegin,
  nestEnd,
} from "./netlink";
import { KERNEL_WIRE_SIZE, KERNEL_WIRES, KERNEL_WIRES_MOST, kernelRequest } from "./request";

/**
 * Frames for shared addresses that arrive on the kernel's own interfaces are dropped there, behind the packet
 * sockets that hear them before: a table of nf_tables for the hook `ingress` of those interfaces. The kernel
 * then sees only what comes by its device. The table belongs to the netlink socket that made it, and goes
 * with it, however its program ends (NFT_TABLE_F_OWNER), or is taken away at the next start.
 */

/** Bytes of struct nfgenmsg. */
const FAMILY_HEADER: u32 = 4;
/** Before what the administrator may have there: it would see frames that are none of its business. */
const PRIORITY: i32 = -500;
/** What nft(8) shows as ipv4_addr. */
const TYPE_IPV4: u32 = 7;
const SET_ID: u32 = 1;
const DESTINATION_AT: u32 = 16;
const ARP_TARGET_AT: u32 = 24;

/** Names, the first character lowest: addresses, ingress, filter, and of expressions. */
const ADDRESSES: u64 = 0x6573736572646461;
const ADDRESSES_MORE: u64 = 0x73;
const INGRESS: u64 = 0x73736572676e69;
const FILTER: u64 = 0x7265746c6966;
const META: u64 = 0x6174656d;
const COMPARE: u64 = 0x706d63;
const PAYLOAD: u64 = 0x64616f6c796170;
const LOOKUP: u64 = 0x70756b6f6f6c;
const COUNTER: u64 = 0x7265746e756f63;
const IMMEDIATE: u64 = 0x74616964656d6d69;
const IMMEDIATE_MORE: u64 = 0x65;
/** "gz-" in front of sixteen digits. */
const TABLE_PREFIX: u32 = 0x2d7a67;
const TABLE_NAME: u32 = 20;

function tableName(type: u32): void {
  const id = kernelRequest().filter;
  const at = attribute(type, TABLE_NAME);
  store<u32>(at, TABLE_PREFIX);
  for (let i: u32 = 0; i < 16; i++) {
    const digit = <u8>((id >> (60 - 4 * i)) & 15);
    store<u8>(at + 3 + <usize>i, digit < 10 ? 48 + digit : 87 + digit);
  }
}

function setName(type: u32): void {
  attributeText(type, ADDRESSES, ADDRESSES_MORE);
}

function begin(message: u32, flags: u32): usize {
  const header = messageBegin((NFNL_SUBSYS_NFTABLES << 8) | message, flags, FAMILY_HEADER);
  store<u8>(header, <u8>NFPROTO_NETDEV);
  return header;
}

/** What a transaction begins or ends with. */
function batch(type: u32): void {
  const header = messageBegin(type, 0, FAMILY_HEADER);
  store<u16>(header, bswap<u16>(<u16>NFNL_SUBSYS_NFTABLES), 2);
  messageEnd(header);
}

function table(): void {
  const header = begin(NFT_MSG_NEWTABLE, NLM_F_CREATE);
  tableName(NFTA_TABLE_NAME);
  if (kernelRequest().isOwned != 0) attributeBig32(NFTA_TABLE_FLAGS, NFT_TABLE_F_OWNER);
  messageEnd(header);
}

function addressSet(): void {
  const header = begin(NFT_MSG_NEWSET, NLM_F_CREATE);
  tableName(NFTA_SET_TABLE);
  setName(NFTA_SET_NAME);
  attributeBig32(NFTA_SET_KEY_TYPE, TYPE_IPV4);
  attributeBig32(NFTA_SET_KEY_LEN, 4);
  attributeBig32(NFTA_SET_ID, SET_ID);
  messageEnd(header);
}

function devices(): void {
  const wires = min(kernelRequest().wires, KERNEL_WIRES_MOST);
  const nest = nestBegin(NFTA_HOOK_DEVS);
  for (let i: u32 = 0; i < wires; i++) {
    const name = KERNEL_WIRES + <usize>(i * KERNEL_WIRE_SIZE);
    memory.copy(attribute(NFTA_DEVICE_NAME, KERNEL_WIRE_SIZE), name, KERNEL_WIRE_SIZE);
  }
  nestEnd(nest);
}

function chain(): void {
  const header = begin(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  tableName(NFTA_CHAIN_TABLE);
  attributeText(NFTA_CHAIN_NAME, INGRESS);
  const hook = nestBegin(NFTA_CHAIN_HOOK);
  attributeBig32(NFTA_HOOK_HOOKNUM, NF_NETDEV_INGRESS);
  attributeBig32(NFTA_HOOK_PRIORITY, <u32>PRIORITY);
  devices();
  nestEnd(hook);
  attributeBig32(NFTA_CHAIN_POLICY, NF_ACCEPT);
  attributeText(NFTA_CHAIN_TYPE, FILTER);
  messageEnd(header);
}

/** An expression's beginning, up to its data; for expressionEnd(). */
function expressionBegin(name: u64, more: u64 = 0): usize {
  const element = nestBegin(NFTA_LIST_ELEM);
  attributeText(NFTA_EXPR_NAME, name, more);
  nestBegin(NFTA_EXPR_DATA);
  return element;
}

/** Ends the expression that began at `element`: its data is the last attribute in it. */
function expressionEnd(element: usize): void {
  const name = element + 4;
  nestEnd(name + <usize>((load<u16>(name) + 3) & ~3));
  nestEnd(element);
}

/** Goes on with frames of an EtherType only. */
function ofType(type: u16): void {
  const meta = expressionBegin(META);
  attributeBig32(NFTA_META_DREG, NFT_REG_1);
  attributeBig32(NFTA_META_KEY, NFT_META_PROTOCOL);
  expressionEnd(meta);
  const compare = expressionBegin(COMPARE);
  attributeBig32(NFTA_CMP_SREG, NFT_REG_1);
  attributeBig32(NFTA_CMP_OP, NFT_CMP_EQ);
  const data = nestBegin(NFTA_CMP_DATA);
  store<u16>(attribute(NFTA_DATA_VALUE, 2), bswap<u16>(type));
  nestEnd(data);
  expressionEnd(compare);
}

/** Goes on with frames that have a shared address at `offset` behind the Ethernet header. */
function toShared(offset: u32): void {
  const payload = expressionBegin(PAYLOAD);
  attributeBig32(NFTA_PAYLOAD_DREG, NFT_REG_1);
  attributeBig32(NFTA_PAYLOAD_BASE, NFT_PAYLOAD_NETWORK_HEADER);
  attributeBig32(NFTA_PAYLOAD_OFFSET, offset);
  attributeBig32(NFTA_PAYLOAD_LEN, 4);
  expressionEnd(payload);
  const lookup = expressionBegin(LOOKUP);
  setName(NFTA_LOOKUP_SET);
  attributeBig32(NFTA_LOOKUP_SREG, NFT_REG_1);
  expressionEnd(lookup);
}

/** Counts a frame, for nft(8), and drops it. */
function countAndDrop(): void {
  expressionEnd(expressionBegin(COUNTER));
  const drop = expressionBegin(IMMEDIATE, IMMEDIATE_MORE);
  attributeBig32(NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
  const data = nestBegin(NFTA_IMMEDIATE_DATA);
  const verdict = nestBegin(NFTA_DATA_VERDICT);
  attributeBig32(NFTA_VERDICT_CODE, NF_DROP);
  nestEnd(verdict);
  nestEnd(data);
  expressionEnd(drop);
}

/** Drops frames of an EtherType for shared addresses, which stand at `offset`; answers the message. */
function rule(type: u16, offset: u32): usize {
  const header = begin(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  tableName(NFTA_RULE_TABLE);
  attributeText(NFTA_RULE_CHAIN, INGRESS);
  const expressions = nestBegin(NFTA_RULE_EXPRESSIONS);
  ofType(type);
  toShared(offset);
  countAndDrop();
  nestEnd(expressions);
  return header;
}

/** Makes the filter, for the interfaces of the request, with no address yet. */
export function filterMake(): void {
  batch(NFNL_MSG_BATCH_BEGIN);
  table();
  addressSet();
  chain();
  messageEnd(rule(ETHERTYPE_IPV4, DESTINATION_AT));
  const last = rule(ETHERTYPE_ARP, ARP_TARGET_AT);
  messageAcknowledge(last);
  messageEnd(last);
  batch(NFNL_MSG_BATCH_END);
}

/** Takes a filter away that belongs to no socket. */
export function filterForget(): void {
  batch(NFNL_MSG_BATCH_BEGIN);
  const header = begin(NFT_MSG_DELTABLE, 0);
  tableName(NFTA_TABLE_NAME);
  messageAcknowledge(header);
  messageEnd(header);
  batch(NFNL_MSG_BATCH_END);
}

function element(message: u32, flags: u32): void {
  batch(NFNL_MSG_BATCH_BEGIN);
  const header = begin(message, flags);
  tableName(NFTA_SET_ELEM_LIST_TABLE);
  setName(NFTA_SET_ELEM_LIST_SET);
  const elements = nestBegin(NFTA_SET_ELEM_LIST_ELEMENTS);
  const item = nestBegin(NFTA_LIST_ELEM);
  const key = nestBegin(NFTA_SET_ELEM_KEY);
  store<u32>(attribute(NFTA_DATA_VALUE, 4), kernelRequest().address);
  nestEnd(key);
  nestEnd(item);
  nestEnd(elements);
  messageAcknowledge(header);
  messageEnd(header);
  batch(NFNL_MSG_BATCH_END);
}

/** Adds the request's address to the filter. */
export function filterAdd(): void {
  element(NFT_MSG_NEWSETELEM, NLM_F_CREATE);
}

/** Takes it out. */
export function filterRemove(): void {
  element(NFT_MSG_DELSETELEM, 0);
}
