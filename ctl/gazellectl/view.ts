/** One of the things that can be shown: its words on the command line, and what it shows. */
import type { Section, SheetInfo } from "./sheet.js";

/** What the number behind a view is. */
type Time = "none" | "samples" | "seconds";

/** What was asked for. */
export interface Asked {
  /** The word behind the view's own, if there is one. */
  choice: string | undefined;
  /** The number behind it. */
  time: number | undefined;
  /** What a view has to remember from one sample to the next, by instance. */
  memory: Map<string, unknown>;
}

/** A view of a thing, an instance or an ltran. */
export interface View<Thing> {
  /** Option and word, then what people have in their scripts. */
  words: readonly [string, string, ...string[]];
  /** One sentence. */
  about: string;
  time: Time;
  /** A word that follows: what it chooses among, and whether it has to be there. */
  choice?: { name: string; values: readonly string[] };
  /** For the schema. */
  sheets: readonly SheetInfo[];
  /** Takes one sample. A view with time "samples" waits until a second is over. */
  read(thing: Thing, asked: Asked): Promise<Section[]>;
  /** The JSON document, where it is not made of the rows. */
  document?(thing: Thing): Promise<object>;
}

/** Resolves after so many milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
