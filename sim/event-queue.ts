interface Entry {
  time: number;
  order: number;
  run: () => void;
}

function before(a: Entry, b: Entry): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}

/**
 * The scheduler of virtual time: a binary heap of events. Times are whole microseconds; events of one time
 * run in the order in which they were scheduled, so a run has one order only.
 */
export class EventQueue {
  /** Virtual time, microseconds since the start of the run. */
  now = 0;
  private readonly heap: Entry[] = [];
  private order = 0;

  /** Events that wait. */
  get length(): number {
    return this.heap.length;
  }

  /** Runs `run` at `time`, which must not have passed. */
  at(time: number, run: () => void): void {
    if (!Number.isSafeInteger(time) || time < this.now) {
      throw new Error(`event at ${time} us, but it is ${this.now} us`);
    }
    const entry = { time, order: this.order++, run };
    const heap = this.heap;
    let child = heap.length;
    heap.push(entry);
    while (child > 0) {
      const parent = (child - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!before(entry, above)) break;
      heap[child] = above;
      child = parent;
    }
    heap[child] = entry;
  }

  /** Runs `run` in `delay` microseconds. */
  after(delay: number, run: () => void): void {
    this.at(this.now + delay, run);
  }

  /** When the next event is due, Infinity when there is none. */
  nextTime(): number {
    return this.heap[0]?.time ?? Number.POSITIVE_INFINITY;
  }

  /** Moves time to the next event and runs it; false when there is none. */
  step(): boolean {
    const heap = this.heap;
    const first = heap[0];
    if (first === undefined) return false;
    const last = heap.pop() as Entry;
    if (heap.length > 0) this.siftDown(last);
    this.now = first.time;
    first.run();
    return true;
  }

  private siftDown(entry: Entry): void {
    const heap = this.heap;
    let parent = 0;
    for (;;) {
      let child = 2 * parent + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      let smaller = left;
      if (right !== undefined && before(right, left)) {
        smaller = right;
        child++;
      }
      if (!before(smaller, entry)) break;
      heap[parent] = smaller;
      parent = child;
    }
    heap[parent] = entry;
  }
}
