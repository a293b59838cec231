// Which file an instance of the module reads.
import { lstack } from "./lstack/options";
import { applyLstackRules } from "./lstack/rules";
import { ltran } from "./ltran/options";
import { applyLtranRules } from "./ltran/rules";
import { Table } from "./table";

/** The files, as numbers at the doors. */
export const enum File {
  Lstack,
  Ltran,
  /** Not known yet: by the file's name, or by its keys. */
  Unknown,
}

class Selection {
  file: File = File.Lstack;
}

const selection = new Selection();

/** Says which file is read. */
export function select(file: File): void {
  selection.file = file;
}

/** Whether it has to be recognised. */
export function isUnknown(): bool {
  return selection.file == File.Unknown;
}

/** The options of the file that is read. */
export function table(): Table {
  return selection.file == File.Ltran ? ltran : lstack;
}

/** The options of the other file. */
export function otherTable(): Table {
  return selection.file == File.Ltran ? lstack : ltran;
}

/** Applies the rules of the file that is read. */
export function applyRules(file: string, line: i32): void {
  if (selection.file == File.Ltran) applyLtranRules(file, line);
  else applyLstackRules(file, line);
}

function isKeyOf(known: Table, name: string): bool {
  return known.find(name) !== null || known.adviceOn(name).length > 0;
}

/** Recognises a file by its name, or else by what the names in its text are keys of. */
export function recognise(path: string, names: string[]): void {
  const file = path.substring(path.lastIndexOf("/") + 1);
  if (file.includes("ltran") != file.includes("lstack")) {
    selection.file = file.includes("ltran") ? File.Ltran : File.Lstack;
    return;
  }
  let balance = 0;
  for (let i = 0; i < names.length; i++) {
    if (isKeyOf(ltran, names[i])) balance++;
    if (isKeyOf(lstack, names[i])) balance--;
  }
  selection.file = balance > 0 ? File.Ltran : File.Lstack;
}
