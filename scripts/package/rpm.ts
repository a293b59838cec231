/** The RPM: the spec file is generated from the list of contents and built with rpmbuild. */
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { runChecked } from "../build/command.js";
import { inBuild } from "../build/paths.js";
import { contents, type Item, packageFacts } from "./contents.js";
import { rpmFolders } from "./folders.js";
import { requireSources, stage } from "./stage.js";
import { NODE_LEAST, SUMMARY, TEXT } from "./words.js";

function fileLine(item: Item): string {
  if (item.kind === "link") return item.target;
  if (item.isConfiguration) return `%config(noreplace) ${item.target}`;
  const mode = item.mode.toString(8);
  return `%attr(${mode}, root, root) ${item.target}`;
}

/** Folders that are the package's alone: rpm removes no other. */
function ownFolders(items: readonly Item[]): string[] {
  const tops = ["/etc/gazelle", rpmFolders.own, rpmFolders.documents];
  const folders = new Set<string>();
  for (const { target } of items) {
    const top = tops.find((folder) => target.startsWith(`${folder}/`));
    if (top === undefined) continue;
    for (let at = dirname(target); at.length >= top.length; at = dirname(at)) folders.add(at);
  }
  return [...folders].sort();
}

/** The spec: what it installs was built before and lies in `staged`. */
function specFile(items: readonly Item[], staged: string): string {
  const { name, version, license } = packageFacts();
  return `Name: ${name}
Version: ${version}
Release: 1
Summary: ${SUMMARY}
License: ${license}
Requires: nodejs >= ${NODE_LEAST}

%global debug_package %{nil}
%global __os_install_post %{nil}
%global _build_id_links none

%description
${TEXT.join("\n")}

%install
cp -a '${staged}/.' '%{buildroot}/'

%post
/sbin/ldconfig
if [ -d /run/systemd/system ]; then systemctl daemon-reload || :; fi

%preun
if [ -d /run/systemd/system ] && [ "$1" = 0 ]; then systemctl disable --now ltran.service || :; fi

%postun
/sbin/ldconfig
if [ -d /run/systemd/system ]; then systemctl daemon-reload || :; fi

%files
${ownFolders(items)
  .map((folder) => `%dir ${folder}`)
  .join("\n")}
${items.map(fileLine).join("\n")}
`;
}

/** Builds the package below build/packages and answers its path. */
export async function buildRpm(): Promise<string> {
  const items = contents(rpmFolders);
  requireSources(items);
  const folder = mkdtempSync(join(tmpdir(), `gz-${process.pid}-rpm-`));
  try {
    const staged = join(folder, "staged");
    mkdirSync(staged);
    stage(items, staged);
    const spec = join(folder, "gazelle.spec");
    writeFileSync(spec, specFile(items, staged));
    const options = ["--define", `_topdir ${folder}`, "--define", `_dbpath ${join(folder, "db")}`];
    await runChecked("rpmbuild", ["-bb", "--quiet", ...options, spec]);
    const results = readdirSync(join(folder, "RPMS"), { recursive: true, encoding: "utf8" });
    const built = results.find((path) => path.endsWith(".rpm"));
    if (built === undefined) throw new Error("rpmbuild made no package");
    mkdirSync(inBuild("packages"), { recursive: true });
    const target = inBuild("packages", basename(built));
    await runChecked("cp", [join(folder, "RPMS", built), `${target}.${process.pid}`]);
    renameSync(`${target}.${process.pid}`, target);
    return target;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
