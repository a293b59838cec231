/** npm run install:system. */
import { readArguments, runToExit, systemRoot, UsageError } from "./package/arguments.js";
import { install } from "./package/install.js";

const USAGE = `Usage: npm run install:system [-- --prefix FOLDER] [--root FOLDER]
  --prefix  where bin and lib are (/usr/local); configuration is in /etc/gazelle always
  --root    the root folder of the system, for an image (/)`;

await runToExit(async () => {
  const given = readArguments(process.argv.slice(2), { folders: ["--prefix", "--root"], flags: [] }, USAGE);
  if (given.words.length > 0) throw new UsageError(USAGE);
  await install(given.folders.get("--prefix") ?? "/usr/local", systemRoot(given));
});
