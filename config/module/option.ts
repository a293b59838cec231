/** What a value of the file may look like. */
export const enum Kind {
  Integer,
  /** 0 or 1; true and false are accepted too. */
  Switch,
  /** One of a list of words; the number is its index. */
  Choice,
  /** Part of a file name. */
  Name,
  Address4,
  Address6,
  /** An IPv6 network: "2001:db8::/64". */
  Network6,
  Mask,
  /** A MAC address or the name of a network interface. */
  Device,
  /** A MAC address alone; only computed. */
  Mac,
  /** MAC or PCI addresses separated by semicolons. */
  DeviceList,
  /** Numbers and ranges of numbers: "2,4-7". */
  NumberList,
  /** An array of strings. */
  Arguments,
  /** One string of words separated by blanks. */
  Words,
  /** Names of network interfaces separated by commas. */
  InterfaceList,
  /** MAC addresses separated by commas. */
  MacList,
  /** Hexadecimal bit masks separated by commas. */
  MaskList,
  /** Numbers of users, groups or VLANs, and ranges of them: "0,1000-1999". */
  IdList,
  /** Addresses with the numbers of their users: "192.168.1.10=1000". */
  OwnerList,
  /** Numbers with the address of each: "5=192.168.1.50". */
  AddressMap,
}

/** Entries that the original accepted in a list of CPUs or NUMA nodes. */
export const MOST_CPUS: f64 = 640;

const MAC_EXAMPLE = "02:00:00:00:00:01,02:00:00:00:00:02";

/** How much of an option this version carries out. */
export const enum Effect {
  Full,
  /** Checked, but another value than the neutral one changes nothing: a warning. */
  NoneYet,
  /** Another value than the neutral one would not give what was asked for: a start is refused. */
  Refused,
}

/** Alternatives in words: a, b or c. */
function inWords(values: string[], quote: string): string {
  let words = "";
  for (let i = 0; i < values.length; i++) {
    words += (i == 0 ? "" : i == values.length - 1 ? " or " : ", ") + quote + values[i] + quote;
  }
  return words;
}

/** One option: what may be declared about it, and the value that this reading found. */
export class Option {
  least: f64 = 0;
  most: f64 = 0;
  /** Legal although it lies outside of least..most; NaN: there is no such value. */
  exception: f64 = NaN;
  powerOfTwo: bool = false;
  /** The only legal integers; empty: all within the limits are. */
  only: f64[] = [];
  /** Values beyond the upper limit up to this one count as the limit, with a warning; 0: they are illegal. */
  tolerated: u64 = 0;
  choices: string[] = [];
  effect: Effect = Effect.Full;
  /** With an effect other than Full: the value that changes nothing, and why the others do not work. */
  neutral: f64 = 0;
  /** Another value that means the same as the neutral one; NaN: there is none. */
  equivalent: f64 = NaN;
  limitation: string = "";
  /** A legal IPv4 address. */
  example: string = "192.168.1.10";
  required: bool = false;
  /** Computed from other options; not a key of the file. */
  derived: bool = false;
  /** Computed values say to the shell what it means. */
  internal: bool = false;
  /** What the document says about the default where a number alone would not explain it. */
  initialNote: string = "";
  /** What the exceptional value or the limits mean. */
  note: string = "";

  given: bool = false;
  /** Given, and legal by itself. */
  sound: bool = false;
  /** The name under which it was given: an alias, perhaps. */
  givenAs: string = "";
  line: i32 = 0;
  file: string = "";
  /** The value as the file has it, for messages. */
  shown: string = "";
  number: f64 = 0;
  /** The integer as written, where it is larger than what libconfig can tell; 0: it can. */
  written: u64 = 0;
  text: string = "";
  list: string[] = [];
  /** Address kinds: 16 bytes, IPv4 in its mapped form; all zero: none. */
  bytes: StaticArray<u8> = new StaticArray<u8>(16);

  constructor(
    public readonly key: string,
    public readonly kind: Kind,
    public readonly initial: f64,
    public readonly about: string,
  ) {
    this.number = initial;
  }

  /** Limits, both included. */
  between(least: f64, most: f64): Option {
    this.least = least;
    this.most = most;
    return this;
  }

  /** A value with a meaning of its own outside of the limits. */
  except(value: f64): Option {
    this.exception = value;
    return this;
  }

  /** The only legal integers, in ascending order. */
  onlyOf(values: f64[]): Option {
    this.only = values;
    return this.between(values[0], values[values.length - 1]);
  }

  /** Larger values up to this one count as the upper limit, with a warning. */
  tolerating(value: u64): Option {
    this.tolerated = value;
    return this;
  }

