// Looks through the text of a file for what libconfig would read in a way that nobody means. Version 1.5
// takes an integer of more than 32 bits without the suffix L modulo 2^32, ends the process when it is told to
// include a folder, waits for ever for a pipe, and takes the rest of a file for a comment that has no end.

/** A place in the file that must not be passed on. */
export class Finding {
  constructor(
    public readonly line: i32,
    /** The last name before it: the key of a value. */
    public readonly key: string,
    /** The number in question, which must be legal for the key; or empty, and there is a reason. */
    public readonly text: string,
    public readonly reason: string,
  ) {}
}

const DIGITS = "0123456789";
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ*";
const NAME_CHARACTERS = `${LETTERS}${DIGITS}_-`;
const NUMBER_CHARACTERS = `${LETTERS}${DIGITS}.`;
/** Longer runs of decimal digits, leading zeros aside, cannot fit into 32 bits. */
const MOST_DECIMAL_DIGITS = 10;
const MOST_HEXADECIMAL_DIGITS = 8;
const GREATEST: i64 = 2147483647;

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

function withoutLeadingZeros(digits: string): string {
  let at = 0;
  while (at < digits.length - 1 && digits.charAt(at) == "0") at++;
  return digits.substring(at);
}

/** Whether a literal is an integer without suffix that does not fit into 32 bits. */
function isTooLarge(literal: string, isNegative: bool): bool {
  const isHexadecimal = literal.startsWith("0x") || literal.startsWith("0X");
  const digits = withoutLeadingZeros(isHexadecimal ? literal.substring(2) : literal);
  for (let i = 0; i < digits.length; i++) {
    const set = isHexadecimal ? "0123456789abcdefABCDEF" : DIGITS;
    if (!set.includes(digits.charAt(i))) return false;
  }
  if (digits.length > (isHexadecimal ? MOST_HEXADECIMAL_DIGITS : MOST_DECIMAL_DIGITS)) return true;
  if (digits.length == 0) return false;
  const value = I64.parseInt(digits, isHexadecimal ? 16 : 10);
  return value > (isNegative ? GREATEST + 1 : GREATEST);
}

/** Takes a number with its sign. Returns it if it is too large, and else an empty string. */
function takeNumber(scanner: Scanner): string {
  const isNegative = scanner.looksAt("-");
  const sign = scanner.take("+-");
  const literal = scanner.take(NUMBER_CHARACTERS);
  return isTooLarge(literal, isNegative) ? sign + literal : "";
}

/** The first directive that includes a file, comment without end or integer that does not fit; or null. */
export function inspect(text: string): Finding | null {
  const scanner = new Scanner(text);
  let key = "";
  while (!scanner.isAtEnd) {
    const character = text.charAt(scanner.at);
    if (character == "#" || scanner.looksAt("//")) {
      scanner.skipLine();
    } else if (scanner.looksAt("/*")) {
      const line = scanner.line;
      if (!scanner.skipBlock()) return new Finding(line, "comment", "", "must end with */");
    } else if (character == '"') {
      scanner.skipString();
    } else if (scanner.looksAt("@include")) {
      return new Finding(scanner.line, "@include", "", "must not be used; all options are in one file");
    } else if (LETTERS.includes(character)) {
      key = scanner.take(NAME_CHARACTERS);
    } else if ("+-0123456789".includes(character)) {
      const literal = takeNumber(scanner);
      if (literal.length > 0) return new Finding(scanner.line, key, literal, "");
    } else {
      scanner.step();
    }
  }
  return null;
}
