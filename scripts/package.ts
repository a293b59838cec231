/** npm run package: builds the Debian package or the RPM. */
import { shown } from "./build/paths.js";
import { readArguments, runToExit, UsageError } from "./package/arguments.js";
import { buildDebianPackage } from "./package/debian.js";
import { buildRpm } from "./package/rpm.js";

const USAGE = "Usage: npm run package -- deb | rpm";

await runToExit(async () => {
  const { words } = readArguments(process.argv.slice(2), { folders: [], flags: [] }, USAGE);
  const [kind, ...more] = words;
  if (more.length > 0 || (kind !== "deb" && kind !== "rpm")) throw new UsageError(USAGE);
  console.log(shown(await (kind === "deb" ? buildDebianPackage() : buildRpm())));
});
