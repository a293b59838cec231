// Text crosses the border as bytes. Inside, each byte is one UTF-16 unit: nothing can be malformed, and what
// is shown leaves as it came.

/** The string of a run of bytes. */
export function fromBytes(address: usize, length: i32): string {
  const units = heap.alloc(2 * length);
  for (let i = 0; i < length; i++) store<u16>(units + 2 * i, load<u8>(address + i));
  return String.UTF16.decodeUnsafe(units, 2 * length);
}

/** Address of the bytes of a string, ended by a zero byte, valid as long as the module. */
export function toBytes(text: string): usize {
  const address = heap.alloc(text.length + 1);
  for (let i = 0; i < text.length; i++) store<u8>(address + i, <u8>text.charCodeAt(i));
  store<u8>(address + text.length, 0);
  return address;
}

const HEX_DIGITS = "0123456789abcdef";

/** Longest value that a message shows. */
const LONGEST_SHOWN = 200;

/**
 * A text for a message: control characters as \xNN, so that a file cannot write to the terminal; cut when
 * long.
 */
export function printable(text: string): string {
  let result = "";
  const end = text.length > LONGEST_SHOWN ? LONGEST_SHOWN : text.length;
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code == 0x7f)
      result += "\\x" + HEX_DIGITS.charAt(code >> 4) + HEX_DIGITS.charAt(code & 15);
    else result += text.charAt(i);
  }
  return end < text.length ? result + "..." : result;
}

/** Whether there is at least one character and all of them are in the set. */
export function consistsOf(text: string, set: string): bool {
  for (let i = 0; i < text.length; i++) {
    if (set.indexOf(text.charAt(i)) < 0) return false;
  }
  return text.length > 0;
}

/** Whether one of the characters of the set occurs in the text. */
export function contains(text: string, set: string): bool {
  for (let i = 0; i < text.length; i++) {
    if (set.indexOf(text.charAt(i)) >= 0) return true;
  }
  return false;
}

/** Value of a string of hexadecimal digits of either case, at most 8 of them; -1 if it is none. */
export function hexadecimal(text: string): i64 {
  if (text.length > 8 || !consistsOf(text, "0123456789abcdefABCDEF")) return -1;
  let value: i64 = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    value = value * 16 + (code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x61 + 10);
  }
  return value;
}

/** Value of a string of at most 9 decimal digits; -1 if it is none. */
export function decimal(text: string): i64 {
  if (text.length > 9 || !consistsOf(text, "0123456789")) return -1;
  let value: i64 = 0;
  for (let i = 0; i < text.length; i++) value = value * 10 + (text.charCodeAt(i) - 0x30);
  return value;
}

/** Value of a string of digits, at most 2^64-1; that also if a character is no digit of the base. */
export function wholeNumber(digits: string, base: u64): u64 {
  let value: u64 = 0;
  for (let i = 0; i < digits.length; i++) {
    const code = digits.charCodeAt(i);
    const digit: u64 = code >= 0x30 && code <= 0x39 ? code - 0x30 : (code | 0x20) - 0x61 + 10;
    if (digit >= base || value > (u64.MAX_VALUE - digit) / base) return u64.MAX_VALUE;
    value = value * base + digit;
  }
  return value;
}
