import type { Sample } from "../facts/facts.js";
import type { Check } from "../finding.js";
import { answering, called } from "../subjects.js";

/** Less than this is on its way. */
const BYTES_LEAST = 32 << 10;
const BUFFER_BYTES = 2_048;

/**
 * Bytes that arrived and were not read. What a program threw away with its connections counts, too, but takes
 * no buffers any more.
 */
function unread({ counters, pools }: Sample): number {
  const { tcpBytesIn = 0, udpInBytes = 0, socketBytesIn = 0 } = counters;
  const held = (pools.buffer?.used ?? 0) * BUFFER_BYTES;
  return Math.min(tcpBytesIn + udpInBytes - socketBytesIn, held);
}

export const reader: Check = {
  id: "reader",
  about: "programs read what arrives",
  look: (facts) =>
    answering(facts)
      .filter(({ before, now }) => {
        const reads = (now.counters.socketBytesIn ?? 0) > (before.counters.socketBytesIn ?? 0);
        return !reads && unread(before) >= BYTES_LEAST && unread(now) >= BYTES_LEAST;
      })
      .map(({ program, now }) => ({
        severity: "warning",
        what: `${called(program)} has about ${Math.round(unread(now) / 1024)} KiB that it does not read`,
        why: "its window is closed or closes: the peer cannot send, and waits for the program",
        fix: `look at what the program waits for: gdb -p ${program.pid} -batch -ex 'thread apply all bt'`,
      })),
};
