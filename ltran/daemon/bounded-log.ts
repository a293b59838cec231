/** Messages that clients bring about, of which there may be any number. */

/** Lines in one window, and its length: what is more is counted. */
const LINES_MOST = 20;
const WINDOW_MS = 10_000;

/** Says a bounded number of lines in every window, then how many it has left out. */
export class BoundedLog {
  readonly #say: (text: string) => void;
  #said = 0;
  #leftOut = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  /** Says a line, or counts it. */
  say(text: string): void {
    this.#timer ??= setTimeout(() => this.end(), WINDOW_MS).unref();
    if (this.#said >= LINES_MOST) {
      this.#leftOut++;
      return;
    }
    this.#said++;
    this.#say(text);
  }

  /** The window is over, or ltran is. */
  end(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#leftOut > 0) this.#say(`${this.#leftOut} more messages about clients were left out`);
    this.#said = 0;
    this.#leftOut = 0;
  }
}
