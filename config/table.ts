import { readFileSync } from "node:fs";

/** How a value is kept in C; the module's fieldKind(). */
export type FieldKind = "number" | "text" | "bytes" | "list" | "none";

/** What the module declares about an option or a computed value. */
export interface OptionEntry {
  index: number;
  key: string;
  /** Computed from others and not a key of the file. */
  isDerived: boolean;
  isArray: boolean;
  about: string;
  legal: string;
  note: string;
  initial: string;
  effect: "full" | "none yet" | "refused";
  limitation: string;
  choices: readonly string[];
  field: FieldKind;
  /** Bytes of a text with its ending zero, or of an address. */
  size: number;
}

/** A name and what there is to say about it. */
export interface Remark {
  name: string;
  text: string;
}

/** The configuration files; the module numbers them in this order. */
export const FILES = ["lstack", "ltran"] as const;
export type FileName = (typeof FILES)[number];

/** Everything that the module declares about one file. */
export interface Table {
  options: readonly OptionEntry[];
  /** Arguments of DPDK's EAL and what happens to them. */
  ealArguments: readonly Remark[];
  /** Keys of the original without a meaning here, and what to do about them. */
  retired: readonly Remark[];
  /** Other names of options, and the options' own. */
  aliases: readonly Remark[];
}

/** The doors of config/module that describe the options. */
interface Doors {
  selectFile(file: number): void;
  optionCount(): number;
  optionKey(index: number): number;
  optionIsDerived(index: number): number;
  optionIsArray(index: number): number;
  optionAbout(index: number): number;
  optionLegal(index: number): number;
  optionNote(index: number): number;
  optionDefault(index: number): number;
  optionEffect(index: number): number;
  optionLimitation(index: number): number;
  choiceCount(index: number): number;
  choiceText(index: number, word: number): number;
  fieldKind(index: number): number;
  fieldSize(index: number): number;
  ealCount(): number;
  ealName(index: number): number;
  ealTreatment(index: number): number;
  retiredCount(): number;
  retiredKey(index: number): number;
  retiredAdvice(index: number): number;
  aliasCount(): number;
  aliasKey(index: number): number;
  aliasOption(index: number): number;
}

const FIELDS: readonly FieldKind[] = ["number", "text", "bytes", "list", "none"];
const EFFECTS: readonly OptionEntry["effect"][] = ["full", "none yet", "refused"];
const MEMORY_PAGES = 64;

function textAt(memory: WebAssembly.Memory, address: number): string {
  const bytes = Buffer.from(memory.buffer, address);
  return bytes.toString("latin1", 0, bytes.indexOf(0));
}

function nth<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new Error(`the configuration module answered ${index}`);
  return value;
}

/** Text at an address that a door answered. */
type Reader = (address: number) => string;

function readOption(doors: Doors, text: Reader, index: number): OptionEntry {
  const words = Array.from({ length: doors.choiceCount(index) }, (_, word) => doors.choiceText(index, word));
  return {
    index,
    key: text(doors.optionKey(index)),
    isDerived: doors.optionIsDerived(index) !== 0,
    isArray: doors.optionIsArray(index) !== 0,
    about: text(doors.optionAbout(index)),
    legal: text(doors.optionLegal(index)),
    note: text(doors.optionNote(index)),
    initial: text(doors.optionDefault(index)),
    effect: nth(EFFECTS, doors.optionEffect(index)),
    limitation: text(doors.optionLimitation(index)),
    choices: words.map(text),
    field: nth(FIELDS, doors.fieldKind(index)),
    size: doors.fieldSize(index),
  };
}

type Door = (index: number) => number;

function readRemarks(text: Reader, count: number, name: Door, remark: Door): Remark[] {
  return Array.from({ length: count }, (_, index) => ({
    name: text(name(index)),
    text: text(remark(index)),
  }));
}

/** Reads all declarations about a file out of the compiled module, in their order. */
export function readTable(wasmPath: string, file: FileName): Table {
  const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES });
  const module = new WebAssembly.Module(readFileSync(wasmPath));
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const doors = instance.exports as unknown as Doors;
  const text = (address: number) => textAt(memory, address);
  doors.selectFile(FILES.indexOf(file));
  return {
    options: Array.from({ length: doors.optionCount() }, (_, index) => readOption(doors, text, index)),
    ealArguments: readRemarks(text, doors.ealCount(), doors.ealName, doors.ealTreatment),
    retired: readRemarks(text, doors.retiredCount(), doors.retiredKey, doors.retiredAdvice),
    aliases: readRemarks(text, doors.aliasCount(), doors.aliasKey, doors.aliasOption),
  };
}
