/** What gazellectl changes in a running process. */
import * as layout from "../../build/generated/node/layout.js";
import { askControl } from "../control-socket.js";
import type { Instance } from "./instances.js";
import { FAULTS, type Fault, LOG_LEVELS, type LogLevel } from "./words.js";

const SETTINGS: Readonly<Record<Fault, number>> = {
  loss: layout.SETTING_INJECT_LOSS,
  duplicate: layout.SETTING_INJECT_DUPLICATE,
  reorder: layout.SETTING_INJECT_REORDER,
  delay: layout.SETTING_INJECT_DELAY,
};

async function set({ path }: Instance, setting: number, value: bigint): Promise<void> {
  await askControl(path, `set ${setting} ${value}`);
}

function bitOf(fault: Fault): bigint {
  return 1n << BigInt(Object.keys(FAULTS).indexOf(fault));
}

/** Which faults are injected now. */
function injecting({ facts }: Instance): bigint {
  return BigInt(facts.injecting);
}

/** Switches low power mode on or off. */
export function setLowPower(instance: Instance, isOn: boolean): Promise<void> {
  return set(instance, layout.SETTING_LOW_POWER, isOn ? 1n : 0n);
}

const LEVELS: Readonly<Record<LogLevel, number>> = {
  info: layout.LOG_LEVEL_INFO,
  error: layout.LOG_LEVEL_ERROR,
  debug: layout.LOG_LEVEL_DEBUG,
};

/** The name of a level that an instance tells of. */
export function levelName(level: number): LogLevel {
  return LOG_LEVELS.find((name) => LEVELS[name] === level) ?? "info";
}

/** Lets a stack say more or less while it runs. */
export function setLogLevel(instance: Instance, level: LogLevel): Promise<void> {
  return set(instance, layout.SETTING_LOG_LEVEL, BigInt(LEVELS[level]));
}

/** Injects a fault: `first` is a rate, or for a delay milliseconds, `second` a count or a range. */
export async function inject(instance: Instance, fault: Fault, first: number, second: number): Promise<void> {
  const isDelay = fault === "delay";
  const low = isDelay ? first * 1_000 : Math.round(first * 1e6);
  const high = isDelay ? second * 1_000 : second;
  await set(instance, SETTINGS[fault], (BigInt(high) << 32n) | BigInt(low));
  await set(instance, layout.SETTING_INJECTING, injecting(instance) | bitOf(fault));
}

/** Injects these faults no more. */
export function uninject(instance: Instance, faults: readonly Fault[]): Promise<void> {
  const left = faults.reduce((bits, fault) => bits & ~bitOf(fault), injecting(instance));
  return set(instance, layout.SETTING_INJECTING, left);
}
