// The doors of the configuration module. One instance reads one configuration:
//   selectFile(), source(file), onlineCpus(), allowedCpus(), numaNode()*, freeHugePages()*,
//   then inspectText(), (entry() element()*)*, finish(), or failure(),
// and then answers with messages, the options' declarations and their values. Text comes in as a run of bytes
// in a buffer from input() and goes out as the address of bytes that end with a zero byte.

import { describe, ealOptions } from "./eal-options";
import { Finding, inspect } from "./inspect";
import { addNode, allowed, cpus, machine } from "./machine";
import { errorCount, messages, orderMessages, report } from "./messages";
import { nearest } from "./nearest";
import { parseNumberList } from "./number-list";
import { Effect, Kind, Option } from "./option";
import { applyRules, File, isUnknown, otherTable, recognise, select, table } from "./tables";
import { fromBytes, toBytes } from "./text";
import { take, typeName, ValueType } from "./value";
import { asJson, asLines, fieldOf, sizeOf } from "./values";

/** Linux' limit on x86-64. */
const MOST_CPUS_OF_A_MACHINE = 8192;

/** Where the reading stands. */
class Position {
  file: string = "";
  /** The option whose array is being read. */
  array: Option | null = null;
  elements: i32 = 0;
}

const position = new Position();

/** Address of a buffer for text that is about to be handed over. */
export function input(size: i32): usize {
  return heap.alloc(max(size, 1));
}

/**
 * Says which file is read and described: 0 lstack.conf, which it is without this, 1 ltran.conf, or 2, to be
 * recognised by inspectText().
 */
export function selectFile(file: i32): void {
  select(<File>file);
}

/** Names the file that the following entries are from. */
export function source(path: usize, length: i32): void {
  position.file = fromBytes(path, length);
}

/**
 * Tells which CPUs are online, as a list such as "0-3"; without it, they are not compared with the
 * machine.
 */
export function onlineCpus(list: usize, length: i32): void {
  const numbers = parseNumberList(fromBytes(list, length), MOST_CPUS_OF_A_MACHINE);
  if (numbers === null) return;
  for (let i = 0; i < numbers.length; i++) cpus.push(numbers[i]);
}

/**
 * Tells which CPUs this process may use, as a list, and on which one it runs (-1: not known); without it, it
 * may use all.
 */
export function allowedCpus(list: usize, length: i32, current: i32): void {
  const numbers = parseNumberList(fromBytes(list, length), MOST_CPUS_OF_A_MACHINE);
  machine.currentCpu = current;
  if (numbers === null) return;
  for (let i = 0; i < numbers.length; i++) allowed.push(numbers[i]);
}

/** Tells which CPUs a NUMA node has, as a list; called once for each node. */
export function numaNode(number: i32, list: usize, length: i32): void {
  const numbers = parseNumberList(fromBytes(list, length), MOST_CPUS_OF_A_MACHINE);
  if (numbers !== null) addNode(number, numbers);
}

/** Tells how many huge pages of a size in KiB are free; called once for each size. */
export function freeHugePages(kibibytes: f64, count: f64): void {
  machine.freeHugeMebibytes += (kibibytes * count) / 1024;
}

/**
 * Reports what kept the file from being read: a syntax error, or something wrong with the file itself (line
 * 0).
 */
export function failure(line: i32, reason: usize, length: i32): void {
  const text = fromBytes(reason, length);
  if (line > 0) report(true, position.file, line, "syntax", "", text);
  else report(true, position.file, 0, "file", "", `must be a readable configuration: ${text}`);
}

/** Whether an integer beyond libconfig's is legal for its option, which then takes it from here. */
function isTolerated(finding: Finding): bool {
  const option = table().find(finding.key);
  if (option === null || finding.value == 0 || finding.value > option.tolerated) return false;
  option.written = finding.value;
  return true;
}

/**
 * Looks through a file's whole text for what libconfig would misread. Returns whether there is such a thing;
 * then it is reported, and the file must not be read.
 */
export function inspectText(text: usize, length: i32): bool {
  const inspection = inspect(fromBytes(text, length));
  if (isUnknown()) recognise(position.file, inspection.names);
  for (let i = 0; i < inspection.findings.length; i++) {
    const finding = inspection.findings[i];
    if (finding.text.length == 0) {
      report(true, position.file, finding.line, finding.key, "", finding.reason);
      return true;
    }
    if (isTolerated(finding)) continue;
    const option = table().find(finding.key);
    const legal = option === null ? "an integer of 32 bits; larger ones end in L" : option.legal;
    report(true, position.file, finding.line, finding.key, finding.text, `must be ${legal}`);
    return true;
  }
  return false;
}

