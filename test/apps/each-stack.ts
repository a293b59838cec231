/** Runs the tests of one program once for every stack, and once behind ltran. */
import { after, before, describe } from "node:test";
import type { ServiceOptions } from "./service.js";
import { Service } from "./service.js";

/**
 * How a server is reached: through the kernel, or through Gazelle, with a device of its own or behind ltran.
 */
export type Way = "kernel" | "gazelle" | "ltran";

export const ways: readonly Way[] = ["kernel", "gazelle", "ltran"];

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}

/** What a suite may want otherwise. */
interface SuiteSettings {
  /** All unless told otherwise. */
  on?: readonly Way[];
  /** Options of ltran. */
  ltran?: Readonly<Record<string, string>>;
  /** No test waits for ever: a stack that hangs fails; after 90 s unless told otherwise. */
  timeoutMs?: number;
}

/**
 * Declares a suite for each way. The server is started before its first test and stopped after its last;
 * `declareTests` is given a function that returns it.
 */
export function onEachStack(
  title: string,
  options: () => Omit<ServiceOptions, "stack" | "label">,
  declareTests: (service: () => Service, way: Way) => void,
  { on = ways, ltran = {}, timeoutMs = 90_000 }: SuiteSettings = {},
): void {
  for (const way of on) {
    const place = way === "ltran" ? ({ stack: "gazelle", ltran } as const) : { stack: way };
    describe(way === "ltran" ? `${title} behind ltran` : `${title} on ${way}`, { timeout: timeoutMs }, () => {
      let started: Service | Error = new Error("not started");
      before(async () => {
        const label = `${title.replaceAll(/[^a-z0-9]+/gi, "-").toLowerCase()}-${way}`;
        // An error here would cancel the tests; each of them should fail with it instead.
        started = await Service.start({ ...options(), ...place, label }).catch(asError);
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
      }, way);
    });
  }
}
