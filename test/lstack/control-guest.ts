/** Playing the clients of a control socket. */
import { spawn } from "node:child_process";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { waitUntil } from "../../scripts/lab/command.js";
import { repositoryRoot } from "../../scripts/lab/repository.js";
import { redisService } from "../apps/redis-server.js";
import { Service } from "../apps/service.js";

export const FOLDER = "/var/run/gazelle";

/** How a command ended. */
export interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs a command without blocking this process, which may play the other end. */
function execute(command: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (part) => {
      stdout += part;
    });
    child.stderr.on("data", (part) => {
      stderr += part;
    });
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
}

/** Runs the command-line tool. */
export function gazelle(...args: string[]): Promise<Outcome> {
  return execute(process.execPath, [join(repositoryRoot, "ctl", "bin", "gazelle.mjs"), ...args]);
}

/** Where the socket of a server is. */
export function socketPath(service: Service, prefix = ""): string {
  return join(FOLDER, `${prefix}${service.server.pid}.sock`);
}

/** A client of ours at the socket, which keeps what it was told. */
export class Guest {
  received = Buffer.alloc(0);
  closed = false;
  readonly socket: Socket;

  constructor(path: string, reads = true) {
    this.socket = createConnection(path);
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.closed = true;
    });
    if (reads) {
      this.socket.on("data", (part) => {
        this.received = Buffer.concat([this.received, part]);
      });
    }
  }

  send(bytes: string | Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  line(): string {
    return this.received.toString("latin1").split("\n")[0] ?? "";
  }

  isClosed(withinMs: number): Promise<boolean> {
    return waitUntil(() => this.closed, withinMs);
  }

  hasAnswer(withinMs = 1_000): Promise<boolean> {
    return waitUntil(() => this.received.includes("\n"), withinMs);
  }
}

/** An accelerated redis-server with further lines in its configuration. */
export function start(label: string, extraLines: readonly string[] = []): Promise<Service> {
  return Service.start({
    ...redisService,
    label,
    stack: "gazelle",
    argumentList: (folder) => [...redisService.argumentList(folder), "--enable-debug-command", "yes"],
    configuration: { port: "packet", extraLines },
  });
}
