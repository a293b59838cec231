// Loaded by node:test inside a test file's process; writes one JSON line for each finished test.
import type { TestEvent } from "node:test/reporters";

/** One finished test as the runner reads it. */
export interface TestRecord {
  name: string;
  outcome: "passed" | "failed" | "skipped";
  /** What went wrong, for a failed test. */
  error: string;
  milliseconds: number;
}

function describeError(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error) {
    // Node's own frames say nothing about the test.
    return (cause.stack ?? cause.message).replaceAll(/\n +at .*\(node:.*\)/g, "");
  }
  return typeof cause === "string" ? cause : JSON.stringify(cause);
}

/** Whether a group failed only because tests in it did, which are counted themselves. */
function isEcho(error: unknown): boolean {
  return (error as { failureType?: string }).failureType === "subtestsFailed";
}

function toRecord(event: TestEvent): TestRecord | null {
  if (event.type !== "test:pass" && event.type !== "test:fail") return null;
  const { name, details, skip, todo } = event.data;
  if (details.type === "suite" && (event.type === "test:pass" || isEcho(event.data.details.error)))
    return null;
  const milliseconds = details.duration_ms;
  // A test marked as still to be done cannot fail, so it is none.
  if (todo !== undefined) return { name, outcome: "failed", error: "marked as to do", milliseconds };
  if (skip !== undefined) return { name, outcome: "skipped", error: String(skip), milliseconds };
  if (event.type === "test:pass") return { name, outcome: "passed", error: "", milliseconds };
  return { name, outcome: "failed", error: describeError(event.data.details.error), milliseconds };
}

/** The reporter that node:test calls with its stream of events. */
export default async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  for await (const event of source) {
    const record = toRecord(event);
    if (record !== null) yield `${JSON.stringify(record)}\n`;
  }
}
