/** What share of its core a thread had. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The task of a process whose name has `part` in it. @throws Error when there is none. */
function findThread(pid: number, part: string): string {
  const folder = `/proc/${pid}/task`;
  const found = readdirSync(folder).find((task) =>
    readFileSync(join(folder, task, "comm"), "latin1").includes(part),
  );
  if (found === undefined) throw new Error(`process ${pid} has no thread ${part}`);
  return join(folder, found);
}

/** Measures from its construction on a thread that never sleeps. */
export class ThreadClock {
  readonly #thread: string;
  readonly #ranBefore: number;
  readonly #waitedBefore: number;

  constructor(pid: number, part: string) {
    this.#thread = findThread(pid, part);
    [this.#ranBefore, this.#waitedBefore] = this.#read();
  }

  /** Time on the core over the time in which it wanted to be there. */
  share(): number {
    const [ran, waited] = this.#read();
    const onCore = ran - this.#ranBefore;
    return onCore / (onCore + waited - this.#waitedBefore);
  }

  /** Nanoseconds on a core, and in line for one. */
  #read(): [number, number] {
    const [ran, waited] = readFileSync(join(this.#thread, "schedstat"), "latin1").split(" ").map(Number);
    return [ran ?? 0, waited ?? 0];
  }
}
