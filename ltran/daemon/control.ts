/** The control socket of ltran (docs/control-protocol.md): a line asks, a line of JSON answers. */
import { chmodSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { claim, temporaryName } from "./place.js";

const PROTOCOL_VERSION = 1;
const REQUEST_MOST = 63;
const CLIENTS_MOST = 8;
const PATIENCE_MS = 5_000;

/** What can be asked; each answers the members of its line, or null when words behind it make no sense. */
export type Commands = Readonly<Record<string, (words: readonly string[]) => object | null>>;

/** A command that takes no words. */
export function plain(answer: () => object): (words: readonly string[]) => object | null {
  return (words) => (words.length > 0 ? null : answer());
}

function answerTo(request: string, commands: Commands): { line: object; isLast: boolean } {
  const [word, version, name, ...rest] = request.split(" ");
  const refuse = (error: string) => ({ line: { version: PROTOCOL_VERSION, error }, isLast: true });
  if (word !== "gazelle" || version === undefined) return refuse("not a request");
  if (version !== String(PROTOCOL_VERSION)) return refuse("version");
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  const answer = command?.(rest) ?? null;
  if (answer === null) return refuse("unknown command");
  return { line: { version: PROTOCOL_VERSION, ...answer }, isLast: false };
}

function serve(connection: Socket, commands: Commands): void {
  let asked = "";
  connection.setTimeout(PATIENCE_MS, () => connection.destroy());
  connection.on("error", () => connection.destroy());
  connection.on("data", (part) => {
    asked += part.toString("latin1");
    for (let end = asked.indexOf("\n"); end >= 0; end = asked.indexOf("\n")) {
      const { line, isLast } = answerTo(asked.slice(0, end), commands);
      asked = asked.slice(end + 1);
      const text = `${JSON.stringify(line)}\n`;
      if (isLast) {
        connection.end(text);
        return;
      }
      // Whoever asks and does not read waits for no second answer.
      if (!connection.write(text)) connection.end();
    }
    if (asked.length > REQUEST_MOST) connection.destroy();
  });
}

/** Serves a control socket at a path. @throws Error when another ltran has it. */
export async function serveControl(path: string, commands: Commands): Promise<Server> {
  const server = createServer((connection) => serve(connection, commands));
  const temporary = temporaryName(path);
  server.maxConnections = CLIENTS_MOST;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(temporary, resolve);
  });
  chmodSync(temporary, 0o600);
  try {
    await claim(temporary, path);
  } catch (error) {
    server.close();
    throw error;
  }
  return server;
}
