/** What is behind --json, as a JSON Schema (draft 2020-12), made of the sheets. */
import { LSTACK_LIST, LSTACK_VIEWS, LTRAN_VIEWS } from "./grammar.js";
import type { ColumnInfo, SheetInfo } from "./sheet.js";
import type { View } from "./view.js";

type Schema = Record<string, unknown>;

function valueSchema({ unit, doc }: ColumnInfo): Schema {
  if (unit === "boolean") return { type: ["boolean", "null"], description: doc };
  if (unit === "text") return { type: ["string", "null"], description: doc };
  return { type: ["number", "null"], description: `${doc} Unit: ${unit}.` };
}

function sheetSchema({ about, columns }: SheetInfo): Schema {
  return {
    type: "array",
    description: about,
    items: {
      type: "object",
      properties: Object.fromEntries(columns.map((column) => [column.name, valueSchema(column)])),
      required: columns.map(({ name }) => name),
      additionalProperties: false,
    },
  };
}

const WHO: Schema = {
  pid: { type: "number" },
  program: { type: "string" },
  address: { type: "string" },
};

function sheetsOf<Thing>({ sheets }: View<Thing>): Schema {
  return Object.fromEntries(sheets.map((sheet) => [sheet.name, sheetSchema(sheet)]));
}

function instances<Thing>(view: View<Thing>): Schema {
  const items = {
    type: "object",
    properties: { ...WHO, ...sheetsOf(view) },
    required: Object.keys(WHO),
    additionalProperties: false,
  };
  return { type: "object", properties: { instances: { type: "array", items } }, required: ["instances"] };
}

function named<Thing>(house: string, view: View<Thing>): string {
  const word = view.words[1];
  return word === "" ? `${house} show` : `${house} show ${word}`;
}

/** A schema for each view, under "$defs"; a document is of the one that its command names. */
export function schema(): Schema {
  const definitions: Schema = {
    "lstack list": {
      type: "object",
      properties: { instances: sheetSchema(LSTACK_LIST) },
      required: ["instances"],
      additionalProperties: false,
    },
  };
  for (const view of LSTACK_VIEWS) definitions[named("lstack", view)] = instances(view);
  for (const view of LTRAN_VIEWS) {
    if (view.sheets.length === 0) continue;
    const isFree = view.document !== undefined;
    definitions[named("ltran", view)] = isFree
      ? { type: "object", description: "docs/control-protocol.md, the answer to instances" }
      : { type: "object", properties: sheetsOf(view), additionalProperties: false };
  }
  return { $schema: "https://json-schema.org/draft/2020-12/schema", $defs: definitions };
}
