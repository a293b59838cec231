/** What a view shows: columns with names, units and meanings, and rows of values; as text and JSON alike. */

/** A value of a cell; null: there is none. */
export type Value = string | number | bigint | boolean | null;

/** What a number is of. */
export type Unit =
  | "packets"
  | "bytes"
  | "packets/s"
  | "bits/s"
  | "microseconds"
  | "connections"
  | "sockets"
  | "buffers"
  | "events"
  | "calls"
  | "segments"
  | "percent"
  | "number"
  | "text"
  | "boolean";

/** A column without the way to its values. */
export interface ColumnInfo {
  /** As scripts and JSON know it; where the original has the number, its name. */
  name: string;
  unit: Unit;
  /** One sentence. */
  doc: string;
  /** A number other than zero is bad news: it is coloured. */
  isBad: boolean;
}

interface Column<Row> extends ColumnInfo {
  of(row: Row): Value;
}

/** How rows are laid out as text: a line each, or a column each with the names at the side. */
type Layout = "lines" | "columns";

/** Rows of a sheet, ready to be shown. */
export interface Section {
  name: string;
  layout: Layout;
  columns: readonly ColumnInfo[];
  rows: readonly Readonly<Record<string, Value>>[];
  /** Said below the rows, for people. */
  remark: string;
}

/** What the schema needs of a sheet. */
export interface SheetInfo {
  /** The member of the JSON document that has the rows. */
  name: string;
  about: string;
  columns: readonly ColumnInfo[];
}

/** A kind of table. */
export class Sheet<Row> implements SheetInfo {
  readonly columns: Column<Row>[] = [];

  constructor(
    readonly name: string,
    readonly layout: Layout,
    readonly about: string,
  ) {}

  /** Adds a column. */
  column(name: string, unit: Unit, doc: string, of: (row: Row) => Value): this {
    this.columns.push({ name, unit, doc, of, isBad: false });
    return this;
  }

  /** Adds a column of numbers that should be zero. */
  bad(name: string, unit: Unit, doc: string, of: (row: Row) => Value): this {
    this.columns.push({ name, unit, doc, of, isBad: true });
    return this;
  }

  /** The rows, with every column. */
  section(rows: readonly Row[], remark = ""): Section {
    const values = (row: Row) => this.columns.map(({ name, of }) => [name, of(row)] as const);
    return {
      name: this.name,
      layout: this.layout,
      columns: this.columns,
      rows: rows.map((row) => Object.fromEntries(values(row))),
      remark,
    };
  }
}
