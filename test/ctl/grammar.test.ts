/** Command lines: what they mean, and what is none. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Misuse, parse } from "../../ctl/gazellectl/parse.js";
import { gazellectl } from "./gazellectl.js";

/** A command line as people type it. */
function parsed(line: string) {
  return parse(line.split(" ").filter((word) => word !== ""));
}

/** The view that a line asks for, and what stands behind it. */
function viewOf(line: string): unknown[] {
  const { command } = parsed(line);
  if (command.kind !== "lstack" && command.kind !== "ltran") return [command.kind];
  const { view, choice, time } = command.wanted;
  return [command.kind, view.words[0], choice, time];
}

describe("gazellectl's grammar", () => {
  for (const [line, expected] of [
    ["ltran show", ["ltran", "", undefined, undefined]],
    ["ltran show -r", ["ltran", "-r", undefined, undefined]],
    ["ltran show rate 5", ["ltran", "-r", undefined, 5]],
    ["ltran show -i", ["ltran", "-i", undefined, undefined]],
    ["ltran show --instance", ["ltran", "-i", undefined, undefined]],
    ["ltran show -b 1800", ["ltran", "-b", undefined, 1800]],
    ["ltran show -t socktable", ["ltran", "-t", "socktable", undefined]],
    ["ltran show table conntable", ["ltran", "-t", "conntable", undefined]],
    ["ltran quit", ["quit"]],
    ["ltran set loglevel debug", ["loglevel"]],
    ["lstack show", ["list"]],
    ["lstack show 10.0.0.1", ["lstack", "", undefined, undefined]],
    ["lstack show redis-server -r 3", ["lstack", "-r", undefined, 3]],
    ["lstack show 12 snmp", ["lstack", "-s", undefined, undefined]],
    ["lstack show 12 connetct", ["lstack", "-c", undefined, undefined]],
    ["lstack show 12 aggragate 2", ["lstack", "-a", undefined, 2]],
    ["lstack show 12 aggregatin", ["lstack", "-a", undefined, undefined]],
    ["lstack show 12 -x", ["lstack", "-x", undefined, undefined]],
    ["lstack show 12 nic-features", ["lstack", "-k", undefined, undefined]],
    ["lstack show 12 -p tcp", ["lstack", "-p", "TCP", undefined]],
    ["lstack show -p ETHARP", ["lstack", "-p", "ETHARP", undefined]],
    ["lstack show 12 -l 30", ["lstack", "-l", undefined, 30]],
    ["lstack show 12 virtio", ["lstack", "-v", undefined, undefined]],
    ["lstack show 12 -I", ["lstack", "-I", undefined, undefined]],
    ["lstack set 12 lowpower 1", ["lowpower"]],
    ["lstack set 12 loglevel error", ["stackLoglevel"]],
    ["inject loss 0.01 2 random", ["inject"]],
    ["inject delay 20 5 random redis-server", ["inject"]],
    ["inject unset all", ["unset"]],
    ["help", ["help"]],
    ["lstack show 12 -h", ["help"]],
  ] as const) {
    it(`takes "${line}"`, () => assert.deepEqual(viewOf(line), expected));
  }

  it("takes options in every place", () => {
    const { manner, command } = parsed("-u front- lstack --json show 12 --watch -r");
    assert.deepEqual(manner, { prefix: "front-", isJson: true, isWatch: true });
    assert.equal(command.kind === "lstack" && command.target, "12");
  });

  for (const line of [
    "",
    "ltran",
    "ltran show -z",
    "ltran show -i 5",
    "ltran show -r 0",
    "ltran show -r 1801",
    "ltran show -r 1.5",
    "ltran show -r 5 6",
    "ltran show -t",
    "ltran show -t other",
    "ltran quit now",
    "ltran set loglevel loud",
    "lstack",
    "lstack show -z",
    "lstack show 12 -r soon",
    "lstack show 12 -p",
    "lstack show 12 -p SCTP",
    "lstack set 12 lowpower 2",
    "lstack set 12 loglevel 2",
    "lstack set 12 lowpower",
    "inject loss 0.01 2",
    "inject loss 2 1 random",
    "inject loss 0 1 random",
    "inject delay 5 6 random",
    "inject unset",
    "inject noise 0.1 1 random",
    "-u",
    "reboot",
  ]) {
    it(`does not take "${line}"`, () => assert.throws(() => parsed(line), Misuse));
  }
});

describe("gazellectl's exit status", { timeout: 60_000 }, () => {
  it("is 2 for a command line that is none, with the usage on standard error", async () => {
    const { status, stdout, stderr } = await gazellectl(["lstack", "show", "1", "--everything"]);
    assert.equal(status, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /^gazellectl: unknown: --everything\n\nUsage: gazellectl ltran show /);
  });

  it("is 0 for help, which goes to standard output", async () => {
    for (const word of ["-h", "help", "--help"]) {
      const { status, stdout, stderr } = await gazellectl([word]);
      assert.deepEqual([status, stderr], [0, ""]);
      assert.match(stdout, /^Usage: gazellectl ltran show /);
    }
  });

  it("is 1 when there is no such target or no ltran", async () => {
    for (const words of [
      ["lstack", "show", "10.255.255.254"],
      ["lstack", "set", "no-such-program", "lowpower", "1"],
      ["inject", "loss", "0.1", "1", "random", "no-such-program"],
      ["-u", "no-such-prefix-", "ltran", "show"],
      ["-u", "no-such-prefix-", "ltran", "quit"],
    ]) {
      const { status, stdout, stderr } = await gazellectl(words);
      assert.deepEqual([status, stdout], [1, ""], words.join(" "));
      assert.match(stderr, /^gazellectl: (no instance is |nobody listens)/, words.join(" "));
    }
  });
});
