#!/usr/bin/env node
// Starts the compiled command-line tool; everything it does is in ctl/main.ts.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = new URL("../../build/node/ctl/main.js", import.meta.url);
if (existsSync(fileURLToPath(main))) {
  await import(main.href);
} else {
  process.stderr.write("gazelle: not built yet: run `npm run build` first\n");
  process.exitCode = 1;
}
