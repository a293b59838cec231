import { Kind, Option } from "./option";

/** A key of the original that has no place here, and what to do about it. */
export class Retired {
  constructor(
    public readonly key: string,
    public readonly advice: string,
  ) {}
}

/** A name under which an option is known too. */
export class Alias {
  constructor(
    public readonly key: string,
    public readonly option: string,
    /** A misspelt or older name brings a warning; one that is as good as the other does not. */
    public readonly isEqual: bool = false,
  ) {}
}

/** Every option of one configuration file. */
export class Table {
  /** All options and computed values, in the order of their declaration. */
  readonly options: Option[] = [];

  constructor(
    /** The file's name, as users know it. */
    public readonly file: string,
    public readonly aliases: Alias[],
    public readonly retired: Retired[],
  ) {}

  add(key: string, kind: Kind, initial: f64, about: string): Option {
    const option = new Option(key, kind, initial, about);
    this.options.push(option);
    return option;
  }

  integer(key: string, initial: f64, about: string): Option {
    return this.add(key, Kind.Integer, initial, about);
  }

  toggle(key: string, initial: f64, about: string): Option {
    return this.add(key, Kind.Switch, initial, about).between(0, 1);
  }

  choice(key: string, choices: string[], about: string): Option {
    return this.add(key, Kind.Choice, 0, about).oneOf(choices);
  }

  text(key: string, kind: Kind, about: string): Option {
    return this.add(key, kind, 0, about);
  }

  /** The option of this name or of one of its other names; null if there is none. */
  find(key: string): Option | null {
    let name = key;
    for (let i = 0; i < this.aliases.length; i++) {
      if (this.aliases[i].key == key) name = this.aliases[i].option;
    }
    for (let i = 0; i < this.options.length; i++) {
      if (this.options[i].key == name && !this.options[i].derived) return this.options[i];
    }
    return null;
  }

  /** What to do about a key of the original; an empty string if it is not one of those. */
  adviceOn(key: string): string {
    for (let i = 0; i < this.retired.length; i++) {
      if (this.retired[i].key == key) return this.retired[i].advice;
    }
    return "";
  }

  /** Whether a name that is not the option's own brings a warning. */
  isOldName(key: string): bool {
    for (let i = 0; i < this.aliases.length; i++) {
      if (this.aliases[i].key == key) return !this.aliases[i].isEqual;
    }
    return false;
  }

  /** All keys that a file may hold. */
  get keys(): string[] {
    const keys: string[] = [];
    for (let i = 0; i < this.options.length; i++) {
      if (!this.options[i].derived) keys.push(this.options[i].key);
    }
    return keys;
  }
}
