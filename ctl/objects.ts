/**
 * Objects of a running process, read from its pools. The memory changes while it is copied, so that an object
 * may be half old, half new: who reads one checks what it says, and follows no reference without looking what
 * is there.
 */
import { COUNTERS_LAYOUT } from "../build/generated/node/counters.js";
import * as layout from "../build/generated/node/layout.js";
import { type AnswerHead, askControl, ControlError } from "./control-socket.js";
import { readObject, type StructName, type View } from "./struct.js";

/** The pools that a process shows, with the struct of their objects. */
const POOLS = {
  Socket: layout.POOL_ID_SOCKET,
  Tcb: layout.POOL_ID_TCB,
  Interest: layout.POOL_ID_INTEREST,
  Neighbour: layout.POOL_ID_NEIGHBOUR,
} as const;

/** One answer to "pool". */
interface PoolHead extends AnswerHead {
  layout: string;
  nowMicroseconds: number;
  base: number;
  stride: number;
  first: number;
  count: number;
  total: number;
}

/** Objects of one pool at about one time. */
export interface Objects<Name extends StructName> {
  /** The process' clock, in microseconds. */
  now: bigint;
  list: View<Name>[];
  /** Objects that the pool ever gave out; of those behind the list's end nothing was asked. */
  total: number;
  /** What a reference names, if it is an object of this list. */
  at(reference: number): View<Name> | undefined;
  /** The reference that names the list's object number `index`. */
  addressOf(index: number): number;
}

/** Objects asked for at once; an answer has as many as fit. */
const COUNT = 9_999;

/**
 * Reads a pool of a process' stack page by page, up to `most` objects, those that are free among them.
 * @throws ControlError when it cannot be asked, or is another build.
 */
export async function readPool<Name extends keyof typeof POOLS>(
  path: string,
  name: Name,
  stack: number,
  most: number,
): Promise<Objects<Name>> {
  const list: View<Name>[] = [];
  let [total, now, base, stride] = [1, 0n, 0, 1];
  while (list.length < Math.min(total, most)) {
    const question = `pool ${POOLS[name]} ${list.length} ${Math.min(COUNT, most - list.length)} ${stack}`;
    const { head, body } = await askControl(path, question);
    const facts = head as PoolHead;
    if (facts.layout !== COUNTERS_LAYOUT) {
      throw new ControlError("it runs another build of Gazelle: use that build's tool");
    }
    ({ total, base, stride } = facts);
    now = BigInt(facts.nowMicroseconds);
    if (facts.count === 0) break;
    for (let i = 0; i < facts.count; i++) list.push(readObject(name, body, i * stride));
  }
  const at = (reference: number) => list[(reference - base) / stride];
  return { now, list, total, at, addressOf: (index) => base + index * stride };
}