  /** An IPv4 address that is a better example than a host's. */
  like(example: string): Option {
    this.example = example;
    return this;
  }

  onlyPowersOfTwo(): Option {
    this.powerOfTwo = true;
    return this;
  }

  oneOf(choices: string[]): Option {
    this.choices = choices;
    this.text = choices[<i32>this.initial];
    return this;
  }

  mustBeGiven(): Option {
    this.required = true;
    return this;
  }

  /** Values other than the neutral one change nothing so far. */
  withoutEffect(neutral: f64, limitation: string): Option {
    this.effect = Effect.NoneYet;
    this.neutral = neutral;
    this.limitation = limitation;
    return this;
  }

  /** Values other than the neutral one cannot be carried out so far. */
  refused(neutral: f64, limitation: string): Option {
    this.effect = Effect.Refused;
    this.neutral = neutral;
    this.limitation = limitation;
    return this;
  }

  /** Declares a value that means the same as the neutral one. */
  orAsWell(value: f64): Option {
    this.equivalent = value;
    return this;
  }

  defaultsTo(note: string): Option {
    this.initialNote = note;
    return this;
  }

  meaning(note: string): Option {
    this.note = note;
    return this;
  }

  computed(): Option {
    this.derived = true;
    return this;
  }

  /** The shell gets values computed from it, and not itself. */
  carriedByOthers(): Option {
    this.internal = true;
    return this;
  }

  /** Whether the value is one that this version carries out. */
  get isNeutral(): bool {
    switch (this.kind) {
      case Kind.Integer:
      case Kind.Switch:
      case Kind.Choice:
        return this.number == this.neutral || this.number == this.equivalent;
      default:
        return this.text.length == 0 && this.list.length == 0;
    }
  }

  /** The legal values in words, as messages and the document give them. */
  get legal(): string {
    switch (this.kind) {
      case Kind.Integer:
        return this.legalIntegers();
      case Kind.Switch:
        return "0 or 1";
      case Kind.Choice:
        return inWords(this.choices, '"');
      case Kind.Name:
        return `a string of at most ${<i32>this.most} characters without /|;&$><\`\\! and control characters`;
      case Kind.Address4:
        return `an IPv4 address such as "${this.example}"`;
      case Kind.Address6:
        return 'an IPv6 address such as "2001:db8::10"';
      case Kind.Network6:
        return 'an IPv6 network of 1 to 127 bits such as "2001:db8::/64"';
      case Kind.Mask:
        return 'a contiguous IPv4 mask from "128.0.0.0" to "255.255.255.255"';
      case Kind.Device:
        return 'the MAC address of a device, such as "aa:bb:cc:dd:ee:ff", or the name of a network interface';
      case Kind.DeviceList:
        return 'one or two MAC or PCI addresses, separated by ";"';
      case Kind.NumberList:
        return `a list of numbers from ${<i32>this.least} to ${<i32>this.most} such as "2" or "2,4-7"`;
      case Kind.Words:
        return `a string of at most ${<i32>this.most} arguments separated by blanks`;
      case Kind.InterfaceList:
        return `1 to ${<i32>this.most} network interfaces, each once, such as "eth1" or "eth1,eth2"`;
      case Kind.MacList:
        return `1 to ${<i32>this.most} MAC addresses, each once, such as "${MAC_EXAMPLE}"`;
      case Kind.MaskList:
        return `1 to ${<i32>this.most} masks from 0x1 to 0xff such as "0x1" or "0x3,0xc"`;
      case Kind.IdList:
        return 'a list of numbers and ranges of numbers such as "0" or "0,1000-1999"';
      case Kind.OwnerList:
        return 'a list of addresses and users such as "192.168.1.10=1000,192.168.1.11=2000-2999"';
      case Kind.AddressMap:
        return `at most ${<i32>this.most} numbers with addresses, each once, such as "5=192.168.1.50"`;
      default:
        return `an array of 1 to ${<i32>this.most} strings`;
    }
  }

  private legalIntegers(): string {
    if (this.only.length > 0) {
      const values: string[] = [];
      for (let i = 0; i < this.only.length; i++) values.push(`${<i64>this.only[i]}`);
      return inWords(values, "");
    }
    const most = this.tolerated > 0 ? `${this.tolerated}` : `${<i64>this.most}`;
    const range = `an integer from ${<i64>this.least} to ${most}`;
    const powers = this.powerOfTwo ? `${range} that is a power of two` : range;
    return isNaN(this.exception) ? powers : `${<i64>this.exception} or ${powers}`;
  }
}
