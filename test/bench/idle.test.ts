/** The idle benchmark: how it reads a capture. No speed is asserted; the programs are tested in test/apps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { wireDelays } from "../../bench/idle/capture.js";
import { type BenchOptions, BenchUsageError, parseBenchOptions } from "../../bench/options.js";

const C = "10.0.0.2";
const S = "10.0.0.1";

function close(found: readonly number[], expected: readonly number[]): void {
  assert.equal(found.length, expected.length, JSON.stringify(found));
  for (const [i, value] of expected.entries()) {
    const got = found[i] ?? Number.NaN;
    assert.ok(got === value || Math.abs(got - value) < 0.001, `${found} instead of ${expected}`);
  }
}

test("echoes are matched with their replies, and lost ones never end", () => {
  const text = [
    `1.000100 IP ${C} > ${S}: ICMP echo request, id 7, seq 1, length 64`,
    `1.000200 IP ${C} > ${S}: ICMP echo request, id 7, seq 2, length 64`,
    `1.000350 IP ${S} > ${C}: ICMP echo reply, id 7, seq 2, length 64`,
    `1.000400 IP ${S} > ${C}: ICMP echo reply, id 7, seq 1, length 64`,
    `1.000500 IP ${C} > ${S}: ICMP echo request, id 7, seq 3, length 64`,
    "12 packets captured",
  ].join("\n");
  close(wireDelays(text, C).echoes, [0.15, 0.3, Number.POSITIVE_INFINITY]);
});

test("full segments wait for an ACK that covers them, across the wrap of sequence numbers", () => {
  const data = (time: string, from: number, to: number) =>
    `${time} IP ${C}.40000 > ${S}.6379: Flags [P.], seq ${from}:${to}, ack 9, win 502, length ${to - from}`;
  const ack = (time: string, number: number, port = 40000) =>
    `${time} IP ${S}.6379 > ${C}.${port}: Flags [.], ack ${number}, win 502, length 0`;
  const text = [
    data("5.000000", 4294965000, 4294966448),
    data("5.000100", 4294966448, 600),
    ack("5.000150", 4294966448),
    ack("5.000200", 600, 40001),
    ack("5.000300", 600),
    data("5.001000", 600, 614),
    data("5.002000", 614, 2062),
  ].join("\n");
  close(wireDelays(text, C).acks, [0.15, 0.2, Number.POSITIVE_INFINITY]);
});

test("a reply is the next data of the server, not an ACK", () => {
  const text = [
    `2.000000 IP ${C}.40000 > ${S}.6379: Flags [P.], seq 1:7, ack 1, win 502, length 6: RESP "PING"`,
    `2.000050 IP ${S}.6379 > ${C}.40000: Flags [.], ack 7, win 502, length 0`,
    `2.000120 IP ${S}.6379 > ${C}.40000: Flags [P.], seq 1:8, ack 7, win 502, length 7: RESP "PONG"`,
    `2.000130 IP ${C}.40000 > ${S}.6379: Flags [.], ack 8, win 502, length 0`,
    `2.000200 IP ${S}.6379 > ${C}.40000: Flags [P.], seq 8:9, ack 7, win 502, length 1`,
  ].join("\n");
  close(wireDelays(text, C).replies, [0.12]);
});

test("each benchmark has defaults of its own", () => {
  const expected: BenchOptions[] = [
    { benchmark: "engine", rounds: 7, seconds: 0.3, jsonFile: undefined },
    { benchmark: "epoll", rounds: 7, seconds: 0.3, jsonFile: undefined },
    { benchmark: "idle", rounds: 40, seconds: 5, jsonFile: undefined },
  ];
  for (const options of expected) assert.deepEqual(parseBenchOptions([options.benchmark]), options);
  const chosen = parseBenchOptions(["idle", "--rounds", "3", "--seconds", "7", "--json", "a"]);
  assert.deepEqual(chosen, { benchmark: "idle", rounds: 3, seconds: 7, jsonFile: "a" });
  for (const args of [["toString"], ["engine", "idle"], ["epoll", "--seconds", "61"]]) {
    assert.throws(() => parseBenchOptions(args), BenchUsageError, args.join(" "));
  }
});
