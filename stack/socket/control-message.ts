import {
  CONTROL_ALIGNMENT,
  CONTROL_HEADER,
  CONTROL_LENGTH_AT,
  CONTROL_LEVEL_AT,
  CONTROL_TYPE_AT,
  MSG_CTRUNC,
} from "../../build/generated/system";
import { CALL_CONTROL, call } from "../memory/call";

/** The members of C structures, wherever the system's headers put them. */
@unmanaged
class Byte {
  value: u8;
}

@unmanaged
class Short {
  value: u16;
}

@unmanaged
class Int {
  value: i32;
}

@unmanaged
class Long {
  value: u64;
}

/** The byte at `address`. */
export function byteAt(address: usize): u8 {
  return changetype<Byte>(address).value;
}

/** The int at `address`. */
export function intAt(address: usize): i32 {
  return changetype<Int>(address).value;
}

/** The size_t or time_t at `address`. */
export function longAt(address: usize): u64 {
  return changetype<Long>(address).value;
}

/** Stores a byte. */
export function putByte(address: usize, value: u8): void {
  changetype<Byte>(address).value = value;
}

/** Stores an unsigned short. */
export function putShort(address: usize, value: u16): void {
  changetype<Short>(address).value = value;
}

/** Stores an int. */
export function putInt(address: usize, value: i32): void {
  changetype<Int>(address).value = value;
}

/** Stores a size_t or time_t. */
export function putLong(address: usize, value: u64): void {
  changetype<Long>(address).value = value;
}

/** CMSG_ALIGN(): the next message begins here. */
function aligned(length: u32): u32 {
  return (length + CONTROL_ALIGNMENT - 1) & ~(<u32>CONTROL_ALIGNMENT - 1);
}

/** Forgets the messages of an earlier call. */
export function controlBegin(): void {
  call().controlLength = 0;
  call().messageFlags = 0;
}

/**
 * Appends a control message with `size` bytes of data and answers where they belong. What the application has
 * no room for is cut off, or left out when not even the header fits, and MSG_CTRUNC says so (recvmsg(2)); the
 * address can be written to in any case.
 */
export function controlPut(level: i32, type: i32, size: u32): usize {
  const c = call();
  const room = c.controlRoom - c.controlLength;
  const header = CALL_CONTROL + c.controlLength;
  const length = <u32>CONTROL_HEADER + size;
  memory.fill(header, 0, aligned(length));
  if (room < length) c.messageFlags |= MSG_CTRUNC;
  if (room >= <u32>CONTROL_HEADER) {
    putLong(header + CONTROL_LENGTH_AT, min(length, room));
    putInt(header + CONTROL_LEVEL_AT, level);
    putInt(header + CONTROL_TYPE_AT, type);
    c.controlLength += min(aligned(length), room);
  }
  return header + CONTROL_HEADER;
}

/** Whether a whole message stands at `offset` of the `length` bytes that the application gave (CMSG_OK). */
export function controlWhole(offset: u32, length: u32): bool {
  const told = longAt(CALL_CONTROL + offset + CONTROL_LENGTH_AT);
  return told >= <u64>CONTROL_HEADER && told <= <u64>(length - offset);
}

/** Whether there is room for another header: else the list ends (CMSG_NXTHDR). */
export function controlMore(offset: u32, length: u32): bool {
  return offset < length && length - offset >= <u32>CONTROL_HEADER;
}

/** The offset behind the message at `offset`, which is whole. */
export function controlNext(offset: u32): u32 {
  return offset + aligned(<u32>longAt(CALL_CONTROL + offset + CONTROL_LENGTH_AT));
}

/** Whose the message at `offset` is: cmsg_level. */
export function controlLevel(offset: u32): i32 {
  return intAt(CALL_CONTROL + offset + CONTROL_LEVEL_AT);
}

/** What it is: cmsg_type. */
export function controlType(offset: u32): i32 {
  return intAt(CALL_CONTROL + offset + CONTROL_TYPE_AT);
}

/** Where the data of the message at `offset` lie. */
export function controlData(offset: u32): usize {
  return CALL_CONTROL + offset + CONTROL_HEADER;
}

/** How many bytes of data the message at `offset` has. */
export function controlSize(offset: u32): u32 {
  return <u32>longAt(CALL_CONTROL + offset + CONTROL_LENGTH_AT) - CONTROL_HEADER;
}
