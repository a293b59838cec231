import type { Finding, Source } from "./source.js";

/** The document whose tables are checked. */
export const COMPLIANCE = "docs/compliance.md";

/** Every RFC that the stack claims to follow: each must have a row. */
export const REQUIRED_RFCS = [
  826, 5227, 791, 792, 768, 9293, 7323, 6298, 2018, 6675, 6582, 5681, 9438, 6928, 6528, 6056, 5961, 3042,
  4987, 6191, 1122,
] as const;

const HEADER = ["RFC", "Clause", "Rule", "Test file", "Test", "State"];
/** A state that is not plain "done" says what is missing, or why. */
const STATE = /^(done|partly: \S.*|deviation( from \S[^:]*| under \S[^:]*)*: \S.*)$/;

/** One row of a table: what a document asks for, and what shows that it is so. */
export interface ComplianceRow {
  /** In the document, from 1. */
  line: number;
  rfc: string;
  rule: string;
  /** Relative to test/; empty when there is nothing that a test could show. */
  file: string;
  test: string;
  state: string;
}

function cellsOf(line: string): string[] {
  return line
    .slice(1, line.trimEnd().length - 1)
    .split("|")
    .map((cell) => cell.trim());
}

/** Reads every table of the document; a row with more or fewer cells than its header is a finding. */
export function readCompliance(source: Source): { rows: ComplianceRow[]; findings: Finding[] } {
  const rows: ComplianceRow[] = [];
  const findings: Finding[] = [];
  for (const [index, text] of source.lines.entries()) {
    if (!text.startsWith("|") || /^[|\s:-]+$/.test(text)) continue;
    const cells = cellsOf(text);
    const line = index + 1;
    const [rfc = "", , rule = "", file = "", test = "", state = ""] = cells;
    if (rfc === HEADER[0] && cells.join() === HEADER.join()) continue;
    if (cells.length === HEADER.length) rows.push({ line, rfc, rule, file, test, state });
    else
      findings.push({
        path: source.path,
        line,
        message: `${cells.length} cells instead of ${HEADER.length}`,
      });
  }
  return { rows, findings };
}

/** The names of a file's tests, as they stand in its source between the quotes. */
function testNames(source: Source): Set<string> {
  const names = new Set<string>();
  for (const match of source.text.matchAll(/\b(?:it|test)\(\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1/g)) {
    // What the lexer calls code begins with the word itself: a call in a comment or a string is none.
    if (/\w/.test(source.code[match.index] ?? "")) names.add(match[2] ?? "");
  }
  return names;
}

function wrongWith(row: ComplianceRow, names: Map<string, Set<string>>): string[] {
  const wrong: string[] = [];
  if (row.rule === "") wrong.push("no rule");
  if (!STATE.test(row.state)) wrong.push(`not a state, or without its reason: "${row.state}"`);
  const hasNone = row.file === "" && row.test === "";
  if (hasNone && !row.state.startsWith("deviation")) wrong.push("only a deviation may be without a test");
  const known = names.get(`test/${row.file}`);
  if (!hasNone && known === undefined) wrong.push(`no such file: test/${row.file}`);
  if (known !== undefined && !known.has(row.test)) wrong.push(`no test "${row.test}" in test/${row.file}`);
  return wrong;
}

/** What is wrong with docs/compliance.md: rows, files, names, states, and documents without a row. */
export function brokenCompliance(sources: readonly Source[]): Finding[] {
  const document = sources.find((source) => source.path === COMPLIANCE);
  if (document === undefined) return [{ path: COMPLIANCE, line: 1, message: "does not exist" }];
  const tests = sources.filter((source) => source.path.endsWith(".test.ts"));
  const names = new Map(tests.map((source) => [source.path, testNames(source)]));
  const { rows, findings } = readCompliance(document);
  for (const row of rows) {
    for (const message of wrongWith(row, names)) findings.push({ path: COMPLIANCE, line: row.line, message });
  }
  const covered = new Set(rows.map((row) => row.rfc));
  for (const rfc of REQUIRED_RFCS) {
    if (!covered.has(String(rfc)))
      findings.push({ path: COMPLIANCE, line: 1, message: `no row for RFC ${rfc}` });
  }
  return findings;
}
