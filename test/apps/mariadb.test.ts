/** MariaDB with a thread per connection and blocking calls, with sysbench. */
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../../scripts/lab/command.js";
import { onEachStack } from "./each-stack.js";
import { digest } from "./payload.js";
import type { Service } from "./service.js";
import { serverAddress } from "./service.js";

const port = 3_306;
const blobBytes = 4 << 20;
const installTimeoutMs = 60_000;
const login = ["-h", serverAddress, "-P", String(port), "-u", "gazelle"];

/** Makes a data directory, and an account that may connect from the client's end. */
function prepare(folder: string): readonly string[] {
  const data = join(folder, "data");
  const start = join(folder, "start.sql");
  mkdirSync(data);
  const install = ["--no-defaults", `--datadir=${data}`, "--user=root", "--skip-test-db"];
  // Forced: a machine without /etc/hosts cannot look its own name up, and nobody needs to.
  run("mariadb-install-db", [...install, "--force", "--auth-root-authentication-method=normal"], {
    timeoutMs: installTimeoutMs,
  });
  writeFileSync(
    start,
    "CREATE DATABASE IF NOT EXISTS lab;\nGRANT ALL ON lab.* TO gazelle@'%' IDENTIFIED BY '';\n",
  );
  const files = [`--datadir=${data}`, `--socket=${folder}/socket`, `--pid-file=${folder}/pid`];
  const network = [`--bind-address=${serverAddress}`, `--port=${port}`, "--skip-name-resolve"];
  const sizes = ["--max-allowed-packet=16M", "--innodb-buffer-pool-size=32M", "--max-connections=200"];
  return ["--no-defaults", "--user=root", ...files, ...network, ...sizes, `--init-file=${start}`];
}

async function query(service: Service, sql: string): Promise<string> {
  const options = ["--no-defaults", ...login, "--max-allowed-packet=16M", "-N", "-B", "lab"];
  return (await service.client("mariadb", options, { input: sql })).stdout.toString().trim();
}

function sysbench(service: Service, script: string, threads: number, argumentList: readonly string[]) {
  const server = [`--mysql-host=${serverAddress}`, `--mysql-port=${port}`, "--mysql-user=gazelle"];
  const size = ["--mysql-db=lab", "--tables=1", "--table-size=1000", `--threads=${threads}`];
  return service.client("sysbench", [script, ...server, ...size, ...argumentList]);
}

onEachStack(
  "mariadb",
  () => ({
    command: "mariadbd",
    argumentList: prepare,
    processNames: ["mariadbd"],
    ready: { port },
  }),
  (service) => {
    test("loads the table of sysbench", async () => {
      await sysbench(service(), "oltp_read_write", 1, ["prepare"]);
      assert.equal(await query(service(), "SELECT COUNT(*) FROM sbtest1"), "1000");
    });

    for (const threads of [1, 8, 50]) {
      test(`serves point selects to ${threads} threads`, async () => {
        const result = await service().accounted(
          () => sysbench(service(), "oltp_point_select", threads, ["--time=0", "--events=5000", "run"]),
          { connections: threads },
        );
        assert.match(result.stdout.toString(), /transactions:\s+5000 /);
        assert.match(result.stdout.toString(), /ignored errors:\s+0 /);
      });
    }

    test("serves read-write transactions to 8 threads", async () => {
      const result = await service().accounted(
        () => sysbench(service(), "oltp_read_write", 8, ["--time=0", "--events=400", "run"]),
        { connections: 8 },
      );
      assert.match(result.stdout.toString(), /transactions:\s+400 /);
    });

    test("stores and returns 4 MB byte for byte", async () => {
      const content = randomBytes(blobBytes);
      const hexadecimal = content.toString("hex");
      await query(service(), "CREATE TABLE blobs (content LONGBLOB)");
      await query(service(), `INSERT INTO blobs VALUES (x'${hexadecimal}')`);
      assert.equal(await query(service(), "SELECT SHA2(content, 256) FROM blobs"), digest(content));
      assert.equal(await query(service(), "SELECT LOWER(HEX(content)) FROM blobs"), hexadecimal);
    });
  },
);
