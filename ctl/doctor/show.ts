/** Findings as text. */
import type { Finding } from "./finding.js";

const COLOURS: Readonly<Record<Finding["severity"], string>> = { error: "31", warning: "33", info: "36" };

/** What a process of another user says about itself must not steer our terminal. */
function harmless(text: string): string {
  return text.replaceAll(/[^ -~]/g, "?");
}

function painted(text: string, severity: Finding["severity"], isColoured: boolean): string {
  return isColoured ? `\x1b[1;${COLOURS[severity]}m${text}\x1b[0m` : text;
}

function show({ id, severity, what, why, fix }: Finding, isColoured: boolean): string {
  return [
    `${painted(severity, severity, isColoured)}: ${harmless(what)} [${id}]`,
    `    why: ${harmless(why)}`,
    `    fix: ${harmless(fix)}`,
    "",
  ].join("\n");
}

function counts(findings: readonly Finding[]): string {
  const wrong = (severity: Finding["severity"], word: string) => {
    const number = findings.filter((finding) => !finding.ok && finding.severity === severity).length;
    return `${number} ${word}${number === 1 ? "" : "s"}`;
  };
  const parts = [wrong("error", "error"), wrong("warning", "warning"), wrong("info", "remark")];
  return `${new Set(findings.map(({ id }) => id)).size} checks: ${parts.join(", ")}\n`;
}

/** What is wrong, worst first, and how many checks there were; with `all`, what is right, too. */
export function showFindings(findings: readonly Finding[], all: boolean, isColoured: boolean): string {
  const order: readonly Finding["severity"][] = ["error", "warning", "info"];
  const wrong = order.flatMap((severity) =>
    findings.filter((finding) => !finding.ok && finding.severity === severity),
  );
  const right = all ? findings.filter(({ ok }) => ok).map(({ id, what }) => `ok: ${what} [${id}]\n`) : [];
  const end = right.length > 0 ? "\n" : "";
  const texts = wrong.map((finding) => `${show(finding, isColoured)}\n`);
  return [...texts, ...right, end, counts(findings)].join("");
}
