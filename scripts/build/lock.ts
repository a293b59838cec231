import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { BUILD, inBuild } from "./paths.js";

const LOCK = inBuild(".build-lock");
const PATIENCE_MS = 30 * 60 * 1000;

/** Whether the process that wrote the lock file still runs. An empty file is being written just now. */
function holderLives(): boolean {
  try {
    const pid = Number(readFileSync(LOCK, "utf8"));
    if (pid === 0) return Date.now() - statSync(LOCK).mtimeMs < 5000;
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function tryLock(): boolean {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    return false;
  }
}

/** Runs the work while no other build of this clone does. A lock whose holder died is taken over. */
export async function withBuildLock<T>(work: () => Promise<T>): Promise<T> {
  mkdirSync(BUILD, { recursive: true });
  const deadline = Date.now() + PATIENCE_MS;
  let told = false;
  while (!tryLock()) {
    if (!holderLives()) rmSync(LOCK, { force: true });
    else if (Date.now() > deadline) throw new Error(`waited 30 minutes for ${LOCK}`);
    else if (!told) {
      console.log("  waiting for another build in this clone ...");
      told = true;
    }
    await sleep(200);
  }
  try {
    return await work();
  } finally {
    rmSync(LOCK, { force: true });
  }
}
