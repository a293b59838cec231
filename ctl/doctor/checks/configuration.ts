import type { Message } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";

/** Messages that a check of its own explains better. */
const ELSEWHERE = /memory in huge pages/;
const STOPS = /would stop a start here: /;

function problem({ text, isWarning }: Message): Problem {
  if (!isWarning) {
    return {
      severity: "error",
      what: text,
      why: "a program with this configuration ends before it begins",
      fix: "change the line as it says; docs/configuration.md lists every option",
    };
  }
  const stops = STOPS.test(text);
  return {
    severity: stops ? "error" : "warning",
    what: text.replace(/: warning: /, ": ").replace(STOPS, ""),
    why: stops
      ? "this machine or this version lacks what the option asks for, so a start fails"
      : "the option does not do what it says",
    fix: "change the line as it says; docs/configuration.md lists every option",
  };
}

export const configuration: Check = {
  id: "configuration",
  about: "configuration files are right",
  look: ({ configurations }) =>
    configurations.flatMap(({ messages }) =>
      messages.filter(({ text }) => !ELSEWHERE.test(text)).map(problem),
    ),
};
