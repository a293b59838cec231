/** What a check says. */
import type { Facts } from "./facts/facts.js";

/** error: something does not start or does not work; warning: it works badly; info: worth knowing. */
export type Severity = "error" | "warning" | "info";

/** Something that is wrong. */
export interface Problem {
  severity: Severity;
  /** What is wrong, in one sentence. */
  what: string;
  /** Why it matters. */
  why: string;
  /** The command or the change that mends it. */
  fix: string;
}

/** A problem, or a check that found none, as `gazelle doctor --json` prints it. */
export interface Finding extends Problem {
  id: string;
  /** Nothing is wrong: `what` is what was looked at, and nothing is to be mended. */
  ok: boolean;
}

/** One kind of trouble. It looks at facts only, so that it can be shown every machine there may be. */
export interface Check {
  id: string;
  /** What it looks at, for the list of what is right. */
  about: string;
  look(facts: Facts): Problem[];
}
