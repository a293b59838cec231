/** The Debian package: contents, control file, the triggers and scripts that dpkg runs. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runChecked } from "../build/command.js";
import { inBuild } from "../build/paths.js";
import { contents, type Item, packageFacts } from "./contents.js";
import { debianFolders } from "./folders.js";
import { requireSources, stage } from "./stage.js";
import { MAINTAINER, NODE_LEAST, SUMMARY, TEXT } from "./words.js";

/** What programs and libraries of the package need, as dpkg-shlibdeps finds it. */
async function libraryDependencies(folder: string, items: readonly Item[]): Promise<string> {
  mkdirSync(join(folder, "debian"), { recursive: true });
  writeFileSync(
    join(folder, "debian", "control"),
    "Source: gazelle\n\nPackage: gazelle\nArchitecture: any\n",
  );
  const binaries = items.filter(
    (item) => item.kind === "file" && /(\.so|\.node|\/gazelle-check)$/.test(item.target),
  );
  const paths = binaries.map((item) => item.source);
  const options = ["-O", "--ignore-missing-info"];
  const script = 'cd "$1" && shift && exec dpkg-shlibdeps "$@" 2>/dev/null';
  const text = await runChecked("sh", ["-c", script, "sh", folder, ...options, ...paths]);
  return text.replace(/^shlibs:Depends=/, "").trim();
}

/** Installed size in KiB, as the control file wants it. */
function sizeOf(items: readonly Item[]): number {
  const bytes = items.map((item) => (item.kind === "file" ? statSync(item.source).size : 0));
  return Math.ceil(bytes.reduce((sum, size) => sum + size, 0) / 1024);
}

function controlFile(architecture: string, depends: string, size: number): string {
  const { name, version } = packageFacts();
  return `Package: ${name}
Version: ${version}
Section: net
Priority: optional
Architecture: ${architecture}
Maintainer: ${MAINTAINER}
Installed-Size: ${size}
Depends: ${depends}, nodejs (>= ${NODE_LEAST})
Description: ${SUMMARY}
${TEXT.map((line) => ` ${line}`).join("\n")}
`;
}

/** systemd learns of the unit and forgets it; nothing is started: a NIC must be named first. */
const RELOAD = `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload || true; fi
`;

const STOP = `#!/bin/sh
set -e
if [ -d /run/systemd/system ] && [ "$1" = remove ]; then systemctl disable --now ltran.service || true; fi
`;

function writeScript(path: string, text: string): void {
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

/** Builds the package below build/packages and answers its path. */
export async function buildDebianPackage(): Promise<string> {
  const items = contents(await debianFolders());
  requireSources(items);
  const folder = mkdtempSync(join(tmpdir(), `gz-${process.pid}-deb-`));
  try {
    chmodSync(folder, 0o755);
    const root = join(folder, "root");
    const control = join(root, "DEBIAN");
    mkdirSync(control, { recursive: true });
    stage(items, root);
    const architecture = (await runChecked("dpkg", ["--print-architecture"])).trim();
    const depends = await libraryDependencies(folder, items);
    const configuration = items.filter((item) => item.kind === "file" && item.isConfiguration);
    writeFileSync(join(control, "control"), controlFile(architecture, depends, sizeOf(items)));
    writeFileSync(join(control, "conffiles"), configuration.map((item) => `${item.target}\n`).join(""));
    writeFileSync(join(control, "triggers"), "activate-noawait ldconfig\n");
    writeScript(join(control, "postinst"), RELOAD);
    writeScript(join(control, "postrm"), RELOAD);
    writeScript(join(control, "prerm"), STOP);
    mkdirSync(inBuild("packages"), { recursive: true });
    const { name, version } = packageFacts();
    const target = inBuild("packages", `${name}_${version}_${architecture}.deb`);
    await runChecked("dpkg-deb", ["--root-owner-group", "--build", root, target]);
    return target;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