function reportUnknown(line: i32, key: string, shown: string): void {
  const advice = table().adviceOn(key);
  if (advice.length > 0) {
    report(false, position.file, line, key, shown, `has no effect: ${advice}`);
    return;
  }
  const near = nearest(key, table().keys);
  let hint = near.length > 0 ? `; did you mean ${near}?` : "; docs/configuration.md lists them all";
  if (otherTable().find(key) !== null)
    hint = ` of ${table().file}; this one belongs into ${otherTable().file}`;
  report(true, position.file, line, key, shown, `must be a known option${hint}`);
}

/**
 * One setting of the file. The type is a ValueType; the number is its value if it is numeric or boolean; the
 * text is the value as written, without quotes. The elements of an array follow through element().
 */
export function entry(
  line: i32,
  keyAddress: usize,
  keyLength: i32,
  type: i32,
  number: f64,
  textAddress: usize,
  textLength: i32,
): void {
  const key = fromBytes(keyAddress, keyLength);
  const text = fromBytes(textAddress, textLength);
  const isNested = type == ValueType.Group || type == ValueType.Array || type == ValueType.List;
  const shown = type == ValueType.String ? `"${text}"` : isNested ? `(${typeName(type)})` : text;
  position.array = null;
  position.elements = 0;
  const option = table().find(key);
  if (option === null) {
    reportUnknown(line, key, shown);
    return;
  }
  if (option.given) {
    const reason = `must be given once; ${option.file}:${option.line} has ${option.givenAs}`;
    report(true, position.file, line, key, shown, reason);
    return;
  }
  option.given = true;
  option.givenAs = key;
  option.file = position.file;
  option.line = line;
  option.shown = option.written > 0 ? `${option.written}` : shown;
  if (table().isOldName(key)) {
    report(false, position.file, line, key, option.shown, `is the old name of ${option.key}`);
  }
  const value = option.written > 0 ? <f64>option.written : number;
  const must = take(option, type, value, text);
  option.sound = must.length == 0;
  if (!option.sound) report(true, position.file, line, key, option.shown, `must be ${must}`);
  else if (option.tolerated > 0 && value > option.most) reportClamped(option);
  else if (option.kind == Kind.Arguments) position.array = option;
}

function reportClamped(option: Option): void {
  const reason = `is taken as ${<i64>option.most}, which is the most`;
  report(false, option.file, option.line, option.givenAs, option.shown, reason);
}

/** One element of the array or list that was entered last; ignored if that was not taken. */
export function element(line: i32, type: i32, textAddress: usize, textLength: i32): void {
  const option = position.array;
  if (option === null) return;
  const text = fromBytes(textAddress, textLength);
  position.elements++;
  if (type != ValueType.String) {
    const shown = `element ${position.elements}`;
    report(true, position.file, line, option.givenAs, shown, `must be a string, not ${typeName(type)}`);
    return;
  }
  option.list.push(text);
  option.shown = option.list.length == 1 ? `["${text}"]` : `["${option.list[0]}", ...]`;
}

/** Says where an array has too few or too many elements. */
function checkLengths(): void {
  const all = table().options;
  for (let i = 0; i < all.length; i++) {
    const option = all[i];
    if (option.kind != Kind.Arguments || !option.given || option.derived) continue;
    const length = <f64>option.list.length;
    const isLegal = length >= option.least && length <= option.most;
    if (!isLegal && errorCount() == 0) {
      report(true, option.file, option.line, option.givenAs, option.shown, `must be ${option.legal}`);
    }
  }
}

/**
 * Ends the reading and returns the number of errors. The file and its last line stand for options that are
 * not there; with `starting`, what this machine or this version lacks is an error, otherwise a warning.
 */
export function finish(path: usize, length: i32, lastLine: i32, starting: bool): i32 {
  machine.starting = starting;
  checkLengths();
  applyRules(fromBytes(path, length), lastLine);
  orderMessages();
  return errorCount();
}

/** Number of messages so far. */
export function messageCount(): i32 {
  return messages.length;
}

/** Text of a message, without a line end. */
export function messageText(index: i32): usize {
  return toBytes(messages[index].text);
}

/** Whether a message forbids the start. */
export function messageIsError(index: i32): bool {
  return messages[index].isError;
}

