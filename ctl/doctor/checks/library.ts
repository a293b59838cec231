import type { Check } from "../finding.js";
import { called } from "../subjects.js";

export const library: Check = {
  id: "library",
  about: "programs run the library that is installed",
  look: ({ programs }) =>
    programs
      .filter(({ state, isReplaced }) => state === "otherBuild" || isReplaced)
      .map((program) => ({
        severity: "warning",
        what:
          program.state === "otherBuild"
            ? `${called(program)} runs another build of Gazelle than the one that this tool belongs to`
            : `${called(program)} runs a library whose file was replaced since`,
        why: "what was mended since is not mended there, and this tool cannot read what it counts",
        fix: `restart ${program.name}; if it has a library of its own, use the gazelle beside that`,
      })),
};
