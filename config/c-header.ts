import type { OptionEntry } from "./table.js";

function constantName(key: string, word: string): string {
  return `GZ_${key}_${word}`.replaceAll(/[^\w]/g, "_").toUpperCase();
}

/** Choices that reach C; "auto" and the like stay in the module where another value says what they led to. */
function enumOf(entry: OptionEntry): string {
  const members = entry.choices.map((word, index) => `    ${constantName(entry.key, word)} = ${index},\n`);
  return `/* Values of ${entry.key}. */\nenum {\n${members.join("")}};\n`;
}

function declaration(entry: OptionEntry): string {
  switch (entry.field) {
    case "number":
      return `int64_t ${entry.key};`;
    case "text":
      return `char ${entry.key}[${entry.size}];`;
    case "bytes":
      return `uint8_t ${entry.key}[${entry.size}];`;
    default:
      return `char **${entry.key};`;
  }
}

/** What a C programmer has to know beyond the option's own description. */
function unit(entry: OptionEntry): string {
  if (entry.size === 16 && entry.field === "bytes") return " IPv6 or IPv4-mapped; all zero: none.";
  if (entry.field === "bytes") return " All zero: none.";
  if (entry.field === "list") return " Ends with NULL.";
  return entry.note === "" ? "" : ` ${entry.note}`;
}

/** The C header with the structure of all values, its list of fields, and the values of choices. */
export function makeHeader(entries: readonly OptionEntry[]): string {
  const fields = entries.filter((entry) => entry.field !== "none");
  const members = fields.map((entry) => {
    const text = `${entry.about}${unit(entry)}`.replaceAll("*/", "* /");
    return `    /* ${text} */\n    ${declaration(entry)}\n`;
  });
  const list = fields.map((entry) => `    ${entry.field.toUpperCase()}(${entry.key}, ${entry.index})`);
  const enums = entries.filter((entry) => entry.choices.length > 0).map(enumOf);
  return `/* Generated from the table of options in config/module/lstack/options.ts. */
#ifndef GZ_CONFIG_KEYS_H
#define GZ_CONFIG_KEYS_H

#include <stdint.h>

${enums.join("\n")}
/* Every value of a configuration, checked; options that are not in the file have their defaults. */
struct gz_config {
${members.join("")}};

/* Kind, name and number of each field: the number is the option's index at the doors of the module. */
#define GZ_CONFIG_FIELDS(NUMBER, TEXT, BYTES, LIST) \\
${list.join(" \\\n")}

#endif
`;
}
