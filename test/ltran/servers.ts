/** The servers of the acceptance test. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { waitUntil } from "../../scripts/lab/command.js";
import type { Lab } from "../../scripts/lab/lab.js";
import { type Program, startProgram } from "../../scripts/lab/program.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";
import { writeCheckedFiles } from "../apps/checked-files.js";
import { type Accelerated, redisArguments, startAccelerated } from "./accelerated.js";

/** The port of nginx. */
export const httpPort = 80;

const readyTimeoutMs = 10_000;

function configuration(folder: string, address: string): string {
  return `
daemon off;
user www-data;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 768; }
http {
  access_log off;
  sendfile on;
  default_type application/octet-stream;
  keepalive_requests 1000000;
  server {
    listen ${address}:${httpPort};
    root ${folder}/www;
  }
}
`;
}

/**
 * Starts an accelerated nginx, a master of root's and a worker of www-data's which has the stack, with
 * checked files. Several may have one address.
 */
export function startNginx(lab: Lab, name: string, options: Accelerated): Program {
  const folder = join(temporaryFolder(), name);
  mkdirSync(join(folder, "www"), { recursive: true });
  chmodSync(folder, 0o755);
  writeCheckedFiles(join(folder, "www"));
  writeFileSync(join(folder, "nginx.conf"), configuration(folder, options.address));
  const argumentList = ["-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")];
  return startAccelerated(lab, "nginx", argumentList, options);
}

/** Starts the kernel's Redis at the client's end of a lab. */
export async function startKernelRedis(lab: Lab, address: string): Promise<Program> {
  const program = startProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "redis-server",
    argumentList: redisArguments(address),
  });
  const isReady = () => /Ready to accept/.test(program.output()) || program.result() !== undefined;
  await waitUntil(isReady, readyTimeoutMs);
  if (program.result() !== undefined) throw new Error(`redis-server ended:\n${program.output()}`);
  return program;
}
