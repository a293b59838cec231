import type { Program } from "../facts/facts.js";
import type { Check, Problem } from "../finding.js";
import { called } from "../subjects.js";

function problems(program: Program): Problem[] {
  if (program.state === "stopped") {
    return [
      {
        severity: "error",
        what: `${called(program)} is stopped, by a signal or a debugger`,
        why: "its stack stands still with it: nothing is acknowledged, and peers give up in the end",
        fix: `kill -CONT ${program.pid}`,
      },
    ];
  }
  if (program.state === "silent") {
    return [
      {
        severity: "warning",
        what: `${called(program)} does not say what its stack does: ${program.remark}`,
        why: "a program that is well answers within milliseconds",
        fix: `gazelle stats ${program.pid}   # once more; then look at the process itself`,
      },
    ];
  }
  if (!program.isPoisoned) return [];
  return [
    {
      severity: "error",
      what: `the stack of ${called(program)} is dead: it found its memory damaged`,
      why: "every connection was reset, and none is accepted any more",
      fix: `restart ${program.name}, and report the damage with the output of gazelle stats ${program.pid}`,
    },
  ];
}

export const alive: Check = {
  id: "alive",
  about: "programs with a stack run and answer",
  look: ({ programs }) => programs.flatMap(problems),
};
