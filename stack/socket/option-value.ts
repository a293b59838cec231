import { CALL_OPTION } from "../memory/call";

/** An int at the front of an option's value. */
@unmanaged
class IntValue {
  value: i32;
}

@unmanaged
class ByteValue {
  value: u8;
}

/** struct linger. */
@unmanaged
export class LingerValue {
  on: i32;
  seconds: i32;
}

/** The option's value as an int. */
export function intGiven(): i32 {
  return changetype<IntValue>(CALL_OPTION).value;
}

/** The byte at `index` of the option's value. */
export function byteGiven(index: u32): u8 {
  return changetype<ByteValue>(CALL_OPTION + index).value;
}

/** The option's value as struct linger. */
export function lingerValue(): LingerValue {
  return changetype<LingerValue>(CALL_OPTION);
}

/**
 * The options of level IPPROTO_IP take an int, or a single byte; the caller has made sure that there is one.
 */
export function intOrByteGiven(length: u32): i32 {
  return length >= 4 ? intGiven() : byteGiven(0);
}

/** Answers an int, cut to the `length` bytes that the application has room for. */
export function intAnswer(value: i32, length: u32): i32 {
  changetype<IntValue>(CALL_OPTION).value = value;
  return <i32>min(length, 4);
}

/**
 * The same as level IPPROTO_IP does it: who has room for less than an int gets a single byte, when the value
 * fits one.
 */
export function intOrByteAnswer(value: i32, length: u32): i32 {
  if (length < 4 && length > 0 && value >= 0 && value <= 255) {
    changetype<ByteValue>(CALL_OPTION).value = <u8>value;
    return 1;
  }
  return intAnswer(value, length);
}

/** Stores byte `index` of an answer. */
export function byteAnswer(index: u32, value: u8): void {
  changetype<ByteValue>(CALL_OPTION + index).value = value;
}