/** Number of options and computed values; they are addressed by their index below this. */
export function optionCount(): i32 {
  return table().options.length;
}

/** Key of an option in the file, or name of a computed value. */
export function optionKey(index: i32): usize {
  return toBytes(table().options[index].key);
}

/** Whether it is computed from others and not a key of the file. */
export function optionIsDerived(index: i32): bool {
  return table().options[index].derived;
}

/** Whether an array is its value in the file. */
export function optionIsArray(index: i32): bool {
  return table().options[index].kind == Kind.Arguments;
}

/** What the option is about, in one sentence. */
export function optionAbout(index: i32): usize {
  return toBytes(table().options[index].about);
}

/** The legal values in words. */
export function optionLegal(index: i32): usize {
  return toBytes(table().options[index].legal);
}

/** What special values mean; may be empty. */
export function optionNote(index: i32): usize {
  return toBytes(table().options[index].note);
}

/** The default in words. */
export function optionDefault(index: i32): usize {
  const option = table().options[index];
  if (option.required) return toBytes("none: it must be given");
  if (option.initialNote.length > 0) return toBytes(option.initialNote);
  if (option.kind == Kind.Choice) return toBytes(`"${option.choices[<i32>option.initial]}"`);
  return toBytes(`${<i64>option.initial}`);
}

/**
 * How much of the option is carried out: 0 all, 1 nothing yet, 2 other values than the neutral one are
 * refused.
 */
export function optionEffect(index: i32): i32 {
  return table().options[index].effect;
}

/** Why values other than the neutral one have no effect or are refused; empty with an effect of 0. */
export function optionLimitation(index: i32): usize {
  const option = table().options[index];
  return option.effect == Effect.Full ? toBytes("") : toBytes(option.limitation);
}

/** Number of words that a choice can be; 0 for other options. */
export function choiceCount(index: i32): i32 {
  return table().options[index].choices.length;
}

/** A word that a choice can be; its value is the word's index. */
export function choiceText(index: i32, word: i32): usize {
  return toBytes(table().options[index].choices[word]);
}

/** How the value leaves: 0 number, 1 text, 2 bytes, 3 list of texts, 4 not at all. */
export function fieldKind(index: i32): i32 {
  return fieldOf(table().options[index]);
}

/** Bytes of a text with its ending zero, or of an address; 0 for others. */
export function fieldSize(index: i32): i32 {
  return sizeOf(table().options[index]);
}

/** All values: for people as lines of text, or for programs as an object of JSON. */
export function values(isJson: bool): usize {
  return toBytes(isJson ? asJson(table()) : asLines(table()));
}

/** Value of a number, a switch (0 or 1) or a choice (its index); an IPv4 address in host byte order. */
export function valueNumber(index: i32): f64 {
  return table().options[index].number;
}

/** Value of a text. */
export function valueText(index: i32): usize {
  return toBytes(table().options[index].text);
}

/** Address of the bytes of an address; all zero: not given. */
export function valueBytes(index: i32): usize {
  return changetype<usize>(table().options[index].bytes);
}

/** Number of texts in a list. */
export function valueLength(index: i32): i32 {
  return table().options[index].list.length;
}

/** One text of a list. */
export function valueElement(index: i32, element: i32): usize {
  return toBytes(table().options[index].list[element]);
}

/** Number of arguments of the EAL that are known. */
export function ealCount(): i32 {
  return ealOptions.length;
}

/** Name of an argument of the EAL, with its dashes. */
export function ealName(index: i32): usize {
  return toBytes(ealOptions[index].name);
}

/** What happens to an argument of the EAL. */
export function ealTreatment(index: i32): usize {
  return toBytes(describe(ealOptions[index]));
}

/** Number of keys of the original that are warned about. */
export function retiredCount(): i32 {
  return table().retired.length;
}

/** A key of the original that is warned about. */
export function retiredKey(index: i32): usize {
  return toBytes(table().retired[index].key);
}

/** What to do about it. */
export function retiredAdvice(index: i32): usize {
  return toBytes(table().retired[index].advice);
}

/** Number of old names. */
export function aliasCount(): i32 {
  return table().aliases.length;
}

/** An old name of an option. */
export function aliasKey(index: i32): usize {
  return toBytes(table().aliases[index].key);
}

/** The option's present name. */
export function aliasOption(index: i32): usize {
  return toBytes(table().aliases[index].option);
}
