/** nginx in the shape of Debian's default configuration (daemon, master, one worker), with wrk and curl. */
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run, waitUntil } from "../../scripts/lab/command.js";
import { onEachStack } from "./each-stack.js";
import { digestOfFile, writeRandomFile } from "./payload.js";
import type { Service } from "./service.js";
import { serverAddress } from "./service.js";

const port = 80;
const largeBytes = 100 << 20;

/**
 * Debian's /etc/nginx/nginx.conf and sites-enabled/default, with paths of our own and one worker. Debian also
 * listens on [::]:80, which IPv4 cannot serve.
 */
function configuration(folder: string): string {
  return `
user www-data;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events {
  worker_connections 768;
}
http {
  sendfile on;
  tcp_nopush on;
  types_hash_max_size 2048;
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  access_log ${folder}/access.log;
  gzip on;
  server {
    listen ${port} default_server;
    root ${folder}/www;
    index index.html;
    server_name _;
    location / {
      try_files $uri $uri/ =404;
    }
  }
}
`;
}

function prepare(folder: string): readonly string[] {
  mkdirSync(join(folder, "www"));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, "www", "index.html"), "<!DOCTYPE html><title>Welcome</title>\n".repeat(16));
  writeRandomFile(join(folder, "www", "large"), largeBytes);
  writeFileSync(join(folder, "nginx.conf"), configuration(folder));
  return ["-c", join(folder, "nginx.conf"), "-e", join(folder, "error.log")];
}

function master(service: Service): number {
  return Number(readFileSync(join(service.folder, "nginx.pid"), "utf8"));
}

/** The worker, not the master, waits for connections and so owns the stack. */
function worker(service: Service): number {
  const found = service.processes().find((pid) => pid !== master(service));
  assert.ok(found, "nginx has no worker");
  return found;
}

const url = `http://${serverAddress}:${port}`;

onEachStack(
  "nginx",
  () => ({
    command: "nginx",
    argumentList: prepare,
    processNames: ["nginx"],
    ready: { port },
    daemon: true,
    stackOwner: worker,
  }),
  (service) => {
    test("runs as a master and one worker", () => {
      assert.equal(service().processes().length, 2);
    });

    for (const connections of [1, 50, 500]) {
      test(`answers wrk over ${connections} connections without an error`, async () => {
        // wrk resolves and tests the address with a connection of its own before it starts.
        const result = await service().accounted(() =>
          service().client("wrk", ["-t1", `-c${connections}`, "-d1s", "--latency", `${url}/`]),
        );
        const report = result.stdout.toString();
        assert.doesNotMatch(report, /Socket errors|Non-2xx/);
        assert.ok(Number(/(\d+) requests in/.exec(report)?.[1]) > 100, report);
      });
    }

    test("sends 100 MB byte for byte", async () => {
      const copy = join(service().folder, "copy");
      await service().accounted(() => service().client("curl", ["-sSf", "-o", copy, `${url}/large`]), {
        connections: 1,
      });
      assert.equal(digestOfFile(copy), digestOfFile(join(service().folder, "www", "large")));
    });

    test("goes on with a new worker when the worker is killed", async () => {
      const killed = worker(service());
      process.kill(killed, "SIGKILL");
      const replaced = () => service().processes().length === 2 && worker(service()) !== killed;
      assert.ok(await waitUntil(replaced, 5_000), "the master starts no worker");
      const answer = await service().client("curl", ["-sSf", "-m", "5", `${url}/`]);
      assert.match(answer.stdout.toString(), /Welcome/);
    });

    test("answers a request for something missing", async () => {
      const status = await service().client("curl", [
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        `${url}/no`,
      ]);
      assert.equal(status.stdout.toString(), "404");
    });
  },
  // Workers register, and the master, root, does not.
  { ltran: { allow_uids: `"${run("id", ["-u", "www-data"]).toString().trim()}"` } },
);
