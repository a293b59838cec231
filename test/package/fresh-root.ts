/** A root folder with nothing but Debian's minimal system in it, and commands inside. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onCleanUp } from "../../scripts/lab/cleanup.js";
import { run } from "../../scripts/lab/command.js";

const DEBOOTSTRAP_MS = 400_000;
export const APT_MS = 300_000;

/** What the root needs of this machine to reach the same package sources. */
const SHARED = [
  "/etc/apt/apt.conf.d",
  "/etc/ssl/certs",
  "/usr/local/share/ca-certificates",
  "/etc/resolv.conf",
  "/etc/hosts",
];

/** Mounts that programs expect; in a mount namespace that ends with the command, so that none stays. */
const ENTER = `set -e
root="$1"; shift
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C
exec chroot "$root" "$@"`;

/** Package sources of this machine: site, release. */
function sources(): [string, string][] {
  const format = ["indextargets", "--format", "$(SITE) $(RELEASE)", "Created-By: Packages"];
  const lines = run("apt-get", format).toString().trim().split("\n");
  return [...new Set(lines)]
    .map((line) => line.split(" ") as [string, string])
    .filter(([, release]) => release.startsWith("bookworm"));
}

/** The words that run a command inside `root`. */
export function insideRoot(root: string, ...command: string[]): [string, string[]] {
  return ["unshare", ["--mount", "--propagation", "private", "sh", "-c", ENTER, "sh", root, ...command]];
}

export function runInRoot(root: string, timeoutMs: number, ...command: string[]): string {
  return run(...insideRoot(root, ...command), { timeoutMs }).toString();
}

/** Makes the root; it is removed at the end of the process. */
export function makeFreshRoot(): string {
  const root = mkdtempSync(join(tmpdir(), `gz-${process.pid}-root-`));
  onCleanUp(() => rmSync(root, { recursive: true, force: true }));
  const all = sources();
  const main = all.find(([, release]) => release === "bookworm");
  if (main === undefined) throw new Error("no source of Debian 12 among `apt-get indextargets`");
  const bootstrap = ["--variant=minbase", "bookworm", root, main[0]];
  run("debootstrap", bootstrap, { timeoutMs: DEBOOTSTRAP_MS });
  for (const path of SHARED) {
    if (!existsSync(path)) continue;
    mkdirSync(join(root, path, ".."), { recursive: true });
    cpSync(path, join(root, path), { recursive: true, dereference: true });
  }
  const lines = all.map(([site, release]) => `deb ${site} ${release} main\n`);
  writeFileSync(join(root, "etc/apt/sources.list"), lines.join(""));
  return root;
}
