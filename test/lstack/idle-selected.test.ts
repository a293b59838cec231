/** A selected program that never has a socket: its waits go through the engine, which has no stack. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { run } from "../../scripts/lab/command.js";
import { addresses } from "../../scripts/lab/lab.js";
import { preloadEnvironment } from "../../scripts/lab/repository.js";
import { temporaryFolder } from "../../scripts/lab/temporary.js";

/** Waits that end by a descriptor, by time, and by a signal, in a thread and in its child. */
const waits = `
import os, select, signal, threading, time
def wait():
    read, write = os.pipe()
    epoll = select.epoll()
    epoll.register(read, select.EPOLLIN)
    threading.Timer(0.05, lambda: os.write(write, b"x")).start()
    assert epoll.poll(5) == [(read, select.EPOLLIN)]
    assert os.read(read, 1) == b"x"
    assert epoll.poll(0.01) == []
    poll = select.poll()
    poll.register(read, select.POLLIN)
    assert poll.poll(10) == []
    assert select.select([read], [], [], 0.01) == ([], [], [])
wait()
child = os.fork()
if child == 0:
    wait()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
signal.signal(signal.SIGALRM, lambda *_: print("alarm", flush=True))
signal.setitimer(signal.ITIMER_REAL, 0.05)
assert select.epoll().poll(0.3) == []
thread = threading.Thread(target=wait)
thread.start()
thread.join()
print("done")
`;

for (const port of ["packet", "ltran"]) {
  test(`waits before there is a stack, port ${port}`, () => {
    const file = join(temporaryFolder(), `lstack-${port}.conf`);
    const lines = [
      `use_ltran = ${port === "ltran" ? 1 : 0}`,
      `host_addr = "${addresses.server}"`,
      `mask_addr = "${addresses.mask}"`,
      `devices = "${addresses.serverMac}"`,
    ];
    writeFileSync(file, `${lines.join("\n")}\n`);
    const environment = {
      ...preloadEnvironment(),
      GAZELLE_BIND_PROCNAME: "python3",
      LSTACK_CONF_PATH: file,
    };
    const assignments = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    assert.equal(run("env", [...assignments, "python3", "-c", waits]).toString(), "alarm\ndone\n");
  });
}
