/** One command of the `gazelle` tool; it lives in a file of its own under ctl/commands. */
export interface Command {
  name: string;
  /** What follows the name, as the help shows it. */
  usage: string;
  /** One sentence. */
  about: string;
  /** Further lines of the command's own help; may be empty. */
  details: string;
  /** Runs with the arguments after the name and resolves to the exit status. */
  run(args: readonly string[]): Promise<number>;
}

/** A mistake of the caller: its message is all that is printed, and the exit status is 1. */
export class UsageError extends Error {}
