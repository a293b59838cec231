#!/usr/bin/env node
// Starts the compiled program; everything it does is in ctl/gazellectl.ts.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const main = new URL("../../build/node/ctl/gazellectl.js", import.meta.url);
if (existsSync(fileURLToPath(main))) {
  await import(main.href);
} else {
  process.stderr.write("gazellectl: not built yet: run `npm run build` first\n");
  process.exitCode = 1;
}
