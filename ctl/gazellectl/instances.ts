/** The processes with a stack, as a target on the command line names them. */
import { basename } from "node:path";
import { ControlError, listSockets } from "../control-socket.js";
import { askStatistics, type Facts, type Statistics } from "../statistics.js";

/** A process with one or more stacks, and what it counted when it was asked. */
export interface Instance {
  path: string;
  facts: Facts;
  /** One for each stack. */
  stacks: Statistics[];
}

/** All that could be asked, and why others could not. */
export interface Found {
  instances: Instance[];
  problems: string[];
}

function stacksOf(statistics: Statistics): Statistics[] {
  return statistics.stacks ?? [statistics];
}

/** Asks a process again. @throws ControlError when it does not answer any more. */
export async function askAgain(instance: Instance): Promise<Instance> {
  const statistics = await askStatistics(instance.path);
  return { path: instance.path, facts: statistics.facts, stacks: stacksOf(statistics) };
}

async function ask(path: string): Promise<Instance | string> {
  try {
    const statistics = await askStatistics(path);
    return { path, facts: statistics.facts, stacks: stacksOf(statistics) };
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    return `${path}: ${error.message}`;
  }
}

/** Whether a target, an address, process id or name of a program, names an instance. */
function isNamed(target: string, { facts }: Instance): boolean {
  if (/^\d+$/.test(target)) return facts.pid === Number(target);
  return facts.address.split("/")[0] === target || facts.program === target;
}

/**
 * The instances that a target names, or all, by process id; with a unix_prefix only those with that one.
 */
export async function findInstances(prefix: string | undefined, target: string | undefined): Promise<Found> {
  const { paths, closed } = listSockets();
  const wanted = paths.filter((path) => {
    const name = basename(path);
    return prefix === undefined || (name.startsWith(prefix) && /^\d+\.sock$/.test(name.slice(prefix.length)));
  });
  const asked = await Promise.all(wanted.map(ask));
  const instances = asked.filter((answer) => typeof answer !== "string");
  const problems = asked.filter((answer) => typeof answer === "string");
  return {
    instances: instances
      .filter((instance) => target === undefined || isNamed(target, instance))
      .sort((first, second) => first.facts.pid - second.facts.pid),
    problems: [...problems, ...closed.map((folder) => `${folder} may not be read`)],
  };
}
