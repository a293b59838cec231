/** Structs of the compiled modules in raw memory: fields by name, as the build found them in the sources. */
import { STRUCTS } from "../build/generated/node/structs.js";

type Structs = typeof STRUCTS;
/** Names of the structs that there is a description of. */
export type StructName = keyof Structs;
type Fields<Name extends StructName> = Structs[Name]["fields"];

/** What an object says: 64-bit fields are bigints. */
type FieldValue<Type> = Type extends { type: "u64" } ? bigint : number;
/** An object of a struct, all fields read. */
export type View<Name extends StructName> = {
  readonly [Field in keyof Fields<Name>]: FieldValue<Fields<Name>[Field]>;
};

type Reader = (block: Buffer, at: number) => number | bigint;
const READERS: Readonly<Record<string, Reader>> = {
  u8: (block, at) => block.readUInt8(at),
  u16: (block, at) => block.readUInt16LE(at),
  u32: (block, at) => block.readUInt32LE(at),
  i32: (block, at) => block.readInt32LE(at),
  u64: (block, at) => block.readBigUInt64LE(at),
};

/** Reads the object that begins at `at`. */
export function readObject<Name extends StructName>(name: Name, block: Buffer, at: number): View<Name> {
  const fields = Object.entries(STRUCTS[name].fields as Record<string, { at: number; type: string }>);
  const values = fields.map(([field, place]) => [field, READERS[place.type]?.(block, at + place.at)]);
  return Object.fromEntries(values) as View<Name>;
}
