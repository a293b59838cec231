import { fail } from "../failure.js";
import type { Machine } from "../machine.js";
import type { Pattern } from "../pattern.js";
import type { Random } from "../random.js";

/** What conversations share: the run they belong to. */
export interface World {
  machines: readonly Machine[];
  /** Draws what is drawn while the run goes on. */
  random: Random;
  pattern: Pattern;
  /** Frames may be damaged in ways that no checksum can catch: nothing but survival is asserted. */
  tolerant: boolean;
  /** Verified bytes were delivered (0: something else happened that is progress). */
  progress: (bytes: number) => void;
  /** Kills the path of a flow (see flowOf). */
  blockFlow: (flow: string) => void;
  /** A port that nothing in this run has used. */
  freePort: () => number;
}

/** A piece of work between machines that comes to an end. */
export abstract class Conversation {
  constructor(
    readonly name: string,
    protected readonly world: World,
  ) {}

  /** Begins; called once. */
  abstract start(): void;
  /** True when nothing of it is left to do. */
  abstract isDone(): boolean;
  /** Where it stands, for reports of failure. */
  abstract describe(): string;
  /** Gives up and closes everything: only in runs that tolerate damage. */
  abstract abandon(): void;

  /** Fails the run, with the conversation's state. */
  protected broken(reason: string): never {
    return fail(`${this.name}: ${reason} (${this.describe()})`);
  }
}
