/** Words of the grammar that are values of settings. */

/** Kinds of faults, and what their two numbers are. */
export const FAULTS = {
  loss: ["RATE", "COUNT"],
  duplicate: ["RATE", "COUNT"],
  reorder: ["RATE", "COUNT"],
  delay: ["MILLISECONDS", "RANGE"],
} as const;
export type Fault = keyof typeof FAULTS;

/** How much ltran, or a stack while it runs, says on its standard error. */
export const LOG_LEVELS = ["error", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
