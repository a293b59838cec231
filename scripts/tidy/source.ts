import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Lexed, lexC, lexScript } from "./lexer.js";

/** What kind of text a file holds. */
export type Language = "script" | "c" | "text";

/** A file of the clone, with its parts by kind. */
export interface Source extends Lexed {
  /** Relative to the clone, with forward slashes. */
  path: string;
  language: Language;
  text: string;
  lines: string[];
}

/** Something that breaks a rule. */
export interface Finding {
  path: string;
  line: number;
  message: string;
}

const SKIPPED = new Set([".git", "build", "node_modules"]);
const SCRIPT = /\.(ts|mts|mjs|js)$/;
const C = /\.(c|h|inc)$/;
const TEXT =
  /(\.(json|md|yml|conf|sh|map|packetdrill|pkt|Makefile|txt)|\/run|\.npmrc|\.editorconfig|\.gitignore)$/;

/** Makes a Source of a path and its text. */
export function makeSource(path: string, text: string): Source {
  const language: Language = SCRIPT.test(path) ? "script" : C.test(path) ? "c" : "text";
  const lexed = language === "script" ? lexScript(text) : language === "c" ? lexC(text) : null;
  const parts = lexed ?? { code: "", comments: text, strings: "" };
  return { path, language, text, lines: text.replace(/\n$/, "").split("\n"), ...parts };
}

/** Reads every source of a clone: what a person wrote, not what a tool made. */
export function readSources(root: string): Source[] {
  const sources: Source[] = [];
  const walk = (folder: string, prefix: string) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = `${prefix}${entry.name}`;
      if (SKIPPED.has(path)) continue;
      if (entry.isDirectory()) walk(join(folder, entry.name), `${path}/`);
      else if (SCRIPT.test(path) || C.test(path) || TEXT.test(path)) {
        sources.push(makeSource(path, readFileSync(join(folder, entry.name), "utf8")));
      }
    }
  };
  walk(root, "");
  return sources.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** The line, from 1, of an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}

/** Every match of a global expression as a finding. */
export function findAll(source: Source, part: string, pattern: RegExp, message: string): Finding[] {
  return [...part.matchAll(pattern)].map((match) => ({
    path: source.path,
    line: lineAt(part, match.index),
    message: message.replace("%", match[0].trim()),
  }));
}

/** Whether a file is a test or serves tests only. */
export function isTest(path: string): boolean {
  return path.startsWith("test/");
}
