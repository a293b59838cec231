import { decimal, hexadecimal } from "./text";

/** A number in decimal or, after 0x, in hexadecimal; -1 if it is none. */
function number(text: string): i64 {
  return text.startsWith("0x") || text.startsWith("0X") ? hexadecimal(text.substring(2)) : decimal(text);
}

/**
 * The numbers of a list such as "2, 4-7,0x10": blanks are allowed around numbers, an empty element is not.
 * Null if the text is not such a list, a number is not below the limit, or one is named twice.
 */
export function parseNumberList(text: string, limit: i32): i32[] | null {
  const numbers: i32[] = [];
  const parts = text.split(",");
  for (let i = 0; i < parts.length; i++) {
    const ends = parts[i].split("-");
    if (ends.length > 2) return null;
    const first = number(ends[0].trim());
    const last = ends.length == 2 ? number(ends[1].trim()) : first;
    if (first < 0 || last < first || last >= <i64>limit) return null;
    for (let n = <i32>first; n <= <i32>last; n++) {
      if (numbers.includes(n)) return null;
      numbers.push(n);
    }
  }
  return numbers;
}

/**
 * Sum of a list in which numbers may repeat and be zero, such as the argument of --socket-mem; -1 if it is
 * none.
 */
export function sumOfList(text: string): i64 {
  const parts = text.split(",");
  let sum: i64 = 0;
  for (let i = 0; i < parts.length; i++) {
    const value = number(parts[i].trim());
    if (value < 0) return -1;
    sum += value;
  }
  return sum;
}
