import { posix } from "node:path";
import type { Finding, Source } from "./source.js";

const DOCUMENT = "docs/architecture.md";
/** Below these folders only the first level is on the map: they mirror what it already names. */
const SHALLOW = /^(test)\//;

/** Folders of the map: the first fenced block, one folder a line, nested by indentation. */
function mapFolders(markdown: string): Map<string, number> {
  const folders = new Map<string, number>();
  const parents: { indent: number; path: string }[] = [];
  let inside = false;
  for (const [index, line] of markdown.split("\n").entries()) {
    if (line.startsWith("```")) {
      if (inside && folders.size > 0) break;
      inside = !inside;
      continue;
    }
    const match = inside ? /^(\s*)((?:[\w.-]+\/)+)(\s|$)/.exec(line) : null;
    if (match === null) continue;
    const indent = (match[1] ?? "").length;
    while ((parents.at(-1)?.indent ?? -1) >= indent) parents.pop();
    const path = posix.join(parents.at(-1)?.path ?? "", match[2] ?? "").replace(/\/$/, "");
    parents.push({ indent, path });
    folders.set(path, index + 1);
  }
  return folders;
}

function foldersOf(sources: readonly Source[]): Set<string> {
  const folders = new Set<string>();
  for (const { path } of sources) {
    const parts = path.split("/").slice(0, -1);
    if (parts[0]?.startsWith(".")) continue;
    for (let depth = 1; depth <= parts.length; depth++) {
      const folder = parts.slice(0, depth).join("/");
      if (!SHALLOW.test(folder)) folders.add(folder);
    }
  }
  return folders;
}

/** Every folder is on the map in docs/architecture.md, and every folder on the map exists. */
export function unmappedFolders(sources: readonly Source[]): Finding[] {
  const document = sources.find((source) => source.path === DOCUMENT);
  if (document === undefined) return [{ path: DOCUMENT, line: 0, message: "the map is missing" }];
  const mapped = mapFolders(document.text);
  const present = foldersOf(sources);
  const missing = [...present].filter((folder) => !mapped.has(folder));
  const gone = [...mapped].filter(([folder]) => !present.has(folder) && !SHALLOW.test(folder));
  return [
    ...missing.map((folder) => ({ path: folder, line: 0, message: `not on the map in ${DOCUMENT}` })),
    ...gone.map(([folder, line]) => ({ path: DOCUMENT, line, message: `on the map, but absent: ${folder}` })),
  ];
}
