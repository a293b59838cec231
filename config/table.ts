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

/** The doors of config/module that describe the options. */
interface Doors {
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

/** Reads the table of options out of the compiled module, in the order of their declaration. */
export function readTable(wasmPath: string): OptionEntry[] {
  const memory = new WebAssembly.Memory({ initial: MEMORY_PAGES });
  const module = new WebAssembly.Module(readFileSync(wasmPath));
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  const doors = instance.exports as unknown as Doors;
  const text = (address: number) => textAt(memory, address);
  const entries: OptionEntry[] = [];
  for (let index = 0; index < doors.optionCount(); index++) {
    const choices: string[] = [];
    for (let word = 0; word < doors.choiceCount(index); word++)
      choices.push(text(doors.choiceText(index, word)));
    entries.push({
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
      choices,
      field: nth(FIELDS, doors.fieldKind(index)),
      size: doors.fieldSize(index),
    });
  }
  return entries;
}
