/** Waiting until a server really accepts connections. */
import { pause } from "./command.js";
import type { Lab } from "./lab.js";
import { addresses } from "./lab.js";
import type { Program } from "./program.js";
import { runProgram } from "./program.js";

const readinessTimeoutS = 15;

function connectScript(port: number): string {
  return [
    `deadline=$((SECONDS + ${readinessTimeoutS}))`,
    "while [ $SECONDS -lt $deadline ]; do",
    `  (exec 3<>/dev/tcp/${addresses.server}/${port}) 2>/dev/null && exit 0`,
    "  sleep 0.02",
    "done",
    "exit 1",
  ].join("\n");
}

/**
 * Connects from the client's namespace until a connection is accepted. A daemon's first process may end with
 * status 0 while its service lives on.
 * @throws Error with the server's output when it ends first or does not accept within 15 s.
 */
export async function waitForServer(
  lab: Lab,
  server: Program,
  port: number,
  isDaemon = false,
): Promise<void> {
  const probing = runProgram({
    namespace: lab.clientNamespace,
    role: "client",
    command: "bash",
    argumentList: ["-c", connectScript(port)],
    timeoutMs: (readinessTimeoutS + 2) * 1_000,
  });
  const connected = probing.then(
    () => true,
    () => false,
  );
  const failed = server.ended.then((result) => (isDaemon && result.status === 0 ? connected : false));
  if (!(await Promise.race([connected, failed]))) {
    await pause(50);
    throw new Error(
      `the server on port ${port} does not accept connections:\n${server.output().slice(-4_000)}`,
    );
  }
}
