/** Configuration files, checked and read by the code that checks every configuration. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { findChecker } from "../../checker.js";
import { DEFAULT_LTRAN_CONFIG } from "../../ltran-config.js";
import { text } from "./command.js";
import type { Configuration, LstackConfiguration, LtranConfiguration, Message } from "./facts.js";

const DEFAULT_LSTACK_CONFIG = "/etc/gazelle/lstack.conf";
const PATIENCE_MS = 5_000;
const NO_MAC = "000000000000";
/** What the kernel's device is called unless kni_device says it. */
const KERNEL_DEVICE = "kni";
/** Keys that only ltran.conf has. */
const OF_LTRAN = /^\s*(bond_ports|bond_macs|forward_kit|dispatch_\w+)\s*[=:]/m;

/** The checker's answer: keys of the options' table. */
type Values = Record<string, unknown>;

function withColons(digits: string): string {
  return digits === NO_MAC ? "" : (digits.match(/../g) ?? []).join(":");
}

function lstackValues(values: Values): LstackConfiguration["values"] {
  return {
    address: String(values.host_addr ?? ""),
    port: values.port_kind as "packet" | "dpdk" | "ltran",
    mac: withColons(String(values.device_mac ?? NO_MAC).toLowerCase()),
    device: String(values.device_name ?? ""),
    mtu: Number(values.mtu),
    unixPrefix: String(values.unix_prefix ?? ""),
    hasKernelDevice: values.kni_switch === true && values.port_kind !== "ltran",
    kernelDevice: String(values.kni_device || KERNEL_DEVICE),
    cpus: (values.cpus as string[]).map(Number),
    memoryMebibytes: Number(values.memory_size),
    wantsHugePages: values.huge_pages === true,
    ealArguments: values.eal_args as string[],
  };
}

function ltranValues(values: Values): LtranConfiguration["values"] {
  return {
    port: values.port_kind as "packet" | "dpdk",
    devices: values.devices as string[],
    macs: values.bond_macs as string[],
    mtu: Number(values.bond_mtu),
    unixPrefix: String(values.unix_prefix ?? ""),
    hasKernelDevice: values.kni_switch === true,
    kernelDevice: String(values.kni_device || KERNEL_DEVICE),
    forwardCpu: Number(values.forward_cpu),
    memoryMebibytes: Number(values.memory),
    wantsHugePages: values.huge_pages === true,
    ealArguments: values.eal_args as string[],
  };
}

function messagesOf(stderr: string): Message[] {
  const lines = stderr.split("\n").filter((line) => line !== "");
  return lines.map((line) => ({ text: line, isWarning: /^[^ ]+: warning: /.test(line) }));
}

function readConfiguration(path: string): Configuration {
  const kind = OF_LTRAN.test(text(path)) ? "ltran" : "lstack";
  const { stdout, stderr } = spawnSync(findChecker(), [`--kind=${kind}`, "--json", path], {
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    timeout: PATIENCE_MS,
  });
  const messages = messagesOf(stderr ?? "");
  const isRight = messages.every(({ isWarning }) => isWarning) && stdout !== "";
  const values = isRight ? (JSON.parse(stdout) as Values) : null;
  if (kind === "ltran") {
    return { kind, path, messages, values: values === null ? null : ltranValues(values) };
  }
  return { kind, path, messages, values: values === null ? null : lstackValues(values) };
}

/** Reads these files, or, when none is named, those that a start here would read and that are there. */
export function readConfigurations(paths: readonly string[]): Configuration[] {
  const usual = [process.env.LSTACK_CONF_PATH || DEFAULT_LSTACK_CONFIG, DEFAULT_LTRAN_CONFIG];
  const chosen = paths.length > 0 ? paths : usual.filter((path) => existsSync(path));
  return chosen.map((path) => readConfiguration(resolve(path)));
}
