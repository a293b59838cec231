/** What ltran says on its standard error, by weight. */
const LEVELS = ["error", "info", "debug"] as const;
export type Level = (typeof LEVELS)[number];

/** Says a line, if lines of its weight are wanted. */
export type Say = (text: string, level?: Level) => void;

/** Says what is at least as weighty as its level. */
export class Log {
  #level: Level = "info";

  readonly say: Say = (text, level = "info") => {
    if (LEVELS.indexOf(level) <= LEVELS.indexOf(this.#level)) process.stderr.write(`ltran: ${text}\n`);
  };

  get level(): Level {
    return this.#level;
  }

  /** False when there is no such level. */
  setLevel(name: string): boolean {
    const level = LEVELS.find((known) => known === name);
    if (level !== undefined) this.#level = level;
    return level !== undefined;
  }
}
