// How values leave the module: one by one for the C structure, or all of them as a text.
import { Effect, Kind, Option } from "./option";
import { Table } from "./table";

/** How a value leaves the module. */
const enum Field {
  Number,
  Text,
  Bytes,
  List,
  /** Other, computed fields say what this one means. */
  None,
}

const HEX_DIGITS = "0123456789abcdef";

/** How an option's value leaves. Options without effect do not, so that nobody relies on them. */
export function fieldOf(option: Option): Field {
  if (option.internal || option.effect != Effect.Full) return Field.None;
  switch (option.kind) {
    case Kind.Integer:
    case Kind.Switch:
    case Kind.Choice:
      return Field.Number;
    case Kind.Address4:
    case Kind.Address6:
    case Kind.Mac:
      return Field.Bytes;
    case Kind.Name:
    case Kind.Device:
    case Kind.Network6:
      return Field.Text;
    case Kind.Arguments:
    case Kind.Words:
    case Kind.InterfaceList:
    case Kind.MacList:
    case Kind.MaskList:
    case Kind.IdList:
    case Kind.OwnerList:
    case Kind.AddressMap:
      return Field.List;
    default:
      return Field.None;
  }
}

/** Bytes of a text with its ending zero, or of an address; 0 for others. */
export function sizeOf(option: Option): i32 {
  switch (option.kind) {
    case Kind.Address4:
    case Kind.Address6:
    case Kind.Device:
      return 16;
    case Kind.Mac:
      return 6;
    case Kind.Name:
      return <i32>option.most + 1;
    default:
      return 0;
  }
}

function inHexadecimal(option: Option): string {
  let text = "";
  for (let i = 0; i < sizeOf(option); i++) {
    text += HEX_DIGITS.charAt(option.bytes[i] >> 4) + HEX_DIGITS.charAt(option.bytes[i] & 15);
  }
  return text;
}

function shown(option: Option, field: Field): string {
  if (field == Field.Number) return `${<i64>option.number}`;
  return field == Field.Bytes ? inHexadecimal(option) : option.text;
}

/** A line "name = value" for each field, and a line "name[] = value" for each element of a list. */
export function asLines(table: Table): string {
  let text = "";
  for (let i = 0; i < table.options.length; i++) {
    const option = table.options[i];
    const field = fieldOf(option);
    if (field == Field.List) {
      for (let j = 0; j < option.list.length; j++) text += `${option.key}[] = ${option.list[j]}\n`;
    } else if (field != Field.None) {
      text += `${option.key} = ${shown(option, field)}\n`;
    }
  }
  return text;
}

/** A string of JSON (RFC 8259, section 7). */
function quoted(text: string): string {
  let result = '"';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20) result += `\\u00${HEX_DIGITS.charAt(code >> 4)}${HEX_DIGITS.charAt(code & 15)}`;
    else if (code == 0x22 || code == 0x5c) result += "\\" + text.charAt(i);
    else result += text.charAt(i);
  }
  return result + '"';
}

function asJsonValue(option: Option, field: Field): string {
  if (option.kind == Kind.Switch) return option.number != 0 ? "true" : "false";
  if (option.kind == Kind.Choice || option.kind == Kind.Address4) return quoted(option.text);
  if (field == Field.Number) return `${<i64>option.number}`;
  if (field != Field.List) return quoted(shown(option, field));
  const elements: string[] = [];
  for (let i = 0; i < option.list.length; i++) elements.push(quoted(option.list[i]));
  return `[${elements.join(",")}]`;
}

/**
 * An object of JSON with a member for each field: switches are booleans, choices their words, lists arrays of
 * strings.
 */
export function asJson(table: Table): string {
  const members: string[] = [];
  for (let i = 0; i < table.options.length; i++) {
    const option = table.options[i];
    const field = fieldOf(option);
    if (field != Field.None) members.push(`${quoted(option.key)}:${asJsonValue(option, field)}`);
  }
  return `{${members.join(",")}}\n`;
}
