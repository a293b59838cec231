import { readFileSync } from "node:fs";
import { runNodeTool } from "./build/command.js";
import { writeAtomically } from "./build/files.js";
import { inRoot, ROOT } from "./build/paths.js";
import { test } from "./test/main.js";
import { readSources } from "./tidy/source.js";
import { wrapComments } from "./tidy/wrap-comments.js";

/** Repairs what a tool can repair in the given folders or files: wide comments, format, order of imports. */
async function fix(places: readonly string[]): Promise<void> {
  const chosen = readSources(ROOT).filter(
    ({ path, language }) => language !== "text" && places.some((place) => path.startsWith(place)),
  );
  for (const { path } of chosen) {
    const text = readFileSync(inRoot(path), "utf8");
    writeAtomically(inRoot(path), wrapComments(text));
  }
  const scripts = chosen.filter(({ language }) => language === "script").map(({ path }) => path);
  if (scripts.length === 0) return;
  await runNodeTool("@biomejs/biome/bin/biome", ["check", "--write", "--colors=off", ...scripts]);
}

// What needs no stack to run: rules, types, format. `--fix PLACE...` repairs instead.
const [option, ...places] = process.argv.slice(2);
if (option === "--fix") await fix(places);
else await test(["tidy", "types", "biome"]);
