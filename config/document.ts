import type { OptionEntry, Remark, Table } from "./table.js";

const HEAD = `<!-- Generated from config/module by \`node build/node/scripts/docs.js\`; do not edit. -->

# Configuration

A program that runs on Gazelle reads its options from \`/etc/gazelle/lstack.conf\`, or from the file that
the environment variable \`LSTACK_CONF_PATH\` names. \`conf/lstack.conf\` is an example.

The syntax is that of libconfig: \`key = value\` with integers, \`"strings"\` and arrays
\`["of", "strings"]\`, and comments from \`#\` or \`//\` to the end of the line or between \`/*\` and
\`*/\`. \`@include\` is refused: all options are in one file, which holds at most 256 KiB.

\`npx gazelle check FILE\` says what is wrong with a file. Every message has one form,

    FILE:LINE: KEY = VALUE: must be ...
    FILE:LINE: warning: KEY = VALUE: ...

and an error ends the program with status 1 before anything starts. An option that is not known is an error,
as is one given twice. What the file asks for and this machine or this version lacks stops a start; \`check\`
lists it as a warning ("would stop a start here"), and \`check --start\` as an error.
`;

const EAL_HEAD = `## Arguments in dpdk_args

\`dpdk_args\` is an array of strings, such as \`["--vdev", "net_af_packet0,iface=eth1"]\` or
\`["-a", "0000:01:00.0", "--socket-mem", "1024"]\`. A value may follow as the next string or after "=".

Without huge pages, the EAL is started with \`--no-huge --no-shconf\` and 256 MiB (\`-m\` changes that); with
them, with \`--in-memory --single-file-segments --iova-mode=va\`. Huge pages are used when \`--socket-mem\`,
\`--huge-dir\` or \`--in-memory\` asks for them; then as many must be free as \`--socket-mem\` or \`-m\` says,
or a start is refused.

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

/** The text of docs/configuration.md. */
export function makeDocument(table: Table): string {
  const keys = table.options.filter((option) => !option.isDerived);
  const rows = (effect: OptionEntry["effect"]) => keys.filter((option) => option.effect === effect);
  const limited = "| Option | Values | Default | Meaning | Why |\n|---|---|---|---|---|\n";
  return [
    HEAD,
    "## Options\n\n| Option | Values | Default | Meaning |\n|---|---|---|---|\n" +
      rows("full").map(row).join(""),
    "## Options without effect so far\n\n" +
      "They are checked like all others; a value other than the default brings a warning.\n\n" +
      `${limited}${rows("none yet").map(limitedRow).join("")}`,
    "## Options that only have their default so far\n\n" +
      "They are checked like all others; a value other than the default stops a start.\n\n" +
      `${limited}${rows("refused").map(limitedRow).join("")}`,
    `${EAL_HEAD}${table.ealArguments.map(remarkRow).join("")}`,
    "## Keys of the original\n\nThese keys of the original's files bring a warning.\n\n" +
      `| Key | What to do |\n|---|---|\n${table.retired.map(remarkRow).join("")}`,
    "Old names are taken, with a warning:\n\n" +
      `| Old name | Name |\n|---|---|\n${table.aliases.map(remarkRow).join("")}`,
  ].join("\n");
}
