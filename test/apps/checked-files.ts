/** Files of random bytes that end in their checksum, and begin with their number. */
import { createHash, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** How many there are; their names are their numbers. */
export const checkedFiles = 10;

const digestBytes = 32;
/** From 1 KB to 500 KB, so that some fit into a segment and some into no receive window. */
const lengthOf = (number: number) => 1_000 << number;

function digest(content: Buffer): Buffer {
  return createHash("sha256").update(content).digest();
}

/** Writes them into a folder. */
export function writeCheckedFiles(folder: string): void {
  for (let number = 0; number < checkedFiles; number++) {
    const content = randomBytes(lengthOf(number));
    content.writeUInt32LE(number);
    writeFileSync(join(folder, String(number)), Buffer.concat([content, digest(content)]));
  }
}

/** Whether this is the file of that number, unchanged. */
export function isCheckedFile(number: number, bytes: Buffer): boolean {
  const content = bytes.subarray(0, lengthOf(number));
  const isWhole = bytes.length === lengthOf(number) + digestBytes && content.readUInt32LE() === number;
  return isWhole && digest(content).equals(bytes.subarray(-digestBytes));
}
