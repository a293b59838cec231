/**
 * A command line, taken apart. The original's grammar takes the same word as an option and without dashes,
 * with a number at the end that belongs to it: node:util's parseArgs knows no such words.
 */
import { LSTACK_VIEWS, LTRAN_VIEWS, TIME_MOST } from "./grammar.js";
import type { Instance } from "./instances.js";
import type { Ltran } from "./ltran/ltran.js";
import type { View } from "./view.js";
import { FAULTS, type Fault, LOG_LEVELS, type LogLevel } from "./words.js";

/** A command line that is none: the usage is printed with it. */
export class Misuse extends Error {}

/** How it is to be shown. */
export interface Manner {
  prefix: string | undefined;
  isJson: boolean;
  isWatch: boolean;
}

/** A view with what stands behind it. */
export interface Wanted<Thing> {
  view: View<Thing>;
  choice: string | undefined;
  time: number | undefined;
}

/** What is to be done. */
export type Command =
  | { kind: "help" }
  | { kind: "schema" }
  | { kind: "quit" }
  | { kind: "loglevel"; level: LogLevel }
  | { kind: "ltran"; wanted: Wanted<Ltran> }
  | { kind: "list" }
  | { kind: "lstack"; target: string | undefined; wanted: Wanted<Instance> }
  | { kind: "lowpower"; target: string; isOn: boolean }
  | { kind: "stackLoglevel"; target: string; level: LogLevel }
  | { kind: "inject"; target: string | undefined; fault: Fault; first: number; second: number }
  | { kind: "unset"; target: string | undefined; faults: readonly Fault[] };

function isFault(word: string): word is Fault {
  return Object.hasOwn(FAULTS, word);
}

function viewOf<Thing>(views: readonly View<Thing>[], word: string | undefined): View<Thing> | undefined {
  if (word === undefined || word === "") return undefined;
  return views.find(
    ({ words }) => words.includes(word) || (word.startsWith("--") && words.includes(word.slice(2))),
  );
}

function timeOf<Thing>({ time, words }: View<Thing>, word: string): number {
  if (time === "none") throw new Misuse(`${words[0]} takes no number: ${word}`);
  const value = /^[1-9]\d{0,3}$/.test(word) ? Number(word) : 0;
  if (value < 1 || value > TIME_MOST) throw new Misuse(`${word}: must be a number from 1 to ${TIME_MOST}`);
  return value;
}

/** The view that the words name, all of them used up. */
function wantedOf<Thing>(views: readonly View<Thing>[], words: readonly string[]): Wanted<Thing> {
  const [word, ...rest] = words;
  const [plain] = views;
  if (plain === undefined) throw new Error("there is no view");
  const view = word === undefined ? plain : viewOf(views, word);
  if (view === undefined) throw new Misuse(`unknown: ${word}`);
  let choice: string | undefined;
  if (view.choice !== undefined) {
    const { name, values } = view.choice;
    const asked = rest.shift();
    choice = values.find((value) => value.toLowerCase() === asked?.toLowerCase());
    if (choice === undefined) throw new Misuse(`${view.words[0]} needs a ${name}: ${values.join(", ")}`);
  }
  const number = rest.shift();
  if (rest.length > 0) throw new Misuse(`too much: ${rest.join(" ")}`);
  return { view, choice, time: number === undefined ? undefined : timeOf(view, number) };
}

function parseShow(words: readonly string[]): Command {
  const [first, ...rest] = words;
  if (first === undefined) return { kind: "list" };
  const isTarget = viewOf(LSTACK_VIEWS, first) === undefined;
  if (isTarget && first.startsWith("-")) throw new Misuse(`unknown: ${first}`);
  const target = isTarget ? first : undefined;
  return { kind: "lstack", target, wanted: wantedOf(LSTACK_VIEWS, isTarget ? rest : words) };
}

function levelOf(word: string): LogLevel {
  const level = LOG_LEVELS.find((known) => known === word);
  if (level === undefined) throw new Misuse(`${word}: must be ${LOG_LEVELS.join(", ")}`);
  return level;
}

