import { Counter, count, countBy } from "./counters";

/** Counts bytes that recv gave to the application in one piece, by size. */
export function countRead(length: u32): void {
  countBy(Counter.socketBytesIn, length);
  if (length <= 64) count(Counter.socketReads64);
  else if (length <= 512) count(Counter.socketReads512);
  else if (length <= 1460) count(Counter.socketReads1460);
  else if (length <= 8192) count(Counter.socketReads8192);
  else count(Counter.socketReadsLonger);
}

/** Counts bytes that send took from the application in one piece, by size. */
export function countWrite(length: u32): void {
  countBy(Counter.socketBytesOut, length);
  if (length <= 64) count(Counter.socketWrites64);
  else if (length <= 512) count(Counter.socketWrites512);
  else if (length <= 1460) count(Counter.socketWrites1460);
  else if (length <= 8192) count(Counter.socketWrites8192);
  else count(Counter.socketWritesLonger);
}
