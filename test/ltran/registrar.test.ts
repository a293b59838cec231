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

/** From here on there are no descriptors. */
const NOWHERE = 1_000_000;
const ENOMEM = 12;
const EAGAIN = 11;
const uid = process.geteuid?.() ?? 0;
const nonsense = Buffer.from("nonsense");

let folder: string;
let listener: number;
let said: string[];
let arrivals: number[];
let message: Received;
let isWatched: boolean;
let registrar: Registrar;

/** What the addon would do, as far as it is asked for here. */
const native = {
  listen: (path: string) => {
    writeFileSync(path, "");
    listener = openSync(path, "r");
    return listener;
  },
  accept: () => ({ fd: arrivals.shift() ?? -EAGAIN, pid: 1, uid, gid: 0 }),
  watch: (fd: number) => (isWatched || fd === listener ? 0 : -ENOMEM),
  receive: () => message,
  send: () => 0,
} as unknown as Native;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), `gz-${process.pid}-registrar-`));
  said = [];
  arrivals = [];
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
  message = { size: nonsense.length, data: nonsense, fds: [NOWHERE] };
  registrar.readable(fd);
  assert.match(said.join(), /refused: this is no registration/);
  assert.ok(!isOpen(fd));
});

test("a user whose descriptors are not closed yet gets no more connections, later he does", async () => {
  message = { size: nonsense.length, data: nonsense, fds: [1, 2, 3, 4].map((more) => NOWHERE + more) };
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
