// The only plain JavaScript of the tool chain: it needs nothing but Node, brings the machine to the point
// where the rest (TypeScript) can run, and hands over to build/node/scripts/<command>.js with the remaining
// arguments.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const BUILD = join(ROOT, "build");
const MINIMUM_NODE = 20;
const POLICY_FILE = "/usr/sbin/policy-rc.d";
const POLICY_SAVED = `${POLICY_FILE}.before-gazelle`;
const POLICY_MARK = "# gazelle: no service starts while packages are installed by process";

/** Which lists of scripts/packages.json a command needs; the wanted ones may be missing without root. */
const COMMANDS = {
  build: { required: ["build"], wanted: [] },
  demo: { required: ["build", "demo"], wanted: [] },
  test: { required: ["build"], wanted: ["demo", "bench", "test", "package"] },
  sim: { required: ["build"], wanted: [] },
  bench: { required: ["build", "bench"], wanted: ["demo"] },
  check: { required: ["build"], wanted: [] },
  package: { required: ["build", "package"], wanted: [] },
  install: { required: ["build"], wanted: [] },
  uninstall: { required: [], wanted: [] },
};
/** The tests run the build themselves and count it as one; what is removed need not be built. */
const WITHOUT_BUILD = new Set(["build", "test", "uninstall"]);

/** Undone on every way out, also Ctrl-C; each entry is a function without arguments. */
const cleanups = [];
let interrupted = null;
let currentChild = null;

function say(text) {
  process.stderr.write(`${text}\n`);
}

function runCleanups() {
  for (let undo = cleanups.pop(); undo !== undefined; undo = cleanups.pop()) undo();
}

function exit(code) {
  runCleanups();
  process.exit(code);
}

function fail(text) {
  say(`gazelle: ${text}`);
  exit(1);
}

function catchSignals() {
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ]) {
    process.on(signal, () => {
      if (interrupted === null) interrupted = code;
      // A child in our process group has the terminal's Ctrl-C already; one sent to us alone is passed on.
      if (currentChild !== null && currentChild.exitCode === null) currentChild.kill(signal);
      else exit(code);
    });
  }
}

/** Runs a program to its end, gives every output line to onLine, and resolves to {code, output}. */
function run(program, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"], ...options.spawn });
    currentChild = child;
    let output = "";
    let rest = "";
    const take = (chunk) => {
      const text = chunk.toString();
      output += text;
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      if (options.onLine) for (const line of lines) options.onLine(line);
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    child.on("error", (error) => {
      output += error.message;
    });
    child.on("close", (code) => {
      currentChild = null;
      if (interrupted !== null) exit(interrupted);
      resolve({ code: code ?? 1, output });
    });
  });
}

async function step(name, work) {
  const start = process.hrtime.bigint();
  say(`gazelle: ${name} ...`);
  await work();
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  say(`gazelle: ${name}: done in ${seconds.toFixed(1)} s`);
}

function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < MINIMUM_NODE) {
    fail(`Node ${MINIMUM_NODE} or later is needed, this is ${process.versions.node}`);
  }
}

