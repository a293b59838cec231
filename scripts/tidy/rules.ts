import { silentDiscards, unusedCounters } from "./discard-rules.js";
import { deadExports, undocumentedExports } from "./export-rules.js";
import { tooMuchC } from "./language-share.js";
import { unmappedFolders } from "./map-rule.js";
import { fileLength, functionLength, lineLength } from "./size-rules.js";
import type { Finding, Source } from "./source.js";
import {
  machinePaths,
  protocolInC,
  rawMemory,
  silencedChecker,
  unexplainedAny,
  unfinished,
} from "./word-rules.js";

/** A rule over all sources. */
export interface Rule {
  name: string;
  check: (sources: readonly Source[]) => Finding[];
}

/** What the code base stands for, one test each. */
export const RULES: readonly Rule[] = [
  { name: "lines are at most 110 columns wide", check: lineLength },
  { name: "functions are at most 70 lines long", check: functionLength },
  { name: "files are at most 500 lines long", check: fileLength },
  { name: "nothing is left for later", check: unfinished },
  { name: "the type checker is not silenced", check: silencedChecker },
  { name: "any is explained", check: unexplainedAny },
  { name: "no dead exports", check: deadExports },
  { name: "exported functions and classes have a doc comment", check: undocumentedExports },
  { name: "raw load and store only in stack/wire, stack/memory and ring", check: rawMemory },
  { name: "no discard without a reason", check: silentDiscards },
  { name: "every counter and reason is counted somewhere", check: unusedCounters },
  { name: "no protocol shape or number in C", check: protocolInC },
  { name: "C is under a quarter of the hand-written source", check: tooMuchC },
  { name: "no path of one machine, no registry host", check: machinePaths },
  { name: "the map in docs/architecture.md names every folder", check: unmappedFolders },
];
