/** Where ltran's sockets are, and who else may be there already. */
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { createConnection } from "node:net";
import { dirname, join } from "node:path";

const CLIENT_SOCKET = "ltran_client.sock";
const MEMIF_SOCKET = "ltran_memif.sock";
const CONTROL_SOCKET = "ltran_cmd.sock";
const MTUS = "ltran_mtu.json";
/** A unix socket's address holds 107 bytes. */
const PATH_MOST = 107;

/** The files of one ltran. */
export interface Place {
  folder: string;
  /** Programs register here. */
  client: string;
  /** Clients that speak memif connect here. */
  memif: string;
  /** gazellectl asks here. */
  control: string;
  /** The MTUs that devices had before. */
  mtus: string;
}

/**
 * Where the ltran with a unix_prefix is, or would be; lstack/runtime/control_path.c finds the folder alike.
 */
export function placeOf(prefix: string): Place {
  const uid = process.geteuid?.() ?? 0;
  const runtime = process.env.XDG_RUNTIME_DIR ?? "";
  const own = runtime.startsWith("/") ? join(runtime, "gazelle") : `/tmp/gazelle-${uid}`;
  const folder = uid === 0 ? "/var/run/gazelle" : own;
  return {
    folder,
    client: join(folder, prefix + CLIENT_SOCKET),
    memif: join(folder, prefix + MEMIF_SOCKET),
    control: join(folder, prefix + CONTROL_SOCKET),
    mtus: join(folder, prefix + MTUS),
  };
}

/** Names that are in use for a moment while an ltran starts, with its process id. */
const MOMENTARY = [/^\.(\d+)\.(?:cmd|client)$/, /\.sock\.(\d+)\.old$/];

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Removes what processes left that were killed while they started. */
function sweep(folder: string): void {
  for (const name of readdirSync(folder)) {
    const pid = MOMENTARY.map((pattern) => pattern.exec(name)?.[1]).find((text) => text !== undefined);
    if (pid !== undefined && !isAlive(Number(pid))) rmSync(join(folder, name), { force: true });
  }
}

/**
 * Whether an ltran was here whose clients may still look for the next one: it was killed, or left its socket
 * to them.
 */
export function hadPredecessor(place: Place): boolean {
  return existsSync(place.client);
}

/** Whether anybody listens at a socket for connected streams. */
export function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = createConnection(path);
    connection.on("connect", () => {
      connection.destroy();
      resolve(true);
    });
    connection.on("error", (error: NodeJS.ErrnoException) => resolve(error.code === "EAGAIN"));
  });
}

/**
 * Makes the folder unless it is there. Others may pass through it when somebody else may register: each
 * socket says itself who may connect.
 * @throws Error when the folder is another user's.
 */
export function useFolder(place: Place, isShared: boolean): void {
  if (Buffer.byteLength(place.client) > PATH_MOST) throw new Error(`the path ${place.client} is too long`);
  mkdirSync(place.folder, { recursive: true, mode: 0o700 });
  const status = lstatSync(place.folder);
  const isOurs = status.isDirectory() && status.uid === process.geteuid?.() && (status.mode & 0o022) === 0;
  if (!isOurs)
    throw new Error(`${place.folder} must be a folder of ltran's user that nobody else may write to`);
  if (isShared) chmodSync(place.folder, (status.mode & 0o777) | 0o011);
  sweep(place.folder);
}

/**
 * Gives a socket that listens already its final name, which is free or a dead ltran's; only one of several
 * that start at a time gets it.
 * @throws Error when another ltran lives.
 */
export async function claim(socket: string, path: string): Promise<void> {
  const old = `${path}.${process.pid}.old`;
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      linkSync(socket, path);
      rmSync(socket);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    if (await answers(path)) break;
    // Somebody else may have put a living one there since: then it gets its name back.
    renameSync(path, old);
    const lives = await answers(old);
    if (lives) renameSync(old, path);
    else rmSync(old, { force: true });
  }
  rmSync(socket, { force: true });
  throw new Error(
    `another ltran is running (${path}); end it with \`gazellectl ltran quit\`, or set unix_prefix`,
  );
}

/**
 * A name beside the final one, for a socket that does not listen yet; what a dead process left there goes.
 */
export function temporaryName(path: string): string {
  const kind = path.endsWith(CONTROL_SOCKET) ? "cmd" : path.endsWith(MEMIF_SOCKET) ? "memif" : "client";
  const name = join(dirname(path), `.${process.pid}.${kind}`);
  rmSync(name, { force: true });
  return name;
}

/**
 * Removes sockets that were claimed, and the folder if nothing else is in it. They must still be listened at:
 * another ltran takes a name that nobody answers for a dead one's, and may have its own there at once.
 */
export function leave(place: Place, sockets: readonly string[]): void {
  for (const path of sockets) rmSync(path, { force: true });
  try {
    if (readdirSync(place.folder).length === 0) rmdirSync(place.folder);
  } catch {
    // Another process was quicker, or came meanwhile.
  }
}
