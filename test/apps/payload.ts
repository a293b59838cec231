/** Files with random content and their digests. */
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

/** SHA-256 in hexadecimal. */
export function digest(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** SHA-256 of a file's content. */
export function digestOfFile(file: string): string {
  return digest(readFileSync(file));
}

/** Writes `bytes` random bytes and returns their SHA-256. */
export function writeRandomFile(file: string, bytes: number): string {
  const content = randomBytes(bytes);
  writeFileSync(file, content);
  return digest(content);
}
