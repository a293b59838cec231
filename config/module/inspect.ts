// Looks through the text of a file for what libconfig would read in a way that nobody means. Version 1.5
// takes an integer of more than 32 bits without the suffix L modulo 2^32, and one of more than 64 bits for
// the greatest, ends the process when it is told to include a folder, waits for ever for a pipe, and takes
// the rest of a file for a comment that has no end.

import { wholeNumber } from "./text";

/** A place in the file that must not be passed on as it is. */
export class Finding {
  constructor(
    public readonly line: i32,
    /** The last name before it: the key of a value. */
    public readonly key: string,
    /** The number in question, which must be legal for the key; or empty, and there is a reason. */
    public readonly text: string,
    public readonly reason: string,
    /** The number's value; 0 if it is negative, 2^64-1 if it is larger. */
    public readonly value: u64 = 0,
  ) {}
}

const DIGITS = "0123456789";
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ*";
const NAME_CHARACTERS = `${LETTERS}${DIGITS}_-`;
const NUMBER_CHARACTERS = `${LETTERS}${DIGITS}.`;
/** Greatest integers of libconfig: without and with the suffix L. */
const GREATEST: u64 = 0x7fffffff;
const GREATEST_LONG: u64 = 0x7fffffffffffffff;

/** Reads a text from its beginning to its end. */
class Scanner {
  at: i32 = 0;
  line: i32 = 1;

  constructor(public readonly text: string) {}

  get isAtEnd(): bool {
    return this.at >= this.text.length;
  }

  looksAt(prefix: string): bool {
    for (let i = 0; i < prefix.length; i++) {
      const at = this.at + i;
      if (at >= this.text.length || this.text.charCodeAt(at) != prefix.charCodeAt(i)) return false;
    }
    return true;
  }

  step(): void {
    if (this.text.charCodeAt(this.at) == 0x0a) this.line++;
    this.at++;
  }

  /** Moves to the end of the line. */
  skipLine(): void {
    while (!this.isAtEnd && !this.looksAt("\n")) this.at++;
  }

  /** Moves behind a comment between slashes and asterisks. Returns whether it has an end. */
  skipBlock(): bool {
    this.at += 2;
    while (!this.isAtEnd && !this.looksAt("*/")) this.step();
    const hasEnd = !this.isAtEnd;
    this.at += 2;
    return hasEnd;
  }

  /** Moves behind a string; a backslash protects the character after it. */
  skipString(): void {
    this.at++;
    while (!this.isAtEnd && !this.looksAt('"')) {
      if (this.looksAt("\\")) this.step();
      if (!this.isAtEnd) this.step();
    }
    this.at++;
  }

  /** Takes all characters of a set that follow. */
  take(set: string): string {
    const start = this.at;
    while (!this.isAtEnd && set.includes(this.text.charAt(this.at))) this.at++;
    return this.text.substring(start, this.at);
  }
}

/** An integer of the file, with what it is written in. */
class Literal {
  isInteger: bool = true;
  isLong: bool = false;
  value: u64 = 0;

  constructor(text: string) {
    const isHexadecimal = text.startsWith("0x") || text.startsWith("0X");
    let digits = isHexadecimal ? text.substring(2) : text;
    while (digits.endsWith("L")) {
      this.isLong = true;
      digits = digits.substring(0, digits.length - 1);
    }
    const set = isHexadecimal ? "0123456789abcdefABCDEF" : DIGITS;
    for (let i = 0; i < digits.length; i++) {
      if (!set.includes(digits.charAt(i))) this.isInteger = false;
    }
    if (this.isInteger) this.value = wholeNumber(digits, isHexadecimal ? 16 : 10);
  }

  /** Whether libconfig would take it for another number. */
  isTooLarge(isNegative: bool): bool {
    const greatest = this.isLong ? GREATEST_LONG : GREATEST;
    return this.isInteger && this.value > greatest + (isNegative ? 1 : 0);
  }
}

/** Takes a number with its sign, the value of a key. Returns what is wrong with it, or null. */
function takeNumber(scanner: Scanner, key: string): Finding | null {
  const isNegative = scanner.looksAt("-");
  const sign = scanner.take("+-");
  const text = scanner.take(NUMBER_CHARACTERS);
  const literal = new Literal(text);
  if (!literal.isTooLarge(isNegative)) return null;
  return new Finding(scanner.line, key, sign + text, "", isNegative ? 0 : literal.value);
}

/** What a text holds. */
class Inspection {
  readonly names: string[] = [];
  readonly findings: Finding[] = [];
}

/**
 * All names, and the integers that do not fit. The first directive that includes a file, or comment without
 * end, is the last finding.
 */
export function inspect(text: string): Inspection {
  const inspection = new Inspection();
  const findings = inspection.findings;
  const scanner = new Scanner(text);
  let key = "";
  while (!scanner.isAtEnd) {
    const character = text.charAt(scanner.at);
    if (character == "#" || scanner.looksAt("//")) {
      scanner.skipLine();
    } else if (scanner.looksAt("/*")) {
      const line = scanner.line;
      if (!scanner.skipBlock()) {
        findings.push(new Finding(line, "comment", "", "must end with */"));
        return inspection;
      }
    } else if (character == '"') {
      scanner.skipString();
    } else if (scanner.looksAt("@include")) {
      const reason = "must not be used; all options are in one file";
      findings.push(new Finding(scanner.line, "@include", "", reason));
      return inspection;
    } else if (LETTERS.includes(character)) {
      key = scanner.take(NAME_CHARACTERS);
      inspection.names.push(key);
    } else if ("+-0123456789".includes(character)) {
      const finding = takeNumber(scanner, key);
      if (finding !== null) findings.push(finding);
    } else {
      scanner.step();
    }
  }
  return inspection;
}
