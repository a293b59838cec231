/** Python's http.server, a thread for each connection, with curl moving 100 MB in both directions. */
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { onEachStack } from "./each-stack.js";
import { httpServerArguments } from "./http-server.js";
import { digestOfFile, writeRandomFile } from "./payload.js";
import { serverAddress } from "./service.js";

const port = 8_000;
const largeBytes = 100 << 20;
const smallBytes = 1 << 20;
const parallel = 50;
const url = `http://${serverAddress}:${port}`;

function prepare(folder: string): readonly string[] {
  const root = join(folder, "www");
  mkdirSync(root);
  writeRandomFile(join(root, "large"), largeBytes);
  writeRandomFile(join(root, "small"), smallBytes);
  return httpServerArguments(folder, root, serverAddress, port);
}

onEachStack(
  "python http.server",
  () => ({
    command: "/usr/bin/python3",
    argumentList: prepare,
    processNames: ["python3"],
    ready: { port },
  }),
  (service) => {
    const file = (name: string) => join(service().folder, "www", name);

    test("sends 100 MB byte for byte", async () => {
      const copy = join(service().folder, "copy");
      const transfer = () => service().client("curl", ["-sSf", "-o", copy, `${url}/large`]);
      await service().accounted(transfer, { connections: 1 });
      assert.equal(digestOfFile(copy), digestOfFile(file("large")));
    });

    test("receives 100 MB byte for byte", async () => {
      const transfer = () => service().client("curl", ["-sSf", "-T", file("large"), `${url}/uploaded`]);
      await service().accounted(transfer, { connections: 1 });
      assert.equal(digestOfFile(file("uploaded")), digestOfFile(file("large")));
    });

    test(`sends 1 MB over ${parallel} connections at once`, async () => {
      const copies = Array.from({ length: parallel }, (_, index) => join(service().folder, `copy${index}`));
      const targets = copies.flatMap((copy) => ["-o", copy, `${url}/small`]);
      const mode = ["-sSf", "--parallel", "--parallel-max", String(parallel), "--parallel-immediate"];
      await service().accounted(() => service().client("curl", [...mode, ...targets]), {
        connections: parallel,
      });
      const expected = digestOfFile(file("small"));
      assert.ok(copies.every((copy) => digestOfFile(copy) === expected));
    });

    test(`receives 1 MB over ${parallel} connections at once`, async () => {
      const names = Array.from({ length: parallel }, (_, index) => `uploaded${index}`);
      const sources = names.flatMap((name) => ["-T", file("small"), `${url}/${name}`]);
      const mode = ["-sSf", "--parallel", "--parallel-max", String(parallel), "--parallel-immediate"];
      await service().accounted(() => service().client("curl", [...mode, ...sources]), {
        connections: parallel,
      });
      const expected = digestOfFile(file("small"));
      assert.ok(names.every((name) => digestOfFile(file(name)) === expected));
    });
  },
);
