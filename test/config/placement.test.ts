import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { inBuild } from "../../scripts/build/paths.js";
import { checkOptions } from "./checker.js";

const MEMORY_PAGES = 256;
const TYPE_INTEGER = 2;
const TYPE_STRING = 5;

/** The doors of config/module that this test knocks at. */
interface Doors {
  input(size: number): number;
  onlineCpus(list: number, length: number): void;
  allowedCpus(list: number, length: number, current: number): void;
  numaNode(number: number, list: number, length: number): void;
  entry(
    line: number,
    key: number,
    keyLength: number,
    type: number,
    value: number,
    text: number,
    textLength: number,
  ): void;
  finish(path: number, length: number, lastLine: number, starting: number): number;
  messageCount(): number;
  messageText(index: number): number;
  optionCount(): number;
  optionKey(index: number): number;
  valueLength(index: number): number;
  valueElement(index: number, element: number): number;
}

/** A machine as the kernel describes it. */
interface Machine {
  allowed: string;
  current: number;
  nodes: readonly string[];
}

/** What is decided for each stack. */
interface Placement {
  first: string[];
  others: string[];
  nodes: string[];
  messages: string[];
}

/** Two nodes of four CPUs, their numbers in turn as some machines have them. */
const TWO: Machine = { allowed: "0-7", current: 5, nodes: ["0,2,4,6", "1,3,5,7"] };
const ONE: Machine = { allowed: "0-3", current: 0, nodes: ["0-3"] };
const FOUR_SOCKETS: Machine = {
  allowed: "0-95",
  current: 0,
  nodes: ["0-23", "24-47", "48-71", "72-95"],
};

/** What the module decides on a machine for options given as text or number. */
function place(machine: Machine, options: Readonly<Record<string, string | number>>): Placement {
  const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES });
  const module = new WebAssembly.Module(readFileSync(inBuild("config", "config.wasm")));
  const doors = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Doors;
  const give = (text: string): [number, number] => {
    const address = doors.input(text.length);
    new Uint8Array(memory.buffer, address, text.length).set(Buffer.from(text, "latin1"));
    return [address, text.length];
  };
  const textAt = (address: number) => {
    const bytes = Buffer.from(memory.buffer, address);
    return bytes.toString("latin1", 0, bytes.indexOf(0));
  };
  doors.onlineCpus(...give(machine.nodes.join(",")));
  doors.allowedCpus(...give(machine.allowed), machine.current);
  machine.nodes.forEach((cpus, number) => {
    doors.numaNode(number, ...give(cpus));
  });
  const all = { host_addr: "10.0.0.1", mask_addr: "255.255.255.0", devices: "eth1", ...options };
  Object.entries(all).forEach(([key, value], index) => {
    const isText = typeof value === "string";
    const type = isText ? TYPE_STRING : TYPE_INTEGER;
    doors.entry(index + 1, ...give(key), type, isText ? 0 : value, ...give(String(value)));
  });
  doors.finish(...give("made-up"), 9, 1);
  const list = (key: string) => {
    const keys = Array.from({ length: doors.optionCount() }, (_, index) => textAt(doors.optionKey(index)));
    const index = keys.indexOf(key);
    assert.ok(index >= 0, key);
    return Array.from({ length: doors.valueLength(index) }, (_, at) => textAt(doors.valueElement(index, at)));
  };
  return {
    first: list("first_cpus"),
    others: list("other_cpus"),
    nodes: list("stack_nodes"),
    messages: Array.from({ length: doors.messageCount() }, (_, index) => textAt(doors.messageText(index))),
  };
}

describe("CPUs of threads", () => {
  it("are left alone without options", () => {
    for (const options of [{}, { stack_num: 3 }, { num_cpus: "" }]) {
      assert.deepEqual(place(TWO, options), { first: [], others: [], nodes: [], messages: [] });
    }
  });

  it("num_cpus: the first thread of a stack runs on its CPU, the others where they are", () => {
    assert.deepEqual(place(TWO, { num_cpus: "2,3" }), {
      first: ["2", "3"],
      others: ["", ""],
      nodes: ["0", "1"],
      messages: [],
    });
  });

  it("app_bind_numa: the others run on the stack's node, beside the CPUs of stacks", () => {
    const { first, others, nodes } = place(FOUR_SOCKETS, { num_cpus: "18,38,58,78", app_bind_numa: 1 });
    assert.deepEqual(
      [first, nodes],
      [
        ["18", "38", "58", "78"],
        ["0", "1", "2", "3"],
      ],
    );
    const idle = (least: number, taken: number) =>
      Array.from({ length: 24 }, (_, index) => least + index)
        .filter((cpu) => cpu !== taken)
        .join(",");
    assert.deepEqual(others, [idle(0, 18), idle(24, 38), idle(48, 58), idle(72, 78)]);
  });

  it("app_bind_numa without num_cpus: the node that the process runs on", () => {
    const { first, others, nodes, messages } = place(TWO, { stack_num: 2, app_bind_numa: 1 });
    assert.deepEqual(first, ["1,3,5,7", "1,3,5,7"]);
    assert.deepEqual(others, first);
    assert.deepEqual([nodes, messages], [["1", "1"], []]);
  });

  it("app_bind_numa: stacks on all CPUs of a node share them with the others", () => {
    assert.deepEqual(place(TWO, { num_cpus: "0,2,4,6", app_bind_numa: 1 }).others, Array(4).fill("0,2,4,6"));
  });

  it("app_bind_numa: a machine of one node has nothing to choose", () => {
    assert.deepEqual(place(ONE, { app_bind_numa: 1 }), {
      first: [""],
      others: [""],
      nodes: ["0"],
      messages: [],
    });
  });

  it("app_exclude_cpus: nothing is moved there, also not to the CPU of a stack", () => {
    const { first, others } = place(TWO, { num_cpus: "2,3", app_bind_numa: 1, app_exclude_cpus: "2,7" });
    assert.deepEqual(first, ["0,4,6", "3"]);
    assert.deepEqual(others, ["0,4,6", "1,5"]);
    assert.deepEqual(place(ONE, { app_bind_numa: 1, app_exclude_cpus: "0-3" }).others, [""]);
  });

  it("are those that the process may use", () => {
    const narrow = { ...TWO, allowed: "0-3" };
    const { first, others, messages } = place(narrow, { num_cpus: "2,5", app_bind_numa: 1 });
    assert.deepEqual(first, ["2", "1,3"]);
    assert.deepEqual(others, ["0", "1,3"]);
    assert.match(
      messages.join(),
      /num_cpus = "2,5": has no effect: this process may not use CPU 5 \(taskset/,
    );
    assert.deepEqual(place({ ...TWO, allowed: "0,2" }, { num_cpus: "5", app_bind_numa: 1 }).others, [""]);
  });

  it("options that move nothing say so", () => {
    const { messages } = place(TWO, { app_exclude_cpus: "1", main_thread_affinity: 1 });
    assert.equal(messages.length, 2);
    for (const message of messages)
      assert.match(message, /has no effect: neither num_cpus nor app_bind_numa/);
    const blind = place({ ...ONE, nodes: [] }, { app_bind_numa: 1 });
    assert.match(
      blind.messages.join(),
      /app_bind_numa = 1: has no effect: this machine tells of no NUMA nodes/,
    );
    assert.deepEqual([blind.first, blind.nodes], [[""], [""]]);
  });

  it("are told by the real machine, too", () => {
    const verdict = checkOptions({ num_cpus: '"0"' }, "--start");
    assert.deepEqual([verdict.status, verdict.values.first_cpus], [0, "0"]);
  });
});
