/** What an installation consists of: one list for `install:system`, the Debian package and the RPM. */
import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { listFiles } from "../build/files.js";
import { inBuild, inRoot, ROOT } from "../build/paths.js";
import { reachedModules } from "./imports.js";

/** Folders of one kind of installation, absolute in the installed system. */
export interface Folders {
  /** Programs: /usr/bin. */
  programs: string;
  /** Shared objects, a folder that the dynamic linker searches. */
  libraries: string;
  /** Our own folder for what Node runs: /usr/lib/gazelle. */
  own: string;
  documents: string;
  /** systemd's unit files. */
  units: string;
}

/** Configuration lies where the original has it, in every kind of installation. */
const CONFIGURATION = "/etc/gazelle";

export type Item =
  | { kind: "file"; source: string; target: string; mode: number; isConfiguration: boolean }
  /** `source` is what the link says. */
  | { kind: "link"; source: string; target: string };

/** Who builds packages under which name and version. */
export interface PackageFacts {
  name: string;
  version: string;
  description: string;
  license: string;
}

/** What package.json says. */
export function packageFacts(): PackageFacts {
  return JSON.parse(readFileSync(inRoot("package.json"), "utf8")) as PackageFacts;
}

const LIBRARIES = ["liblstack.so", "liblstack-engine.so", "liblstack-dpdk.so"];
/** Programs by the name users type, each with its launcher in ctl/bin. */
const PROGRAMS = ["gazelle", "gazellectl", "ltran"];

function file(source: string, target: string, mode = 0o644, isConfiguration = false): Item {
  return { kind: "file", source, target, mode, isConfiguration };
}

/** Modules in build/node that a launcher loads, as its text names them. */
function entriesOf(launcher: string): string[] {
  const names = readFileSync(launcher, "utf8").matchAll(/"((?:\.\.\/)+build\/node\/[^"]+\.js)"/g);
  return [...names].map((match) => join(dirname(launcher), match[1] ?? ""));
}

function nodeItems(folders: Folders): Item[] {
  const launchers = PROGRAMS.map((name) => inRoot("ctl", "bin", `${name}.mjs`));
  const modules = reachedModules(launchers.flatMap(entriesOf));
  const kept = (path: string) => join(folders.own, relative(ROOT, path));
  return [
    file(inRoot("package.json"), join(folders.own, "package.json")),
    ...modules.map((path) => file(path, kept(path))),
    ...launchers.map((path) => file(path, kept(path), 0o755)),
    ...PROGRAMS.map((name): Item => {
      const launcher = kept(inRoot("ctl", "bin", `${name}.mjs`));
      return {
        kind: "link",
        source: relative(folders.programs, launcher),
        target: join(folders.programs, name),
      };
    }),
  ];
}

function documentItems(folders: Folders): Item[] {
  const documents = listFiles(inRoot("docs"), [".md"]);
  const others = ["README.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"].map((name) => inRoot(name));
  const examples = listFiles(inRoot("packaging", "examples"), [".conf"]);
  return [
    ...documents.map((path) => file(path, join(folders.documents, relative(ROOT, path)))),
    ...others.map((path) => file(path, join(folders.documents, relative(ROOT, path)))),
    ...examples.map((path) =>
      file(path, join(folders.documents, "examples", relative(inRoot("packaging", "examples"), path))),
    ),
  ];
}

/** Everything of an installation in these folders; the build must be there. */
export function contents(folders: Folders): Item[] {
  const configuration = listFiles(inRoot("conf"), [".conf", ".Makefile"]).map((path) =>
    file(path, join(CONFIGURATION, relative(inRoot("conf"), path)), 0o644, true),
  );
  const units = listFiles(inRoot("packaging", "systemd"), [".service"]);
  return [
    ...LIBRARIES.map((name) => file(inBuild(name), join(folders.libraries, name))),
    file(inBuild("gazelle-check"), join(folders.own, "build", "gazelle-check"), 0o755),
    file(inBuild("native", "ltran.node"), join(folders.own, "build", "native", "ltran.node")),
    ...nodeItems(folders),
    ...configuration,
    ...documentItems(folders),
    ...units.map((path) => file(path, join(folders.units, relative(inRoot("packaging", "systemd"), path)))),
  ];
}
