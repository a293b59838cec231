/** One folder for everything a run writes, gone when the run ends. */
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onCleanUp } from "./cleanup.js";

const ownName = /^gz-(\d+)-/;
let folder: string | undefined;

/** Removes the folders of runs that were killed with SIGKILL: their name holds the pid of the run. */
function removeStaleFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = ownName.exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) {
      rmSync(join(tmpdir(), name), { recursive: true, force: true });
    }
  }
}

/**
 * The temporary folder of this process, made at the first call and removed at its end. Servers that drop
 * their privileges must be able to enter it, so it is readable for all; nothing secret belongs here.
 */
export function temporaryFolder(): string {
  if (folder === undefined) {
    removeStaleFolders();
    const made = mkdtempSync(join(tmpdir(), `gz-${process.pid}-`));
    chmodSync(made, 0o755);
    onCleanUp(() => {
      folder = undefined;
      rmSync(made, { recursive: true, force: true });
    });
    folder = made;
  }
  return folder;
}
