/** Showing samples: once, some, or without end; as text, as JSON, or in place. */
import { render, type Screen } from "./render.js";
import type { Section } from "./sheet.js";
import { pause, type View } from "./view.js";

/** What one sample is shown as. */
interface Sample {
  blocks: readonly { title: string; sections: readonly Section[] }[];
  json: object;
}

/** Something to be shown. */
export interface Show {
  time: View<unknown>["time"];
  /** The number behind the view. */
  limit: number | undefined;
  sample(): Promise<Sample>;
}

const SECOND_MS = 1_000;
/** To the first line, then to the end of the screen. */
const HOME = "\u001b[H";
const CLEAR_REST = "\u001b[J";
const CLEAR_LINE = "\u001b[K";
/** The other screen of the terminal, without a cursor, and back. */
const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";

function screenOf(): Screen {
  const { isTTY, columns } = process.stdout;
  const noColour = process.env.NO_COLOR ?? "";
  return {
    width: isTTY && columns > 0 ? columns : Number.POSITIVE_INFINITY,
    isColoured: isTTY === true && noColour === "" && process.env.TERM !== "dumb",
  };
}

function text({ blocks }: Sample): string {
  const screen = screenOf();
  return blocks
    .map(({ title, sections }) => {
      const parts = sections.map((section) => render(section, screen));
      return title === "" ? parts.join("\n") : `${title}\n${parts.join("\n")}`;
    })
    .join("\n");
}

function json(sample: Sample): string {
  const plain = (_: string, value: unknown) => (typeof value === "bigint" ? Number(value) : value);
  return `${JSON.stringify(sample.json, plain, 2)}\n`;
}

/** Prints as many samples as are wanted: of rates all until somebody ends us, as JSON one. */
export async function showSamples({ time, limit, sample }: Show, isJson: boolean): Promise<void> {
  const most = time !== "samples" || isJson ? 1 : (limit ?? Number.POSITIVE_INFINITY);
  for (let i = 0; i < most; i++) {
    const one = await sample();
    process.stdout.write(isJson ? json(one) : `${i === 0 ? "" : "\n"}${text(one)}`);
  }
}

/** Shows a sample a second in the same place until somebody ends us. */
export async function showInPlace({ time, sample }: Show): Promise<void> {
  const isTerminal = process.stdout.isTTY === true;
  const leave = () => {
    if (isTerminal) process.stdout.write(LEAVE);
  };
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => {
      leave();
      process.exit(0);
    });
  }
  if (isTerminal) process.stdout.write(ENTER);
  try {
    for (;;) {
      const lines = text(await sample()).split("\n");
      if (!isTerminal) process.stdout.write(lines.join("\n"));
      else {
        const shown = lines.slice(0, Math.max(1, process.stdout.rows - 1));
        process.stdout.write(`${HOME}${shown.join(`${CLEAR_LINE}\n`)}${CLEAR_REST}`);
      }
      if (time === "none") await pause(SECOND_MS);
    }
  } finally {
    leave();
  }
}
