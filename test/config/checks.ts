// What tests of either file's options say again and again.
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Verdict } from "./checker.js";

/** Options as a file has them. */
export type Options = Readonly<Record<string, string>>;

/** Key, default, lowest and highest legal value, and what else is legal. */
export type IntegerRow = readonly [string, number, number, number, number?];

/** Key and default. */
export type SwitchRow = readonly [string, number];

/** Tests of one kind of file; `check` looks at the smallest right one with other or further options. */
export class Checks {
  readonly #check: (options: Options) => Verdict;

  constructor(check: (options: Options) => Verdict) {
    this.#check = check;
  }

  /** Fails unless the options are right, perhaps with warnings. */
  takes(options: Options): Verdict {
    const verdict = this.#check(options);
    assert.deepEqual([verdict.status, verdict.errors], [0, []], JSON.stringify(options));
    return verdict;
  }

  /** Fails if a start would use another value; one that has no effect of its own is not shown at all. */
  hasValue(key: string, options: Options, expected: number): void {
    const value = this.takes(options).values[key];
    if (value !== undefined) assert.equal(value, String(expected), key);
  }

  /** Fails unless one message refuses the value, in words that match. */
  refuses(key: string, value: string, must: RegExp): void {
    const verdict = this.#check({ [key]: value });
    assert.equal(verdict.status, 1, `${key} = ${value} is refused`);
    assert.equal(verdict.errors.length, 1, verdict.errors.join("\n"));
    assert.match(verdict.errors[0] ?? "", /^\d+: /);
    assert.ok(verdict.errors[0]?.includes(` ${key} = ${value}: must `), verdict.errors[0]);
    assert.match(verdict.errors[0] ?? "", must);
  }

  /** Declares the tests of integers. */
  integers(rows: readonly IntegerRow[]): void {
    for (const row of rows) {
      const [key, initial, least, most, exception] = row;
      it(`${key}: default and limits`, () => {
        this.hasValue(key, {}, initial);
        for (const value of [least, most, exception ?? least])
          this.hasValue(key, { [key]: String(value) }, value);
      });
      it(`${key}: beyond the limits`, () => this.#beyond(row));
      it(`${key}: wrong types`, () => this.#wrongTypes(key, initial));
    }
  }

  #beyond([key, , least, most, exception]: IntegerRow): void {
    const range = new RegExp(`an integer from ${least} to ${most}`);
    const beyond = [most + 1, -2147483648, 2147483648, 9007199254740993n, 18446744073709551616n];
    const below = least - 1 === exception ? [] : [least - 1];
    for (const value of [...below, ...beyond]) {
      if (BigInt(value) > BigInt(most) || BigInt(value) < BigInt(least))
        this.refuses(key, String(value), range);
    }
    if (key.endsWith("queue_size")) this.refuses(key, "3000", /that is a power of two/);
  }

  #wrongTypes(key: string, initial: number): void {
    this.refuses(key, `"${initial}"`, /, not a string$/);
    this.refuses(key, "1.5", /, not a number with a fraction$/);
    this.refuses(key, "true", /, not true or false$/);
    const array = this.#check({ [key]: `[${initial}]` });
    assert.match(array.errors.join(), new RegExp(`${key} = \\(an array\\): must be .*, not an array$`));
    const group = this.#check({ [key]: "{ a = 1 }" });
    assert.match(group.errors.join(), new RegExp(`${key} = \\(a group\\): must be .*, not a group$`));
  }

  /** Declares the tests of switches. */
  switches(rows: readonly SwitchRow[]): void {
    for (const [key, initial] of rows) {
      it(key, () => {
        this.hasValue(key, {}, initial);
        for (const [value, meaning] of Object.entries({ 0: 0, 1: 1, true: 1, false: 0 })) {
          this.hasValue(key, { [key]: value }, meaning);
        }
        this.refuses(key, "2", /must be 0 or 1$/);
        this.refuses(key, "-1", /must be 0 or 1$/);
        this.refuses(key, '"1"', /must be 0 or 1, not a string$/);
        this.refuses(key, "1.5", /must be 0 or 1, not a number with a fraction$/);
      });
    }
  }
}
