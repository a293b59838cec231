/** npm run uninstall:system. */
import { readArguments, runToExit, systemRoot, UsageError } from "./package/arguments.js";
import { uninstall } from "./package/install.js";

const USAGE = `Usage: npm run uninstall:system [-- --purge] [--root FOLDER]
  --purge  removes changed configuration files too
  --root   the root folder of the system, for an image (/)`;

await runToExit(async () => {
  const given = readArguments(process.argv.slice(2), { folders: ["--root"], flags: ["--purge"] }, USAGE);
  if (given.words.length > 0) throw new UsageError(USAGE);
  await uninstall(systemRoot(given), given.flags.has("--purge"));
});
