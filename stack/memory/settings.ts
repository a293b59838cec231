import { SETTINGS } from "./map";

/**
 * What may be changed while the stack runs. The control socket's thread stores a value as it comes, without
 * the lock; whoever uses one bears with any value.
 */
export enum Setting {
  /** Not 0: a thread that waits sleeps at once. The shell looks at it. */
  lowPower,
  /** Which of the following four are in use, a bit each (link/inject.ts); 0: none. */
  injecting,
  /** Parts per million, and frames in a row above 32 bits. */
  injectLoss,
  injectDuplicate,
  injectReorder,
  /** Microseconds, and by how much that varies either way above 32 bits. */
  injectDelay,
  /** A LogLevel: what the shell says on standard error while it runs. */
  logLevel,
  count,
}

/** How much is said. */
export enum LogLevel {
  info,
  error,
  debug,
}

@unmanaged
class Cell {
  value: u64;
}

/** The value of a setting. */
export function setting(index: Setting): u64 {
  return changetype<Cell>(SETTINGS + ((<usize>index) << 3)).value;
}
