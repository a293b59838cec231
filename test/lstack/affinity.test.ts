/**
 * num_cpus, app_bind_numa, app_exclude_cpus, main_thread_affinity: on which CPUs threads of a program run.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { addresses, createLab } from "../../scripts/lab/lab.js";
import { stackEnvironment } from "../../scripts/lab/lstack-conf.js";
import { runProgram } from "../../scripts/lab/program.js";
import { repositoryRoot } from "../../scripts/lab/repository.js";

const program = join(repositoryRoot, "test", "lstack", "affinity.py");
const anywhere = [0, 1];

/** Of a program that was started on the CPUs 0 and 1. */
const unmoved = {
  main: anywhere,
  "pinned by itself": [0],
  "first of stack 0": anywhere,
  bystander: anywhere,
  child: anywhere,
  "before its own choice": anywhere,
  "after its own choice": anywhere,
  heir: anywhere,
  "second of stack 1": anywhere,
  "second of stack 0": anywhere,
};

const variants = [
  { title: "nothing asked for", lines: [], found: { ...unmoved, memory: ["default"] } },
  {
    title: "num_cpus",
    lines: ['num_cpus="0,1"'],
    found: {
      ...unmoved,
      "first of stack 0": [0],
      "before its own choice": [1],
      heir: [0],
      memory: ["prefer:0", "prefer:0"],
    },
  },
  {
    title: "main_thread_affinity",
    lines: ['num_cpus="0,1"', "main_thread_affinity=1"],
    found: { ...unmoved, main: [0], "before its own choice": [1], memory: ["prefer:0", "prefer:0"] },
  },
  {
    title: "app_bind_numa and app_exclude_cpus",
    lines: ["stack_num=2", "app_bind_numa=1", 'app_exclude_cpus="0"'],
    found: {
      ...unmoved,
      "first of stack 0": [1],
      "before its own choice": [1],
      heir: [1],
      "second of stack 1": [1],
      "second of stack 0": [1],
      memory: ["prefer:0", "prefer:0"],
    },
  },
];

for (const [index, { title, lines, found }] of variants.entries()) {
  test(`CPUs of threads: ${title}`, { timeout: 60_000 }, async () => {
    const lab = createLab({ label: `affinity${index}`, stack: "gazelle", offloads: "default" });
    try {
      const { status, stdout, stderr } = await runProgram({
        namespace: lab.serverNamespace,
        role: "server",
        // The lab gives it one CPU.
        command: "taskset",
        argumentList: ["-c", "0,1", "/usr/bin/python3", program, addresses.server],
        environment: stackEnvironment(lab, ["python3"], { port: "packet", extraLines: lines }),
      });
      assert.equal(status, 0, stderr);
      assert.deepEqual(JSON.parse(stdout.toString()), found);
      assert.equal(stderr, "");
    } finally {
      lab.remove();
    }
  });
}
