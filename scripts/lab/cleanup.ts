/**
 * Undoing what a run has set up: namespaces, processes, temporary files.
 *
 * There are two ways. `cleanUp` is asynchronous, so that ended processes are reaped too: the end of a run, a
 * failure that was caught, SIGINT, SIGTERM and SIGHUP take it. The steps registered with `onCleanUp` are
 * synchronous and run from the `exit` hook of Node in any case, also after an uncaught exception.
 */

type Undo = () => void;
type Stop = () => Promise<unknown>;

const undoSteps: Undo[] = [];
const stops = new Set<Stop>();
const exitStatusOfSignal = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
let hooked = false;
let interrupted = false;

function undoEverything(): void {
  for (let undo = undoSteps.pop(); undo !== undefined; undo = undoSteps.pop()) {
    try {
      undo();
    } catch (error) {
      process.stderr.write(`clean-up: ${error instanceof Error ? error.message : String(error)}\n`);
    }
  }
}

/** Stops all programs, then runs all steps, the newest first. A failing one does not stop the others. */
export async function cleanUp(): Promise<void> {
  await Promise.allSettled([...stops].map((stop) => stop()));
  undoEverything();
}

/** Whether a signal is ending this process: what fails from now on fails because of it. */
export function isInterrupted(): boolean {
  return interrupted;
}

function hookOnce(): void {
  if (hooked) {
    return;
  }
  hooked = true;
  process.on("exit", undoEverything);
  for (const [signal, status] of Object.entries(exitStatusOfSignal)) {
    process.on(signal, () => {
      if (!interrupted) {
        interrupted = true;
        void cleanUp().then(() => process.exit(status));
      }
    });
  }
}

/**
 * Registers a synchronous step for the end of the process, however it ends (all but SIGKILL).
 * @returns a function that runs the step now, once, and takes it off the list.
 */
export function onCleanUp(undo: Undo): () => void {
  hookOnce();
  undoSteps.push(undo);
  return () => {
    const position = undoSteps.indexOf(undo);
    if (position >= 0) {
      undoSteps.splice(position, 1);
      undo();
    }
  };
}

/**
 * Registers what `cleanUp` stops first.
 * @returns a function that takes it off the list.
 */
export function onStop(stop: Stop): () => void {
  hookOnce();
  stops.add(stop);
  return () => {
    stops.delete(stop);
  };
}
