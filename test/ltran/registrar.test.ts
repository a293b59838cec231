/** What a client may do to the process ltran by what it sends, with the addon replaced. */
import assert from "node:assert/strict";
import { fstatSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import type { DaemonConfig } from "../../ltran/daemon/config.js";
import type { Forwarder } from "../../ltran/daemon/forwarder.js";
import type { KernelDevice } from "../../ltran/daemon/kernel-device.js";
import type { Native, Received } from "../../ltran/daemon/native.js";
import type { Place } from "../../ltran/daemon/place.js";
import { Registrar } from "../../ltran/daemon/registrar.js";
import { message as registration } from "./client.js";

/** From here on there are no descriptors. */
const NOWHERE = 1_000_000;
const ENOMEM = 12;
const EAGAIN = 11;
const EMFILE = 24;
/** Longer than nobody is let in. */
const restMs = 200;
const uid = process.geteuid?.() ?? 0;
const nonsense = Buffer.from("nonsense");

let folder: string;
let listener: number;
let said: string[];
let arrivals: number[];
let message: Received;
let isWatched: boolean;
/** How often accept() finds no descriptor. */
let shortage: number;
/** How often the listening socket is to be watched again. */
let watches: number;
let sent: string[];
let registrar: Registrar;

/** What the addon would do, as far as it is asked for here. */
const native = {
  listen: (path: string) => {
    writeFileSync(path, "");
    listener = openSync(path, "r");
    return listener;
  },
  accept: () => {
    const isShort = shortage > 0 && arrivals.length > 0 && --shortage >= 0;
    return { fd: isShort ? -EMFILE : (arrivals.shift() ?? -EAGAIN), pid: 1, uid, gid: 0 };
  },
  watch: (fd: number) => {
    if (fd === listener) watches++;
    return isWatched || fd === listener ? 0 : -ENOMEM;
  },
  receive: () => message,
  send: (_fd: number, bytes: Uint8Array) => {
    sent.push(Buffer.from(bytes).toString("latin1"));
    return 0;
  },
} as unknown as Native;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), `gz-${process.pid}-registrar-`));
  said = [];
  arrivals = [];
  sent = [];
  shortage = 0;
  watches = 0;
  isWatched = true;
  const config = { allowUids: [], allowGids: [] } as unknown as DaemonConfig;
  registrar = new Registrar(native, config, {} as Forwarder, {} as KernelDevice, [], (text) =>
    said.push(text),
  );
  const [client, control, mtus] = ["client.sock", "cmd.sock", "mtus"].map((name) => join(folder, name));
  await registrar.listen({ folder, client, control, mtus } as Place);
});
afterEach(() => {
  registrar.close();
  rmSync(folder, { recursive: true });
});

/** A connection that ltran accepts: its descriptor. */
function connect(): number {
  const fd = openSync("/dev/null", "r");
  arrivals.push(fd);
  registrar.readable(listener);
  return fd;
}

function isOpen(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}

test("a descriptor that cannot be closed ends its sender's connection and nothing else", () => {
  const fd = connect();
  message = { size: nonsense.length, data: nonsense, isCut: 0, fds: [NOWHERE] };
  registrar.readable(fd);
  assert.match(said.join(), /refused: this is no registration/);
  assert.ok(!isOpen(fd));
});

test("a user whose descriptors are not closed yet gets no more connections, later he does", async () => {
  message = {
    size: nonsense.length,
    data: nonsense,
    isCut: 0,
    fds: [1, 2, 3, 4].map((more) => NOWHERE + more),
  };
  let accepted = 0;
  for (let round = 0; round < 100; round++) {
    const fd = connect();
    if (!isOpen(fd)) break;
    registrar.readable(fd);
    accepted++;
  }
  assert.ok(accepted > 0 && accepted < 20, `${accepted} connections`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(isOpen(connect()));
});

test("a connection whose end would not be noticed is not kept", () => {
  isWatched = false;
  assert.ok(!isOpen(connect()));
});

test("without descriptors a client is turned away by the one in reserve, and the next one is let in", () => {
  shortage = 1;
  const turned = connect();
  assert.ok(!isOpen(turned));
  assert.match(sent.join(), /can register nobody now .*LimitNOFILE/);
  assert.match(said.join(), /process 1 of user \d+ turned away \(EMFILE\)/);
  assert.equal(registrar.turnedAway, 1);
  assert.ok(isOpen(connect()));
});

test("without even that one nothing is watched for a while, then all is as before", async () => {
  shortage = 2;
  const before = watches;
  const fd = connect();
  registrar.readable(-1);
  assert.deepEqual([sent, watches], [[], before], "the socket would be readable at once, again and again");
  await new Promise((resolve) => setTimeout(resolve, restMs));
  assert.ok(isOpen(fd));
  assert.equal(watches, before + 1);
});

test("descriptors that did not arrive as there was no room are no fault of the client's", () => {
  const fd = connect();
  const register = Buffer.from(registration({}));
  message = { size: register.length, data: register, isCut: 1, fds: [] };
  registrar.readable(fd);
  assert.match(sent.join(), /no descriptors are left.*LimitNOFILE/);
  assert.ok(!isOpen(fd));
});

test("what goes wrong within ltran refuses one client and ends nothing", () => {
  const fd = connect();
  const broken = {
    size: 1,
    get data(): Buffer {
      throw new Error("EMFILE: too many open files, scandir");
    },
    isCut: 0,
    fds: [],
  };
  message = broken;
  registrar.readable(fd);
  assert.match(sent.join(), /can register nobody now \(EMFILE.*LimitNOFILE/);
  assert.match(said.join(), /refused: .*EMFILE/);
  assert.ok(isOpen(connect()));
});
