import { NLA_F_NESTED, NLM_F_ACK, NLM_F_REQUEST } from "../build/generated/system";
import { KERNEL_MESSAGE, KERNEL_MESSAGE_SIZE, kernelRequest } from "./request";

/**
 * Writing netlink messages (netlink(7)): headers and attributes of 4-byte alignment, one behind the other in
 * the call area. Numbers are the host's; those of nf_tables are big-endian (writeBig32).
 */

/** Bytes of struct nlmsghdr and struct nlattr. */
const MESSAGE_HEADER: u32 = 16;
const ATTRIBUTE_HEADER: u32 = 4;

/** Room for `length` bytes, zeroed and aligned; its address. */
function room(length: u32): usize {
  const r = kernelRequest();
  const at = <usize>r.cursor;
  const taken = (length + 3) & ~3;
  assert(at + <usize>taken <= KERNEL_MESSAGE + <usize>KERNEL_MESSAGE_SIZE);
  memory.fill(at, 0, taken);
  r.cursor += taken;
  return at;
}

/** Forgets what was written. */
export function netlinkBegin(): void {
  kernelRequest().cursor = <u32>KERNEL_MESSAGE;
}

/** Bytes written since. */
export function netlinkLength(): u32 {
  return kernelRequest().cursor - <u32>KERNEL_MESSAGE;
}

/** Begins a message with a family's header of `size` zeros; the address of that, for messageEnd(), too. */
export function messageBegin(type: u32, flags: u32, size: u32): usize {
  const at = room(MESSAGE_HEADER);
  store<u16>(at, <u16>type, 4);
  store<u16>(at, <u16>(flags | NLM_F_REQUEST), 6);
  return room(size);
}

/** Ends the message whose family's header is at `header`. */
export function messageEnd(header: usize): void {
  const at = header - <usize>MESSAGE_HEADER;
  store<u32>(at, <u32>(<usize>kernelRequest().cursor - at));
}

/** Asks for an answer to the message whose family's header is at `header`, even if all is well. */
export function messageAcknowledge(header: usize): void {
  const at = header - <usize>MESSAGE_HEADER;
  store<u16>(at, load<u16>(at, 6) | <u16>NLM_F_ACK, 6);
}

/** An attribute with room for `length` bytes; the address of that. */
export function attribute(type: u32, length: u32): usize {
  const at = room(ATTRIBUTE_HEADER + length);
  store<u16>(at, <u16>(ATTRIBUTE_HEADER + length));
  store<u16>(at, <u16>type, 2);
  return at + <usize>ATTRIBUTE_HEADER;
}

/** A number of 8 bits. */
export function attribute8(type: u32, value: u8): void {
  store<u8>(attribute(type, 1), value);
}

/** A number of 32 bits, as it stands in memory. */
export function attribute32(type: u32, value: u32): void {
  store<u32>(attribute(type, 4), value);
}

/** A number of nf_tables, big-endian. */
export function attributeBig32(type: u32, value: u32): void {
  store<u32>(attribute(type, 4), bswap<u32>(value));
}

/** Characters of a text of up to eight, the first one lowest. */
function textLength(text: u64): u32 {
  return 8 - (<u32>clz<u64>(text) >> 3);
}

function textWrite(at: usize, text: u64): void {
  for (let i: u32 = 0; i < textLength(text); i++) store<u8>(at + <usize>i, <u8>(text >> (8 * i)));
}

/** A string: up to eight characters, the first one lowest, and up to eight more when there are eight. */
export function attributeText(type: u32, text: u64, more: u64 = 0): void {
  const length = textLength(text);
  const at = attribute(type, length + textLength(more) + 1);
  textWrite(at, text);
  textWrite(at + <usize>length, more);
}

/** Begins an attribute that holds attributes; for nestEnd(). */
export function nestBegin(type: u32): usize {
  return attribute(type | NLA_F_NESTED, 0) - <usize>ATTRIBUTE_HEADER;
}

/** Ends it. */
export function nestEnd(nest: usize): void {
  store<u16>(nest, <u16>(<usize>kernelRequest().cursor - nest));
}
