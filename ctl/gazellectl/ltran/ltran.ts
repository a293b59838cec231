/** A running ltran, as its control socket tells of it. */

import { placeOf } from "../../../ltran/daemon/place.js";
import type { LtranReport } from "../../../ltran/daemon/report.js";
import { type AnswerHead, askControl } from "../../control-socket.js";
import { pause } from "../view.js";

const SAMPLE_MS = 1_000;

/** One page of a table. */
export interface Page<Row> {
  first: number;
  looked: number;
  places: number;
  used: number;
  rows: Row[];
}

/** Asks the ltran with a unix_prefix. */
export class Ltran {
  readonly path: string;

  constructor(prefix: string) {
    this.path = placeOf(prefix).control;
  }

  /** Sends a command. @throws ControlError when nobody answers. */
  async ask(command: string): Promise<AnswerHead> {
    return (await askControl(this.path, command)).head;
  }

  /** What it counts, and who is registered. */
  async report(): Promise<LtranReport> {
    return (await this.ask("instances")) as LtranReport & AnswerHead;
  }

  /** Two reports a second apart; the first one is the last of the time before, which `memory` keeps. */
  async samples(memory: Map<string, unknown>): Promise<[LtranReport, LtranReport]> {
    const before = (memory.get(this.path) as LtranReport | undefined) ?? (await this.report());
    await pause(SAMPLE_MS);
    const after = await this.report();
    memory.set(this.path, after);
    return [before, after];
  }

  /** The rows of a table, at most so many, and how many there are. */
  async table<Row>(command: "flows" | "listeners", most: number): Promise<{ rows: Row[]; used: number }> {
    const rows: Row[] = [];
    let [first, used] = [0, 0];
    for (;;) {
      const page = (await this.ask(`${command} ${first}`)) as Page<Row> & AnswerHead;
      rows.push(...page.rows);
      used = page.used;
      first += page.looked;
      if (page.looked === 0 || rows.length >= most) return { rows: rows.slice(0, most), used };
    }
  }
}
