// On which CPUs the application's threads run, and on which NUMA node the memory of their stacks lies.
import { allowed, machine, nodeOf, nodes } from "../machine";
import { parseNumberList } from "../number-list";
import { Option } from "../option";
import { lacksEffect } from "../rules";
import {
  appBindNuma,
  appExcludeCpus,
  cpus,
  firstCpus,
  MOST_STACKS,
  mainThreadAffinity,
  numCpus,
  otherCpus,
  stackNodes,
  stacks,
} from "./options";

/** The numbers of an option's list; empty if it has none. */
function numbersOf(option: Option): i32[] {
  const numbers = parseNumberList(option.text, <i32>option.most + 1);
  return numbers === null ? [] : numbers;
}

/** Whether the process may use a CPU; without word of it, it may use all. */
function isAllowed(cpu: i32): bool {
  return allowed.length == 0 || allowed.includes(cpu);
}

/** Numbers as C reads them: "0,1,5". */
function listed(numbers: i32[]): string {
  let text = "";
  for (let i = 0; i < numbers.length; i++) text += (i > 0 ? "," : "") + `${numbers[i]}`;
  return text;
}

/** The numbers that a list has and another one has not. */
function without(numbers: i32[], taken: i32[]): i32[] {
  const rest: i32[] = [];
  for (let i = 0; i < numbers.length; i++) if (!taken.includes(numbers[i])) rest.push(numbers[i]);
  return rest;
}

/** CPUs of a node for threads that have no CPU of their own; empty: they stay where they are. */
function sharedCpus(node: i32, ofStacks: i32[]): i32[] {
  const usable: i32[] = [];
  for (let i = 0; i < nodes.length; i++) {
    if (nodes[i].number != node) continue;
    for (let j = 0; j < nodes[i].cpus.length; j++) {
      if (isAllowed(nodes[i].cpus[j])) usable.push(nodes[i].cpus[j]);
    }
  }
  const remaining = without(usable, numbersOf(appExcludeCpus));
  const idle = without(remaining, ofStacks);
  const chosen = idle.length > 0 ? idle : remaining;
  return chosen.length == allowed.length ? [] : chosen;
}

/** Says what is asked for and cannot come true. */
function warn(ofStacks: i32[]): void {
  const moves = ofStacks.length > 0 || appBindNuma.number != 0;
  if (!moves) {
    const reason = "neither num_cpus nor app_bind_numa = 1 moves a thread";
    lacksEffect(appExcludeCpus, appExcludeCpus.text.length > 0, reason);
    lacksEffect(mainThreadAffinity, mainThreadAffinity.number != 0, reason);
  }
  const isBlind = appBindNuma.number != 0 && nodes.length == 0;
  lacksEffect(appBindNuma, isBlind, "this machine tells of no NUMA nodes");
  for (let i = 0; machine.starting && i < ofStacks.length; i++) {
    if (isAllowed(ofStacks[i])) continue;
    const reason = `this process may not use CPU ${ofStacks[i]} (taskset, cpuset)`;
    lacksEffect(numCpus, true, `${reason}, and the application's threads stay where they are`);
    return;
  }
}

/** Decides for each stack, after it is known how many there are and which CPUs they have. */
export function placeThreads(): void {
  const ofStacks: i32[] = [];
  for (let i = 0; i < cpus.list.length; i++) ofStacks.push(<i32>parseInt(cpus.list[i], 10));
  warn(ofStacks);
  if (ofStacks.length == 0 && appBindNuma.number == 0) return;
  const excluded = numbersOf(appExcludeCpus);
  for (let i = 0; i < <i32>Math.min(stacks.number, MOST_STACKS); i++) {
    const cpu = i < ofStacks.length ? ofStacks[i] : -1;
    const node = nodeOf(cpu >= 0 ? cpu : machine.currentCpu);
    const others = appBindNuma.number != 0 ? listed(sharedCpus(node, ofStacks)) : "";
    const isOwn = cpu >= 0 && isAllowed(cpu) && !excluded.includes(cpu);
    firstCpus.list.push(isOwn ? `${cpu}` : others);
    otherCpus.list.push(others);
    stackNodes.list.push(node >= 0 ? `${node}` : "");
  }
}
