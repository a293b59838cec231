import type { OptionEntry, Remark, Table } from "./table.js";

const HEAD = `<!-- Generated from config/module by \`node build/node/scripts/docs.js\`; do not edit. -->

# Configuration

A program that runs on Gazelle reads its options from \`/etc/gazelle/lstack.conf\`, or from the file that
the environment variable \`LSTACK_CONF_PATH\` names; \`ltran\` reads \`/etc/gazelle/ltran.conf\`, or the file
after \`--config-file\`. \`conf/lstack.conf\` and \`conf/ltran.conf\` are examples.

The syntax is that of libconfig: \`key = value\` with integers, \`"strings"\` and arrays
\`["of", "strings"]\`, and comments from \`#\` or \`//\` to the end of the line or between \`/*\` and
\`*/\`. \`@include\` is refused: all options are in one file, which holds at most 256 KiB.

\`npx gazelle check FILE\` says what is wrong with a file of either kind, which it recognises by its name or
its keys unless \`--kind lstack\` or \`--kind ltran\` says it. Every message has one form,

    FILE:LINE: KEY = VALUE: must be ...
    FILE:LINE: warning: KEY = VALUE: ...

and an error ends the program with status 1 before anything starts. An option that is not known is an error,
as is one given twice. What the file asks for and this machine or this version lacks stops a start; \`check\`
lists it as a warning ("would stop a start here"), and \`check --start\` as an error.
`;

const EAL_HEAD = `## Arguments for DPDK

\`dpdk_args\` in lstack.conf is an array of strings, such as \`["--vdev", "net_af_packet0,iface=eth1"]\` or
\`["-a", "0000:01:00.0", "--socket-mem", "1024"]\`; \`forward_kit_args\` in ltran.conf is one string, such as
\`"-a 0000:01:00.0 --socket-mem 1024"\`. A value may follow as the next argument or after "=".

With several stacks a device needs a queue for each. \`net_af_packet\`, \`net_af_xdp\` and
\`net_virtio_user\` get \`qpairs\`, \`queue_count\` or \`queues\`, with a warning, where the file does not
say it.

Without huge pages, the EAL is started with \`--no-huge --no-shconf\` and 256 MiB, or 48 for each of more
than five stacks (\`-m\` changes that); with them, with \`--in-memory --single-file-segments
--iova-mode=va\`. Huge pages are used when \`--socket-mem\`, \`--huge-dir\` or \`--in-memory\` asks for them;
then as many must be free as \`--socket-mem\` or \`-m\` says, or a start is refused.

| Argument | What happens |
|---|---|
`;

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function row(option: OptionEntry): string {
  const remarks = [option.about, option.note].filter((text) => text !== "").join(" ");
  return `| \`${option.key}\` | ${cell(option.legal)} | ${cell(option.initial)} | ${cell(remarks)} |\n`;
}

function limitedRow(option: OptionEntry): string {
  const remarks = [option.about, option.note].filter((text) => text !== "").join(" ");
  const columns = [`\`${option.key}\``, cell(option.legal), cell(option.initial), cell(remarks)];
  return `| ${columns.join(" | ")} | ${cell(option.limitation)} |\n`;
}

function remarkRow(remark: Remark): string {
  return `| \`${remark.name}\` | ${cell(remark.text)} |\n`;
}

function section(title: string, text: string, head: string, rows: readonly string[]): string {
  if (rows.length === 0) return "";
  const rule = head.replaceAll(/[^|]+/g, "---");
  return `${title}\n\n${text}${text === "" ? "" : "\n\n"}${head}\n${rule}\n${rows.join("")}\n`;
}

const LIMITED = "| Option | Values | Default | Meaning | Why |";

/** All sections about one file. */
function sections(file: string, { options, retired, aliases }: Table): string {
  const keys = options.filter((option) => !option.isDerived);
  const of = (effect: OptionEntry["effect"]) => keys.filter((option) => option.effect === effect);
  return [
    section(`## Options of ${file}`, "", "| Option | Values | Default | Meaning |", of("full").map(row)),
    section(
      `### Options of ${file} without effect so far`,
      "They are checked like all others; a value other than the default brings a warning.",
      LIMITED,
      of("none yet").map(limitedRow),
    ),
    section(
      `### Options of ${file} that only have their default so far`,
      "They are checked like all others; a value other than the default stops a start.",
      LIMITED,
      of("refused").map(limitedRow),
    ),
    section(
      `### Keys of the original's ${file}`,
      "These keys bring a warning.",
      "| Key | What to do |",
      retired.map(remarkRow),
    ),
    section(
      `### Other names in ${file}`,
      "They are taken for the option; misspelt and older ones bring a warning.",
      "| Name | Option |",
      aliases.map(remarkRow),
    ),
  ].join("");
}

const PLACEMENT = `## CPUs, threads and NUMA nodes

The application's threads run the stacks themselves, so it matters where they run. Each thread is at home in
one stack: the main thread in the first, others in turn. When a thread first waits for a socket, sends or
receives, it may be moved, once:

- With \`num_cpus\` the first thread at home in a stack runs on that stack's CPU; when it ends, the next one
  that comes takes its place. The others stay where they are. The original moved its own stack threads there
  and no thread of the application; here a worker for each stack is what that was for, while a program of a
  hundred threads must not end up on as many CPUs as it has stacks.
- With \`app_bind_numa = 1\` the other threads, and without \`num_cpus\` all, run on the CPUs of their stack's
  NUMA node: on those that \`num_cpus\` does not name, where there are such. The node is that of the stack's
  CPU, or without \`num_cpus\` the one that the process started on. The original's default was 1. Here it is
  0, as a program with one stack and many threads would have one node of the machine only.
- \`app_exclude_cpus\` names CPUs that no thread is moved to by either.
- \`main_thread_affinity = 0\` leaves the main thread where it is; it often has other things to do. A program
  of one thread, such as Redis, is placed with 1, or with \`taskset\`.

What the application, or whoever started it, says is respected: a thread whose affinity is not the one that
the process started with is left alone, what it sets later holds, and nothing is moved to a CPU that the
process may not use. Threads and forks of a moved thread begin with the affinity that the process started
with; programs that it starts by posix_spawn() or system() begin with its own.

With \`num_cpus\` or \`app_bind_numa = 1\` the memory of a stack is taken from its node as long as that has
any (MPOL_PREFERRED).

`;

/** The text of docs/configuration.md. */
export function makeDocument(lstack: Table, ltran: Table): string {
  return [
    HEAD,
    sections("lstack.conf", lstack) + sections("ltran.conf", ltran).trimEnd(),
    `\n${PLACEMENT}${EAL_HEAD}${lstack.ealArguments.map(remarkRow).join("")}`,
  ].join("\n");
}
