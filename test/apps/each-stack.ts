/** Runs the tests of one program once for every stack. */
import { after, before, describe } from "node:test";
import type { StackKind } from "../../scripts/lab/lab.js";
import type { ServiceOptions } from "./service.js";
import { Service, stacks } from "./service.js";

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}

/** What a suite may want otherwise. */
interface SuiteSettings {
  /** Both unless told otherwise. */
  on?: readonly StackKind[];
  /** No test waits for ever: a stack that hangs fails; after 90 s unless told otherwise. */
  timeoutMs?: number;
}

/**
 * Declares a suite for each stack. The server is started before its first test and stopped after its last;
 * `declareTests` is given a function that returns it.
 */
export function onEachStack(
  title: string,
  options: () => Omit<ServiceOptions, "stack" | "label">,
  declareTests: (service: () => Service, stack: StackKind) => void,
  { on = stacks, timeoutMs = 90_000 }: SuiteSettings = {},
): void {
  for (const stack of on) {
    describe(`${title} on ${stack}`, { timeout: timeoutMs }, () => {
      let started: Service | Error = new Error("not started");
      before(async () => {
        const label = `${title.replaceAll(/[^a-z0-9]+/gi, "-").toLowerCase()}-${stack}`;
        // An error here would cancel the tests; each of them should fail with it instead.
        started = await Service.start({ ...options(), stack, label }).catch(asError);
      });
      after(async () => {
        if (started instanceof Service) {
          await started.stop();
        }
      });
      declareTests(() => {
        if (started instanceof Error) {
          throw started;
        }
        return started;
      }, stack);
    });
  }
}
