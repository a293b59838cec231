// What holds for the options of every file when all of them are read.
import { cpus, lacking } from "./machine";
import { report } from "./messages";
import { Effect, Kind, Option } from "./option";
import { Table } from "./table";

/** Reports that a value is not right together with others. */
export function complain(option: Option, reason: string): void {
  report(true, option.file, option.line, option.givenAs, option.shown, reason);
}

/** Reports an option that should be there; the file and its last line stand for it. */
export function missing(option: Option, file: string, line: i32): void {
  report(true, file, line, option.key, "(not given)", `must be ${option.legal}`);
}

/** Reports the options that a file has to hold and does not. */
export function checkRequired(table: Table, file: string, line: i32): void {
  for (let i = 0; i < table.options.length; i++) {
    const option = table.options[i];
    if (option.required && !option.given) missing(option, file, line);
  }
}

/** Numbers in order as a short text: "0-3,8". */
function showCpus(): string {
  let text = "";
  for (let i = 0; i < cpus.length; i++) {
    const first = i;
    while (i + 1 < cpus.length && cpus[i + 1] == cpus[i] + 1) i++;
    if (text.length > 0) text += ",";
    text += i > first ? `${cpus[first]}-${cpus[i]}` : `${cpus[first]}`;
  }
  return text;
}

/** Reports the first of an option's CPUs that this machine does not have. */
export function checkOnline(option: Option, numbers: i32[]): void {
  for (let i = 0; i < numbers.length; i++) {
    if (cpus.length == 0 || cpus.includes(numbers[i])) continue;
    const reason = `must be CPUs of this machine, which are ${showCpus()}; it has no CPU ${numbers[i]}`;
    lacking(option, "", reason);
    return;
  }
}

/** Says, if so, that an option that was given has no effect. */
export function lacksEffect(option: Option, isSo: bool, why: string): void {
  if (!isSo || !option.sound) return;
  report(false, option.file, option.line, option.givenAs, option.shown, `has no effect: ${why}`);
}

/** Says which options given have no effect, and which ones this version cannot carry out. */
export function checkEffects(table: Table): void {
  for (let i = 0; i < table.options.length; i++) {
    const option = table.options[i];
    if (!option.sound || option.effect == Effect.Full || option.isNeutral) continue;
    if (option.effect == Effect.NoneYet) {
      const reason = `has no effect: ${option.limitation}`;
      report(false, option.file, option.line, option.givenAs, option.shown, reason);
    } else {
      const neutral =
        option.kind == Kind.Choice ? option.choices[<i32>option.neutral] : `${<i64>option.neutral}`;
      lacking(option, "", `must be ${neutral}: ${option.limitation}`);
    }
  }
}
