import { UsageError } from "./command.js";
import { findInstalled } from "./installation.js";

const CHECKER = "gazelle-check";

/** Path of the program that checks configurations with the code of a start. @throws UsageError without it. */
export function findChecker(): string {
  const program = findInstalled(CHECKER);
  if (program === null) throw new UsageError(`${CHECKER} is missing: run \`npm run build\` first`);
  return program;
}
