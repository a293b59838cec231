/** Where each kind of installation puts its files. */
import { join } from "node:path";
import { runChecked } from "../build/command.js";
import type { Folders } from "./contents.js";

/** Folders of a package of the distribution. `libraries` differs: see the callers. */
function distributionFolders(libraries: string, units: string): Folders {
  return {
    programs: "/usr/bin",
    libraries,
    own: "/usr/lib/gazelle",
    documents: "/usr/share/doc/gazelle",
    units,
  };
}

/** Debian: shared objects lie in the folder of their architecture, /usr/lib/x86_64-linux-gnu. */
export async function debianFolders(): Promise<Folders> {
  const triplet = (await runChecked("dpkg-architecture", ["-q", "DEB_HOST_MULTIARCH"])).trim();
  return distributionFolders(`/usr/lib/${triplet}`, "/lib/systemd/system");
}

/** Red Hat's way, openEuler's too. */
export const rpmFolders: Folders = distributionFolders("/usr/lib64", "/usr/lib/systemd/system");

/** What an administrator installs without a package, below a prefix. */
export function localFolders(prefix: string): Folders {
  return {
    programs: join(prefix, "bin"),
    libraries: join(prefix, "lib"),
    own: join(prefix, "lib", "gazelle"),
    documents: join(prefix, "share", "doc", "gazelle"),
    units: "/etc/systemd/system",
  };
}
