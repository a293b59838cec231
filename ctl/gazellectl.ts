/** The program gazellectl. */
import { UsageError } from "./command.js";
import { ControlError } from "./control-socket.js";
import { LSTACK_LIST, usage } from "./gazellectl/grammar.js";
import { findInstances, type Instance } from "./gazellectl/instances.js";
import { Ltran } from "./gazellectl/ltran/ltran.js";
import { type Command, type Manner, Misuse, parse, type Wanted } from "./gazellectl/parse.js";
import { harmless } from "./gazellectl/render.js";
import { schema } from "./gazellectl/schema.js";
import { inject, setLogLevel, setLowPower, uninject } from "./gazellectl/settings.js";
import type { Section } from "./gazellectl/sheet.js";
import { type Show, showInPlace, showSamples } from "./gazellectl/show.js";

const FAILED = 1;
const MISUSED = 2;

/** The instances of a target, at least one. @throws UsageError when there is none. */
async function instancesOf(prefix: string | undefined, target: string | undefined): Promise<Instance[]> {
  const { instances, problems } = await findInstances(prefix, target);
  if (instances.length > 0) return instances;
  const what = target === undefined ? "no process that may be asked has a stack" : `no instance is ${target}`;
  throw new UsageError([what, ...problems].join("\n  "));
}

/** The only instance of a target, or the only one at all: what is changed has to be named. */
async function toChange(prefix: string | undefined, target: string | undefined): Promise<Instance[]> {
  const instances = await instancesOf(prefix, target);
  if (target !== undefined || instances.length === 1) return instances;
  const pids = instances.map(({ facts }) => facts.pid).join(", ");
  throw new UsageError(`there are several: name one of ${pids}, an address or a program`);
}

function titleOf({ facts }: Instance): string {
  const port = `${facts.port} ${facts.device}`.trimEnd();
  return harmless(`${facts.program}, process ${facts.pid}, ${facts.address}, port ${port}`);
}

/** Sections of one sample as a document: a member for each, with its rows. */
function document(sections: readonly Section[]): object {
  return Object.fromEntries(sections.map(({ name, rows }) => [name, rows]));
}

function ofLtran({ view, choice, time }: Wanted<Ltran>, manner: Manner): Show {
  const ltran = new Ltran(manner.prefix ?? "");
  const asked = { choice, time, memory: new Map<string, unknown>() };
  return {
    time: view.time,
    limit: time,
    async sample() {
      if (manner.isJson && view.document !== undefined)
        return { blocks: [], json: await view.document(ltran) };
      const sections = await view.read(ltran, asked);
      return { blocks: [{ title: "", sections }], json: document(sections) };
    },
  };
}

function ofInstances(target: string | undefined, wanted: Wanted<Instance>, manner: Manner): Show {
  const { view, choice, time } = wanted;
  const asked = { choice, time, memory: new Map<string, unknown>() };
  return {
    time: view.time,
    limit: time,
    async sample() {
      const instances = await instancesOf(manner.prefix, target);
      const read = instances.map(async (instance) => ({
        instance,
        sections: await view.read(instance, asked),
      }));
      const all = await Promise.all(read);
      const json = all.map(({ instance: { facts }, sections }) => {
        return { pid: facts.pid, program: facts.program, address: facts.address, ...document(sections) };
      });
      const blocks = all.map(({ instance, sections }) => ({ title: titleOf(instance), sections }));
      return { blocks, json: { instances: json } };
    },
  };
}

function ofList({ prefix }: Manner): Show {
  return {
    time: "none",
    limit: undefined,
    async sample() {
      const { instances, problems } = await findInstances(prefix, undefined);
      const section = LSTACK_LIST.section(instances, problems.join("\n"));
      return { blocks: [{ title: "", sections: [section] }], json: document([section]) };
    },
  };
}

async function change(command: Command, { prefix, isJson }: Manner): Promise<void> {
  if (command.kind === "quit") await new Ltran(prefix ?? "").ask("quit");
  if (command.kind === "loglevel") await new Ltran(prefix ?? "").ask(`loglevel ${command.level}`);
  if (command.kind === "lowpower") {
    for (const one of await toChange(prefix, command.target)) await setLowPower(one, command.isOn);
  }
  if (command.kind === "stackLoglevel") {
    for (const one of await toChange(prefix, command.target)) await setLogLevel(one, command.level);
  }
  if (command.kind === "inject") {
    const { fault, first, second } = command;
    for (const one of await toChange(prefix, command.target)) await inject(one, fault, first, second);
  }
  if (command.kind === "unset") {
    for (const one of await toChange(prefix, command.target)) await uninject(one, command.faults);
  }
  if (isJson) process.stdout.write("{}\n");
}

function showOf(command: Command, manner: Manner): Show | null {
  if (command.kind === "ltran") return ofLtran(command.wanted, manner);
  if (command.kind === "lstack") return ofInstances(command.target, command.wanted, manner);
  return command.kind === "list" ? ofList(manner) : null;
}

/** Runs one command line. */
async function run(args: readonly string[]): Promise<void> {
  const { command, manner } = parse(args);
  if (command.kind === "help") {
    process.stdout.write(usage());
  } else if (command.kind === "schema") {
    process.stdout.write(`${JSON.stringify(schema(), null, 2)}\n`);
  } else {
    const show = showOf(command, manner);
    if (show === null) await change(command, manner);
    else if (manner.isWatch && !manner.isJson) await showInPlace(show);
    else await showSamples(show, manner.isJson);
  }
}

/** What went wrong, for people; null when it is our own fault. */
function explain(error: unknown): { text: string; status: number } | null {
  if (error instanceof Misuse) return { text: `${error.message}\n\n${usage()}`, status: MISUSED };
  if (error instanceof UsageError || error instanceof ControlError) {
    return { text: `${error.message}\n`, status: FAILED };
  }
  return null;
}

// Whoever reads our output may stop.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

try {
  await run(process.argv.slice(2));
} catch (error) {
  const explained = explain(error);
  if (explained === null) throw error;
  process.stderr.write(`gazellectl: ${explained.text}`);
  process.exitCode = explained.status;
}
