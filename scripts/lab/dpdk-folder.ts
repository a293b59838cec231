/** The empty folder that DPDK makes in /var/run when its environment starts as root, and never takes away. */
import { existsSync, rmdirSync } from "node:fs";
import { onCleanUp } from "./cleanup.js";

const folders = ["/var/run/dpdk/rte", "/var/run/dpdk"];
let watched = false;

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Another process with DPDK may be using it.
    if (code !== "ENOENT" && code !== "ENOTEMPTY") throw error;
  }
}

/** Takes the folders that are not there yet away at the end of this process, if they are empty then. */
export function removeDpdkFolderAtEnd(): void {
  if (watched) return;
  watched = true;
  const missing = folders.filter((folder) => !existsSync(folder));
  if (missing.length > 0) onCleanUp(() => missing.forEach(removeIfEmpty));
}
