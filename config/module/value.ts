// One value against its declaration: type, form and limits. What several options say together is in rules.ts.
import {
  isSamePrefix,
  maskLength,
  notHost,
  notHost6,
  parseIpv4,
  parseIpv6,
  showIpv6,
  storeMapped,
} from "./address";
import { isInterfaceName, isPciAddress, notDevice, parseMac } from "./device";
import {
  parseAddressMap,
  parseIds,
  parseInterfaces,
  parseMacs,
  parseMasks,
  parseOwners,
  parseWords,
} from "./lists";
import { parseNumberList } from "./number-list";
import { Kind, Option } from "./option";
import { contains, decimal } from "./text";

/** Types of values in a file; the numbers are those of libconfig's CONFIG_TYPE_*. */
export const enum ValueType {
  Group = 1,
  Integer = 2,
  LongInteger = 3,
  Real = 4,
  String = 5,
  Boolean = 6,
  Array = 7,
  List = 8,
}

/** A type in words. */
export function typeName(type: i32): string {
  switch (type) {
    case ValueType.Group:
      return "a group";
    case ValueType.Integer:
    case ValueType.LongInteger:
      return "an integer";
    case ValueType.Real:
      return "a number with a fraction";
    case ValueType.String:
      return "a string";
    case ValueType.Boolean:
      return "true or false";
    case ValueType.Array:
      return "an array";
    default:
      return "a list";
  }
}

/** Whether an option's values are written in the given type. */
function hasRightType(option: Option, type: i32): bool {
  switch (option.kind) {
    case Kind.Integer:
      return type == ValueType.Integer || type == ValueType.LongInteger;
    case Kind.Switch:
      return type == ValueType.Integer || type == ValueType.LongInteger || type == ValueType.Boolean;
    case Kind.Arguments:
      return type == ValueType.Array || type == ValueType.List;
    default:
      return type == ValueType.String;
  }
}

function isLegalInteger(option: Option, value: f64): bool {
  if (value == option.exception) return true;
  if (option.only.length > 0) return option.only.includes(value);
  const most = option.tolerated > 0 ? <f64>option.tolerated : option.most;
  if (value < option.least || value > most) return false;
  return !option.powerOfTwo || popcnt<i64>(<i64>value) == 1;
}

function checkChoice(option: Option, text: string): string {
  const index = option.choices.indexOf(text);
  if (index < 0) return option.legal;
  option.number = index;
  option.text = text;
  return "";
}

function checkName(option: Option, text: string): string {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) < 0x20 || text.charCodeAt(i) == 0x7f) return option.legal;
  }
  if (<f64>text.length > option.most || contains(text, "/|;&$><`\\!")) return option.legal;
  option.text = text;
  return "";
}

function checkIpv4(option: Option, text: string): string {
  const address = parseIpv4(text);
  if (address < 0) return option.legal;
  const reason = address == 0 ? "" : notHost(<u32>address);
  if (reason.length > 0) return `${option.legal}, ${reason}`;
  if (address == 0 && option.required) return `${option.legal}, ${notHost(0)}`;
  option.number = <f64>address;
  option.text = text;
  if (address != 0) storeMapped(<u32>address, option.bytes);
  return "";
}

function checkIpv6(option: Option, text: string): string {
  const bytes = new StaticArray<u8>(16);
  if (!parseIpv6(text, bytes)) return option.legal;
  const reason = notHost6(bytes);
  if (reason.length > 0) return `${option.legal}, ${reason}`;
  option.bytes = bytes;
  option.text = text;
  return "";
}

/** Clears what is behind the first `length` bits of an address; whether anything was set there. */
function clearHost(bytes: StaticArray<u8>, length: i32): bool {
  let wasSet = false;
  for (let i = 0; i < 16; i++) {
    const bits = length - 8 * i;
    const mask = bits >= 8 ? 0 : bits <= 0 ? 0xff : 0xff >> bits;
    if ((<i32>bytes[i] & mask) != 0) wasSet = true;
    bytes[i] = <u8>(<i32>bytes[i] & ~mask);
  }
  return wasSet;
}

