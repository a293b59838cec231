/** Running gazellectl as people do. */
import { spawn } from "node:child_process";
import { inRoot } from "../../scripts/build/paths.js";

/** How it ended. */
export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs it to its end, or until so many milliseconds are over: then as Ctrl-C does. */
export function gazellectl(words: readonly string[], interruptMs?: number): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const program = inRoot("ctl", "bin", "gazellectl.mjs");
    const child = spawn(process.execPath, [program, ...words], { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (part) => {
      stdout += part;
    });
    child.stderr.on("data", (part) => {
      stderr += part;
    });
    const timer = interruptMs === undefined ? undefined : setTimeout(() => child.kill("SIGINT"), interruptMs);
    child.on("error", reject);
    child.on("close", (status) => {
      clearTimeout(timer);
      resolve({ status, stdout, stderr });
    });
  });
}

/** Rows of a sheet, as JSON has them. */
export type Rows = Record<string, number | string | boolean | null>[];

/** An instance in a document of `lstack show`. */
export interface Shown {
  pid: number;
  program: string;
  address: string;
  [sheet: string]: number | string | Rows;
}

/** The document of a command with --json, which must succeed. */
export async function documentOf(...words: string[]): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await gazellectl([...words, "--json"]);
  if (status !== 0) throw new Error(`gazellectl ${words.join(" ")}: exit status ${status}: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** The rows of one sheet of the only instance of a target. */
export async function rowsOf(target: string | number, sheet: string, ...view: string[]): Promise<Rows> {
  const { instances } = await documentOf("lstack", "show", String(target), ...view);
  const [first] = instances as Shown[];
  const rows = first?.[sheet];
  if (!Array.isArray(rows)) throw new Error(`no ${sheet} in ${JSON.stringify(first)}`);
  return rows;
}

/** One number of the first stack of a target. */
export async function numberOf(target: string | number, name: string, ...view: string[]): Promise<number> {
  const sheet = view[0] === "-a" ? "aggregates" : "stacks";
  return Number((await rowsOf(target, sheet, ...view))[0]?.[name]);
}
