/** NetworkManager, which takes devices of the kernel for its own unless it is told otherwise. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDERS = [
  "/usr/lib/NetworkManager/conf.d",
  "/run/NetworkManager/conf.d",
  "/etc/NetworkManager/conf.d",
];
const MAIN = "/etc/NetworkManager/NetworkManager.conf";
/** There while it runs. */
const RUNNING = "/run/NetworkManager";

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The texts of its configuration files below `root`. */
function configurations(root: string): string[] {
  const files = FOLDERS.flatMap((folder) => {
    const path = join(root, folder);
    return existsSync(path) ? readdirSync(path).map((name) => join(path, name)) : [];
  });
  return [...files.filter((path) => path.endsWith(".conf")), join(root, MAIN)].map(read);
}

/** Whether a pattern of NetworkManager, with * and ?, names a device. */
function matches(pattern: string, device: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`).test(device);
}

/** Whether a configuration leaves a device alone: by unmanaged-devices, or by managed=0 of a [device]. */
function leavesAlone(text: string, device: string): boolean {
  const lists = [...text.matchAll(/^\s*(?:unmanaged-devices\+?|match-device)\s*=\s*(.*)$/gm)];
  const named = lists.some(([, list = ""]) =>
    list.split(/[,;]/).some((entry) => matches(entry.trim().replace(/^interface-name:=?/, ""), device)),
  );
  return named && (/unmanaged-devices/.test(text) || /^\s*managed\s*=\s*(0|false|no)\s*$/m.test(text));
}

/**
 * What to do if NetworkManager runs and would manage a device; null when it does not, or leaves it alone.
 * `root` is for tests.
 */
export function networkManagerAdvice(device: string, root = "/"): string | null {
  if (!existsSync(join(root, RUNNING))) return null;
  if (configurations(root).some((text) => leavesAlone(text, device))) return null;
  return (
    `NetworkManager may take ${device} for its own; write "[keyfile]" and ` +
    `"unmanaged-devices+=interface-name:${device}" to /etc/NetworkManager/conf.d/gazelle.conf, ` +
    "then `nmcli general reload`"
  );
}