function parseSet(words: readonly string[]): Command {
  const [target, what, value, ...rest] = words;
  if (target === undefined || what === undefined || value === undefined || rest.length > 0) {
    throw new Misuse("set needs a target, and loglevel or lowpower with a value");
  }
  if (what === "loglevel") return { kind: "stackLoglevel", target, level: levelOf(value) };
  if (what !== "lowpower") throw new Misuse(`unknown: ${what}`);
  if (value !== "0" && value !== "1") throw new Misuse(`${value}: must be 0 or 1`);
  return { kind: "lowpower", target, isOn: value === "1" };
}

function rateOf(word: string): number {
  const rate = /^\d*\.?\d+$/.test(word) ? Number(word) : 0;
  if (rate < 0.001 || rate > 1) throw new Misuse(`${word}: must be a rate from 0.001 to 1`);
  return rate;
}

function wholeOf(word: string, least: number, most: number): number {
  const value = /^\d{1,6}$/.test(word) ? Number(word) : -1;
  if (value < least || value > most) throw new Misuse(`${word}: must be a number from ${least} to ${most}`);
  return value;
}

function parseUnset(words: readonly string[]): Command {
  const [what = "", target, ...rest] = words;
  if (rest.length > 0) throw new Misuse(`too much: ${rest.join(" ")}`);
  if (what === "all") return { kind: "unset", target, faults: Object.keys(FAULTS).filter(isFault) };
  if (!isFault(what)) throw new Misuse(`unset needs one of ${Object.keys(FAULTS).join(", ")}, all`);
  return { kind: "unset", target, faults: [what] };
}

function parseInject(words: readonly string[]): Command {
  const [fault = "", ...rest] = words;
  if (fault === "unset") return parseUnset(rest);
  const [first = "", second = "", rule, target, ...more] = rest;
  if (!isFault(fault)) throw new Misuse(`inject needs one of ${Object.keys(FAULTS).join(", ")}, unset`);
  if (rule !== "random" || more.length > 0)
    throw new Misuse(`inject ${fault} needs two numbers and "random"`);
  if (fault !== "delay") {
    return { kind: "inject", target, fault, first: rateOf(first), second: wholeOf(second, 1, 1_000) };
  }
  const [time, range] = [wholeOf(first, 1, 10_000), wholeOf(second, 0, 10_000)];
  if (range > time) throw new Misuse(`${second}: the range must not exceed the delay`);
  return { kind: "inject", target, fault, first: time, second: range };
}

function parseLtran(words: readonly string[]): Command {
  const [verb, ...rest] = words;
  if (verb === "show") return { kind: "ltran", wanted: wantedOf(LTRAN_VIEWS, rest) };
  if (verb === "quit" && rest.length === 0) return { kind: "quit" };
  const [what, level = "", ...more] = rest;
  if (verb !== "set" || what !== "loglevel" || more.length > 0)
    throw new Misuse("ltran needs show, set loglevel or quit");
  return { kind: "loglevel", level: levelOf(level) };
}

function parseWords(words: readonly string[]): Command {
  const [first, second, ...rest] = words;
  if (words.some((word) => word === "-h" || word === "--help")) return { kind: "help" };
  if (first === "help" && second === undefined) return { kind: "help" };
  if (first === "schema" && second === undefined) return { kind: "schema" };
  if (first === "ltran") return parseLtran(words.slice(1));
  if (first === "lstack" && second === "show") return parseShow(rest);
  if (first === "lstack" && second === "set") return parseSet(rest);
  if (first === "inject") return parseInject(words.slice(1));
  throw new Misuse(first === undefined ? "what is to be done?" : `unknown: ${words.join(" ")}`);
}

/** Takes a command line apart. @throws Misuse when it is none. */
export function parse(args: readonly string[]): { command: Command; manner: Manner } {
  const manner: Manner = { prefix: undefined, isJson: false, isWatch: false };
  const words: string[] = [];
  const rest = [...args];
  for (let argument = rest.shift(); argument !== undefined; argument = rest.shift()) {
    if (argument === "-u") {
      manner.prefix = rest.shift();
      if (manner.prefix === undefined) throw new Misuse("-u needs a unix_prefix");
    } else if (argument === "--json") manner.isJson = true;
    else if (argument === "--watch") manner.isWatch = true;
    else words.push(argument);
  }
  return { command: parseWords(words), manner };
}
