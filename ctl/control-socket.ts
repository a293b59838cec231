/** Finding and asking control sockets (docs/control-protocol.md). */
import { lstatSync, readdirSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";

/** The version of the protocol that this tool speaks. */
const PROTOCOL_VERSION = 1;

/** A process that serves its socket answers within a few milliseconds. */
const PATIENCE_MS = 5_000;
/** Who sends a byte now and then is given up, too. */
const LONGEST_MS = 8_000;
/** No answer is nearly as large: whoever sends more is neither a stack nor an ltran. */
const LINE_LIMIT = 1 << 21;
const BODY_LIMIT = 1 << 16;
const SUFFIX = ".sock";
/** Sockets of ltran in the same folders: they tell of no stack. */
const LTRAN = /ltran_(cmd|client|memif)\.sock$/;

/** Why a process cannot be asked; the message says it to a user. */
export class ControlError extends Error {}

/** What every answer begins with. */
export interface AnswerHead {
  version: number;
  error?: string;
  countersBytes?: number;
  poolsBytes?: number;
  objectsBytes?: number;
}

/** An answer: the line of facts, and the bytes behind it. */
export interface Answer {
  head: AnswerHead;
  body: Buffer;
}

function childFolders(parent: string, pattern: RegExp): string[] {
  try {
    return readdirSync(parent)
      .filter((name) => pattern.test(name))
      .map((name) => join(parent, name));
  } catch {
    return [];
  }
}

/** Where sockets of processes may be that we could ask: root's everywhere, others' their own. */
export function controlFolders(): string[] {
  const uid = process.geteuid?.() ?? 0;
  const runtime = process.env.XDG_RUNTIME_DIR;
  const ours = [
    "/var/run/gazelle",
    ...(runtime === undefined || runtime === "" ? [] : [join(runtime, "gazelle")]),
    `/run/user/${uid}/gazelle`,
    `/tmp/gazelle-${uid}`,
  ];
  if (uid !== 0) return [...new Set(ours)];
  const users = childFolders("/run/user", /^\d+$/).map((folder) => join(folder, "gazelle"));
  return [...new Set([...ours, ...users, ...childFolders("/tmp", /^gazelle-\d+$/)])];
}

/** Paths of all sockets, and the folders that may not be read. */
export function listSockets(): { paths: string[]; closed: string[] } {
  const paths: string[] = [];
  const closed: string[] = [];
  for (const folder of controlFolders()) {
    try {
      for (const name of readdirSync(folder)) {
        const path = join(folder, name);
        if (name.endsWith(SUFFIX) && !LTRAN.test(name) && lstatSync(path).isSocket()) paths.push(path);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EACCES") closed.push(folder);
    }
  }
  return { paths, closed };
}

/** Paths that may be those of a process: unix_prefix, which we do not know, comes before its id. */
export function socketsOf(pid: number): { paths: string[]; closed: string[] } {
  const { paths, closed } = listSockets();
  return { paths: paths.filter((path) => path.endsWith(`${pid}${SUFFIX}`)), closed };
}

function parseHead(line: string): AnswerHead {
  let head: unknown;
  try {
    head = JSON.parse(line);
  } catch {
    throw new ControlError("it is no control socket of Gazelle");
  }
  if (typeof head !== "object" || head === null || typeof (head as AnswerHead).version !== "number") {
    throw new ControlError("it is no control socket of Gazelle");
  }
  return head as AnswerHead;
}

/** The answer that begins a text, or null while it is not complete. */
function parseAnswer(received: Buffer): Answer | null {
  const end = received.indexOf("\n");
  if (end < 0) return null;
  const head = parseHead(received.toString("latin1", 0, end));
  if (head.error === "version" || head.version !== PROTOCOL_VERSION) {
    throw new ControlError(
      `it speaks version ${head.version} of the control protocol, this tool version ${PROTOCOL_VERSION}`,
    );
  }
  if (head.error !== undefined) throw new ControlError(`it answers: ${head.error}`);
  const length = (head.countersBytes ?? 0) + (head.poolsBytes ?? 0) + (head.objectsBytes ?? 0);
  if (!Number.isInteger(length) || length < 0 || length > BODY_LIMIT) {
    throw new ControlError("its answer makes no sense");
  }
  const body = received.subarray(end + 1);
  return body.length < length ? null : { head, body: body.subarray(0, length) };
}

function explain(error: NodeJS.ErrnoException): ControlError {
  if (error.code === "EACCES" || error.code === "EPERM") {
    return new ControlError("not permitted: only its own user and root may ask it");
  }
  if (error.code === "ECONNREFUSED" || error.code === "ENOENT")
    return new ControlError("nobody listens there");
  if (error.code === "EAGAIN") return new ControlError("too many others are asking it; try again");
  return error instanceof ControlError ? error : new ControlError(error.message);
}

/**
 * Sends one command to the control socket at a path.
 * @throws ControlError with a reason that a user understands.
 */
export function askControl(path: string, command: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(path);
    let received = Buffer.alloc(0);
    const fail = (error: NodeJS.ErrnoException) => {
      connection.destroy();
      reject(explain(error));
    };
    const limit = setTimeout(() => fail(new ControlError("it does not come to an end")), LONGEST_MS);
    connection.setTimeout(PATIENCE_MS, () => fail(new ControlError("it does not answer")));
    connection.on("connect", () => connection.write(`gazelle ${PROTOCOL_VERSION} ${command}\n`));
    connection.on("error", fail);
    connection.on("close", () => {
      clearTimeout(limit);
      reject(new ControlError("not permitted, or it is ending: it hung up"));
    });
    connection.on("data", (part) => {
      received = Buffer.concat([received, part]);
      try {
        if (received.length > LINE_LIMIT + BODY_LIMIT) throw new ControlError("its answer makes no sense");
        const answer = parseAnswer(received);
        if (answer === null) return;
        connection.destroy();
        resolve(answer);
      } catch (error) {
        fail(error as ControlError);
      }
    });
  });
}
