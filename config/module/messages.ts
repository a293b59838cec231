import { printable } from "./text";

/** One line for the user. */
class Message {
  constructor(
    /** An error forbids the start; a warning does not. */
    public readonly isError: bool,
    public readonly line: i32,
    public readonly text: string,
  ) {}
}

/** What this reading found, at first in the order of finding. */
export const messages: Message[] = [];

/** The one form of message: FILE:LINE: KEY = VALUE: REASON. The value is shown as it is given here. */
export function report(
  isError: bool,
  file: string,
  line: i32,
  key: string,
  value: string,
  reason: string,
): void {
  const subject = value.length == 0 ? printable(key) : `${printable(key)} = ${printable(value)}`;
  const kind = isError ? "" : "warning: ";
  messages.push(new Message(isError, line, `${printable(file)}:${line}: ${kind}${subject}: ${reason}`));
}

/** Number of errors so far. */
export function errorCount(): i32 {
  let count = 0;
  for (let i = 0; i < messages.length; i++) {
    if (messages[i].isError) count++;
  }
  return count;
}

/** Puts the messages into the order of their lines; those of one line stay as they are. */
export function orderMessages(): void {
  for (let i = 1; i < messages.length; i++) {
    const message = messages[i];
    let at = i;
    for (; at > 0 && messages[at - 1].line > message.line; at--) messages[at] = messages[at - 1];
    messages[at] = message;
  }
}
