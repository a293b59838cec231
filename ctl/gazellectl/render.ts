/** Sections as text for people: aligned, no wider than the terminal, coloured on a terminal only. */
import type { ColumnInfo, Section, Value } from "./sheet.js";

/** Where the text goes. */
export interface Screen {
  /** Columns of the terminal; Infinity when there is none. */
  width: number;
  isColoured: boolean;
}

const BOLD = "\u001b[1m";
const RED = "\u001b[31m";
const PLAIN = "\u001b[0m";
const GAP = "  ";

/** Decimal prefixes: 12.3 M. */
const PREFIXES = ["", "k", "M", "G", "T", "P"];

/** What a process of another user says about itself must not steer our terminal. */
export function harmless(text: string): string {
  return text.replaceAll(/[^ -~]/g, "?");
}

/** A number with a decimal prefix and its unit: 1.50 Mb/s. */
export function withPrefix(value: number, unit: string): string {
  let [scaled, at] = [value, 0];
  while (scaled >= 999.95 && at < PREFIXES.length - 1) {
    scaled /= 1000;
    at++;
  }
  return `${at === 0 ? Math.round(scaled) : scaled.toFixed(2)} ${PREFIXES[at]}${unit}`;
}

/** A value as text. */
export function valueText(value: Value, { unit }: ColumnInfo): string {
  if (value === null) return "-";
  if (typeof value === "boolean") return value ? "on" : "off";
  if (unit === "bits/s") return withPrefix(Number(value), "b/s");
  if (unit === "percent") return `${Number(value).toFixed(2)} %`;
  return harmless(String(value));
}

interface Cell {
  text: string;
  isNumber: boolean;
  isBad: boolean;
}

function cellOf(value: Value, column: ColumnInfo): Cell {
  const isNumber = typeof value === "number" || typeof value === "bigint" || value === null;
  return { text: valueText(value, column), isNumber, isBad: column.isBad && Number(value) > 0 };
}

function painted(text: string, colour: string, screen: Screen): string {
  return screen.isColoured && text.trim() !== "" ? `${colour}${text}${PLAIN}` : text;
}

function put(cell: Cell, width: number, screen: Screen): string {
  const text = cell.isNumber ? cell.text.padStart(width) : cell.text.padEnd(width);
  return cell.isBad ? painted(text, RED, screen) : text;
}

/** Groups of columns that fit side by side; the first column begins each. */
function fold(widths: readonly number[], most: number): number[][] {
  const groups: number[][] = [];
  let [group, used]: [number[], number] = [[0], widths[0] ?? 0];
  for (let i = 1; i < widths.length; i++) {
    const width = GAP.length + (widths[i] ?? 0);
    if (used + width > most && group.length > 1) {
      groups.push(group);
      [group, used] = [[0], widths[0] ?? 0];
    }
    group.push(i);
    used += width;
  }
  return [...groups, group];
}

function grid(headings: readonly string[], rows: readonly Cell[][], screen: Screen): string {
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => row[i]?.text.length ?? 0)),
  );
  const isRight = headings.map((_, i) => rows.length > 0 && rows.every((row) => row[i]?.isNumber !== false));
  const blocks = fold(widths, screen.width).map((group) => {
    const heading = group.map((i) => {
      const text = headings[i] ?? "";
      return isRight[i] ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0);
    });
    const lines = rows.map((row) => {
      const cells = group.map((i) =>
        put(row[i] ?? { text: "", isNumber: false, isBad: false }, widths[i] ?? 0, screen),
      );
      return cells.join(GAP).trimEnd();
    });
    const first = painted(heading.join(GAP).trimEnd(), BOLD, screen);
    return [first, ...lines].filter((line) => line !== "").join("\n");
  });
  return `${blocks.join("\n\n")}\n`;
}

function inLines({ columns, rows }: Section, screen: Screen): string {
  const cells = rows.map((row) => columns.map((column) => cellOf(row[column.name] ?? null, column)));
  return grid(
    columns.map(({ name }) => name),
    cells,
    screen,
  );
}

function inColumns({ columns, rows }: Section, screen: Screen): string {
  const lines = columns.map((column) => [
    { text: column.name, isNumber: false, isBad: false },
    ...rows.map((row) => cellOf(row[column.name] ?? null, column)),
  ]);
  const [headings = [], ...rest] = lines;
  return grid(
    headings.map(({ text }) => text),
    rest,
    screen,
  );
}

/** A section as text. */
export function render(section: Section, screen: Screen): string {
  const body = section.layout === "lines" ? inLines(section, screen) : inColumns(section, screen);
  return section.remark === "" ? body : `${body}${section.remark}\n`;
}
