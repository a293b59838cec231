/** Documents behind --json are as the schema says, and nothing else is on standard output. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { redisService } from "../apps/redis-server.js";
import { Service } from "../apps/service.js";
import { documentOf } from "./gazellectl.js";

/** What the schema uses of JSON Schema. */
interface Schema {
  type?: string | string[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean;
  items?: Schema;
  $defs?: Record<string, Schema>;
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

/** What is wrong with a value, each with its place. */
function faults(schema: Schema, value: unknown, place = "$"): string[] {
  const types = schema.type === undefined ? [] : [schema.type].flat();
  const type = typeOf(value);
  if (types.length > 0 && !types.includes(type)) return [`${place}: ${type} is none of ${types.join(", ")}`];
  if (type === "array") {
    const items = value as unknown[];
    return items.flatMap((item, i) => faults(schema.items ?? {}, item, `${place}[${i}]`));
  }
  if (type !== "object") return [];
  const members = value as Record<string, unknown>;
  const known = schema.properties ?? {};
  const missing = (schema.required ?? []).filter((name) => !Object.hasOwn(members, name));
  const others = Object.keys(members).filter((name) => !Object.hasOwn(known, name));
  return [
    ...missing.map((name) => `${place}: ${name} is missing`),
    ...(schema.additionalProperties === false ? others.map((name) => `${place}: ${name} is unknown`) : []),
    ...Object.entries(known).flatMap(([name, member]) =>
      Object.hasOwn(members, name) ? faults(member, members[name], `${place}.${name}`) : [],
    ),
  ];
}

describe("gazellectl --json", { timeout: 120_000 }, () => {
  let service: Service;
  let definitions: Record<string, Schema> = {};
  before(async () => {
    service = await Service.start({ ...redisService, label: "ctl-schema", stack: "gazelle", ltran: {} });
    definitions = ((await documentOf("schema")) as Schema).$defs ?? {};
  });
  after(() => service.stop());

  it("the check finds what is wrong", () => {
    const schema = definitions["lstack show rate"] ?? {};
    assert.deepEqual(faults(schema, { instances: [{ pid: 1, program: "x", address: 5 }] }), [
      "$.instances[0].address: number is none of string",
    ]);
    assert.deepEqual(faults(schema, { instances: [{ pid: 1, program: "x", address: "", more: 1 }] }), [
      "$.instances[0]: more is unknown",
    ]);
    assert.deepEqual(faults(schema, {}), ["$: instances is missing"]);
  });

  it("every document is as its definition says", async () => {
    const pid = String(service.server.pid);
    const prefix = service.ltran?.prefix ?? "";
    const choices: Record<string, string[]> = { protocol: ["IP"], table: ["socktable"] };
    for (const [name, definition] of Object.entries(definitions)) {
      const [house, verb, view] = name.split(" ");
      const words = view === undefined ? [] : [view, ...(choices[view] ?? [])];
      const command =
        house === "ltran" ? ["-u", prefix, "ltran", "show", ...words] : ["lstack", "show", pid, ...words];
      const document = await documentOf(...(verb === "list" ? ["lstack", "show"] : command));
      assert.deepEqual(faults(definition, document), [], name);
    }
  });
});
