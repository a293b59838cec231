import { readFileSync } from "node:fs";
import { writeAtomically } from "./files.js";
import { LAYOUT_OPTIONS, readConstants } from "./generate-layout.js";
import { compileAssemblyScript } from "./module-steps.js";
import { inBuild, inRoot, shown } from "./paths.js";

/** Files whose classes and enums tools read from the memory of a running process. */
export const STRUCT_SOURCES = [
  inRoot("stack", "timer", "wheel.ts"),
  inRoot("stack", "link", "parked.ts"),
  inRoot("stack", "link", "announced.ts"),
  inRoot("stack", "link", "neighbours.ts"),
  inRoot("stack", "socket", "socket.ts"),
  inRoot("stack", "socket", "waitset.ts"),
  inRoot("stack", "tcp", "tcb.ts"),
  inRoot("stack", "memory", "port.ts"),
  inRoot("stack", "tcp", "congestion.ts"),
  inRoot("ltran", "dispatch", "tables", "flow.ts"),
  inRoot("ltran", "dispatch", "tables", "listener.ts"),
  inRoot("ltran", "dispatch", "tables", "address.ts"),
];

/** Where they are described for Node. */
export const STRUCTS_OUTPUT = inBuild("generated", "node", "structs.ts");

/** Only what a reader needs of these files. */
const WANTED = [
  "Neighbour",
  "Socket",
  "Interest",
  "Tcb",
  "Flow",
  "Listener",
  "Address",
  "PortFlag",
  "NeighbourState",
  "SocketKind",
  "SocketFlag",
  "TcpState",
  "TcbFlag",
  "Recovery",
  "Congestion",
  "FlowState",
];

/** How wide a field is, by its declared type; references, enums and sizes are 32 bits. */
const TYPES: Readonly<Record<string, string>> = {
  bool: "u8",
  u8: "u8",
  u16: "u16",
  i32: "i32",
  u64: "u64",
  i64: "i64",
};

/** An `@unmanaged` class: its own fields with their widths, and what it extends. */
export interface ParsedClass {
  base: string | undefined;
  fields: [string, string][];
}

/** What a file declares. */
export interface Declarations {
  classes: Map<string, ParsedClass>;
  enums: Map<string, Record<string, number>>;
}

/** Reads classes with one field a line, and enums with one member a line; methods have no place in either. */
export function parseDeclarations(source: string, file: string): Declarations {
  const text = source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
  const classes = new Map<string, ParsedClass>();
  for (const [, name = "", base, body = ""] of text.matchAll(
    /^(?:export )?class (\w+)(?: extends (\w+))? \{\n(.*?)^\}/gms,
  )) {
    const fields = body.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trimEnd()]));
    classes.set(name, {
      base,
      fields: fields.map((line): [string, string] => {
        const [, field = "", type = ""] = /^\s+(\w+): (\w+);$/.exec(line) ?? [];
        if (field === "") throw new Error(`${file}: class ${name}: not a plain field: ${line.trim()}`);
        return [field, TYPES[type] ?? "u32"];
      }),
    });
  }
  const enums = new Map<string, Record<string, number>>();
  for (const [, name = "", body = ""] of text.matchAll(
    /^(?:export )?(?:const )?enum (\w+) \{\n(.*?)^\}/gms,
  )) {
    const members: Record<string, number> = {};
    let next = 0;
    for (const [, member = "", value] of body.matchAll(/^\s+(\w+)(?: = (\w+))?,$/gm)) {
      next = value === undefined ? next : Number(value);
      members[member] = next++;
    }
    enums.set(name, members);
  }
  return { classes, enums };
}

/** The fields of a class, those of its bases first. */
function allFields(classes: ReadonlyMap<string, ParsedClass>, name: string): [string, string][] {
  const found = classes.get(name);
  if (found === undefined) throw new Error(`no class ${name} in the sources of structs`);
  return [...(found.base === undefined ? [] : allFields(classes, found.base)), ...found.fields];
}

/** A module whose exported constants are the offsets: the compiler says them. */
function offsetsModule(
  classes: ReadonlyMap<string, ParsedClass>,
  files: ReadonlyMap<string, string>,
): string {
  const wanted = WANTED.filter((name) => classes.has(name));
  const imports = wanted.map((name) => `import { ${name} } from "../../../${files.get(name)}";`);
  const constants = wanted.flatMap((name) => [
    `export const ${name}__size: u32 = <u32>offsetof<${name}>();`,
    ...allFields(classes, name).map(
      ([field]) => `export const ${name}_${field}: u32 = <u32>offsetof<${name}>("${field}");`,
    ),
  ]);
  return `${[...imports, ...constants].join("\n")}\n`;
}

function readSources(): Declarations & { files: Map<string, string> } {
  const all = { classes: new Map(), enums: new Map(), files: new Map<string, string>() };
  for (const path of STRUCT_SOURCES) {
    const { classes, enums } = parseDeclarations(readFileSync(path, "utf8"), shown(path));
    for (const [name, value] of classes) {
      all.classes.set(name, value);
      all.files.set(name, shown(path).replace(/\.ts$/, ""));
    }
    for (const [name, value] of enums) all.enums.set(name, value);
  }
  return all;
}

/** Writes where each field lies and how wide it is, and the enums that the fields' values are of. */
export async function generateStructs(): Promise<void> {
  const { classes, enums, files } = readSources();
  const missing = WANTED.filter((name) => !classes.has(name) && !enums.has(name));
  if (missing.length > 0) throw new Error(`not declared in the sources of structs: ${missing.join(", ")}`);
  const entry = inBuild("generated", "work", "structs.ts");
  const wasm = inBuild("generated", "work", "structs.wasm");
  writeAtomically(entry, offsetsModule(classes, files));
  await compileAssemblyScript(entry, wasm, LAYOUT_OPTIONS);
  const offsets = new Map(await readConstants(wasm, shown(entry)));
  const at = (name: string) => Number(offsets.get(name));
  const structs = WANTED.filter((name) => classes.has(name)).map((name) => {
    const fields = allFields(classes, name).map(
      ([field, type]) => `    ${field}: { at: ${at(`${name}_${field}`)}, type: "${type}" },\n`,
    );
    return `  ${name}: { size: ${at(`${name}__size`)}, fields: {\n${fields.join("")}  } },\n`;
  });
  const values = WANTED.filter((name) => enums.has(name)).map(
    (name) => `  ${name}: ${JSON.stringify(enums.get(name))},\n`,
  );
  const head = "// Generated from the sources of the modules by scripts/build/generate-structs.ts.\n";
  const text = `export const STRUCTS = {\n${structs.join("")}} as const;\n`;
  writeAtomically(STRUCTS_OUTPUT, `${head}${text}\nexport const ENUMS = {\n${values.join("")}} as const;\n`);
}