function checkNetwork6(option: Option, text: string): string {
  const sides = text.split("/");
  const bytes = new StaticArray<u8>(16);
  const length = sides.length == 2 ? decimal(sides[1]) : -1;
  if (length < 1 || length > 127 || !parseIpv6(sides[0], bytes)) return option.legal;
  const reason = notHost6(bytes);
  if (reason.length > 0) return `${option.legal}, ${reason}`;
  // Among them are the forms in which IPv4 addresses are written.
  if (isSamePrefix(bytes, new StaticArray<u8>(16), 80)) return `${option.legal}, not of ::/80`;
  if (clearHost(bytes, <i32>length)) {
    return `${option.legal}, with nothing behind its ${length} bits: "${showIpv6(bytes)}/${length}"`;
  }
  option.number = <f64>length;
  option.bytes = bytes;
  option.text = `${showIpv6(bytes)}/${length}`;
  return "";
}

function checkMask(option: Option, text: string): string {
  const mask = parseIpv4(text);
  if (mask < 0 || maskLength(<u32>mask) < 0) return option.legal;
  option.number = <f64>mask;
  option.text = text;
  return "";
}

function checkDevice(option: Option, text: string): string {
  if (text.includes(":")) {
    const mac = new StaticArray<u8>(6);
    if (!parseMac(text, mac)) return option.legal;
    const reason = notDevice(mac);
    if (reason.length > 0) return `${option.legal}, ${reason}`;
  } else if (!isInterfaceName(text)) {
    return option.legal;
  }
  option.text = text;
  return "";
}

function checkDeviceList(option: Option, text: string): string {
  const parts = text.split(";");
  if (parts.length > 2) return option.legal;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i].trim();
    const mac = new StaticArray<u8>(6);
    const isMac = parseMac(part, mac) && notDevice(mac).length == 0;
    if (!isMac && !isPciAddress(part)) return option.legal;
  }
  option.text = text;
  return "";
}

function checkNumberList(option: Option, text: string): string {
  if (text.trim().length > 0 && parseNumberList(text, <i32>option.most + 1) === null) return option.legal;
  option.text = text.trim();
  return "";
}

function takeList(option: Option, list: string[] | null): string {
  if (list === null || <f64>list.length > option.most) return option.legal;
  option.list = list;
  return "";
}

/**
 * Takes a value into its option. Returns an empty string, or what the value must be.
 * The elements of an array follow one by one.
 */
export function take(option: Option, type: i32, number: f64, text: string): string {
  if (!hasRightType(option, type)) return `${option.legal}, not ${typeName(type)}`;
  switch (option.kind) {
    case Kind.Integer:
    case Kind.Switch:
      if (!isLegalInteger(option, number)) return option.legal;
      option.number = option.tolerated > 0 ? Math.min(number, option.most) : number;
      return "";
    case Kind.Choice:
      return checkChoice(option, text);
    case Kind.Name:
      return checkName(option, text);
    case Kind.Address4:
      return checkIpv4(option, text);
    case Kind.Address6:
      return checkIpv6(option, text);
    case Kind.Network6:
      return checkNetwork6(option, text);
    case Kind.Mask:
      return checkMask(option, text);
    case Kind.Device:
      return checkDevice(option, text);
    case Kind.DeviceList:
      return checkDeviceList(option, text);
    case Kind.NumberList:
      return checkNumberList(option, text);
    case Kind.Words:
      return takeList(option, parseWords(text));
    case Kind.InterfaceList:
      return takeList(option, parseInterfaces(text));
    case Kind.MacList:
      return takeList(option, parseMacs(text));
    case Kind.MaskList:
      return takeList(option, parseMasks(text));
    case Kind.IdList:
      return takeList(option, parseIds(text));
    case Kind.OwnerList:
      return takeList(option, parseOwners(text));
    case Kind.AddressMap:
      return takeList(option, parseAddressMap(text));
    default:
      return "";
  }
}