/** Serialises installation and compilation between processes that share this clone. */
async function takeLock() {
  mkdirSync(BUILD, { recursive: true });
  const path = join(BUILD, ".bootstrap-lock");
  const deadline = Date.now() + 30 * 60 * 1000;
  let told = false;
  for (;;) {
    try {
      const fd = openSync(path, "wx");
      writeFileSync(fd, String(process.pid));
      closeSync(fd);
      const release = () => rmSync(path, { force: true });
      cleanups.push(release);
      return release;
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
    if (!lockHolderLives(path)) rmSync(path, { force: true });
    else if (Date.now() > deadline) fail(`waited 30 minutes for ${path}; remove it if no build is running`);
    else if (!told) {
      say("gazelle: waiting for another build in this clone ...");
      told = true;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function lockHolderLives(path) {
  // Released between our attempt and now: to be tried again.
  if (!existsSync(path)) return true;
  const pid = Number(readFileSync(path, "utf8"));
  // An empty file is a lock being taken this instant, unless it stays that way.
  return pid === 0 ? Date.now() - statSync(path).mtimeMs < 5000 : isAlive(pid);
}

function missingPackages(purposes) {
  const table = JSON.parse(readFileSync(join(ROOT, "scripts", "packages.json"), "utf8"));
  const names = [...new Set(purposes.flatMap((purpose) => table[purpose]))].sort();
  if (names.length === 0) return [];
  // biome-ignore lint/suspicious/noTemplateCurlyInString: these placeholders are dpkg-query's
  const query = spawnSync("dpkg-query", ["-W", "-f=${Package} ${db:Status-Status}\n", ...names], {
    encoding: "utf8",
  });
  if (query.error) return null;
  const installed = new Set(
    query.stdout
      .split("\n")
      .filter((line) => line.endsWith(" installed"))
      .map((line) => line.split(" ")[0]),
  );
  return names.filter((name) => !installed.has(name));
}

function installCommand(names) {
  return `apt-get update && apt-get install -y --no-install-recommends ${names.join(" ")}`;
}

/** Removes our policy file and puts back what was there; one of a run that is still going on stays. */
function restorePolicy() {
  const text = existsSync(POLICY_FILE) ? readFileSync(POLICY_FILE, "utf8") : "";
  const owner = text.includes(POLICY_MARK) ? Number(text.split(POLICY_MARK)[1].split("\n")[0]) : 0;
  if (owner > 0 && owner !== process.pid && isAlive(owner)) return;
  if (owner > 0) rmSync(POLICY_FILE);
  if (existsSync(POLICY_SAVED) && !existsSync(POLICY_FILE)) renameSync(POLICY_SAVED, POLICY_FILE);
}

function forbidServiceStarts() {
  restorePolicy();
  cleanups.push(restorePolicy);
  // Another installation's policy serves us as well, and is not ours to put away.
  if (existsSync(POLICY_FILE) && !readFileSync(POLICY_FILE, "utf8").includes(POLICY_MARK)) {
    renameSync(POLICY_FILE, POLICY_SAVED);
  }
  writeFileSync(POLICY_FILE, `#!/bin/sh\n${POLICY_MARK} ${process.pid}\nexit 101\n`);
  chmodSync(POLICY_FILE, 0o755);
}

async function apt(program, args, onLine) {
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" };
  const result = await run(program, args, { onLine, spawn: { env: environment } });
  if (result.code !== 0) {
    const tail = result.output.trim().split("\n").slice(-20).join("\n");
    say(tail);
    fail(`\`${program} ${args[0]} ...\` failed with status ${result.code} (its last lines are above)`);
  }
}

async function installPackages(names) {
  forbidServiceStarts();
  const lock = ["-o", "DPkg::Lock::Timeout=300"];
  await step("finishing interrupted package installations", () => apt("dpkg", ["--configure", "-a"]));
  await step("apt-get update", () => apt("apt-get", [...lock, "update", "-q"]));
  await step(`apt-get install ${names.join(" ")}`, async () => {
    let configured = 0;
    const onLine = (line) => {
      if (line.startsWith("Need to get ")) say(`  ${line}`);
      if (line.startsWith("Setting up ") && ++configured % 20 === 0) say(`  ${configured} packages set up`);
    };
    const options = [
      "install",
      "-y",
      "-q",
      "--no-install-recommends",
      "-o",
      "Dpkg::Options::=--force-confold",
    ];
    await apt("apt-get", [...lock, ...options, ...names], onLine);
  });
  restorePolicy();
}

async function ensurePackages(command) {
  // A run that was killed while it installed left its policy behind.
  if (process.getuid() === 0) restorePolicy();
  const { required, wanted } = COMMANDS[command];
  const missing = missingPackages([...required, ...wanted]);
  if (missing === null) {
    say("gazelle: dpkg-query not found: this is no Debian system, assuming that every tool is there");
    return;
  }
  if (missing.length === 0) return;
  if (process.getuid() === 0) {
    await installPackages(missing);
    return;
  }
  const needed = missingPackages(required);
  say(`gazelle: missing Debian packages: ${missing.join(" ")}; as root, run:`);
  say(`  ${installCommand(missing)}`);
  if (needed.length > 0) exit(1);
  say("gazelle: going on without them; tests that need them are skipped and named");
}

function lockFileKey() {
  const hash = createHash("sha256");
  hash.update(readFileSync(join(ROOT, "package-lock.json")));
  hash.update(`${process.arch} ${process.versions.modules}`);
  return hash.digest("hex");
}

async function ensureNodeModules() {
  const stamp = join(ROOT, "node_modules", ".gazelle-stamp");
  const key = lockFileKey();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === key) return;
  await step("npm ci", async () => {
    const byNpm = process.env.npm_execpath;
    const args = ["ci", "--no-audit", "--no-fund", "--no-progress"];
    const result =
      byNpm && /npm(-cli)?\.c?js$/.test(byNpm)
        ? await run(process.execPath, [byNpm, ...args])
        : await run("npm", args);
    if (result.code !== 0) {
      say(result.output.trim());
      fail("npm ci failed (see above)");
    }
    writeFileSync(stamp, key);
  });
}

/** Compiles what builds and tests; the rest of the Node side is compiled by a step of the build. */
async function compileScripts() {
  const compiler = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const result = await run(process.execPath, [compiler, "-p", join(ROOT, "scripts", "tsconfig.json")]);
  if (result.code !== 0) {
    say(result.output.trim());
    fail("the scripts do not compile (see above)");
  }
}

async function main() {
  const [command, ...args] = process.argv.slice(2);
  if (command === undefined || !Object.hasOwn(COMMANDS, command)) {
    fail(`usage: node scripts/bootstrap.mjs ${Object.keys(COMMANDS).join("|")} [arguments]`);
  }
  checkNode();
  catchSignals();
  const release = await takeLock();
  await ensurePackages(command);
  await ensureNodeModules();
  await compileScripts();
  release();
  cleanups.length = 0;
  if (!WITHOUT_BUILD.has(command)) {
    await import(pathToFileURL(join(BUILD, "node", "scripts", "build.js")).href);
    if (process.exitCode) return;
  }
  const entry = join(BUILD, "node", "scripts", `${command}.js`);
  if (!existsSync(entry)) fail(`the command ${command} has no scripts/${command}.ts yet`);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(signal);
  process.argv = [process.argv[0], entry, ...args];
  await import(pathToFileURL(entry).href);
}

await main();
