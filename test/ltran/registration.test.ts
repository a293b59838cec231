/** Who may register with ltran, what the others are told, and what the end of either side means. */
import assert from "node:assert/strict";
import { existsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { after, before, describe, test } from "node:test";
import * as layout from "../../build/generated/node/registration-layout.js";
import { waitUntil } from "../../scripts/lab/command.js";
import { createLab, type Lab } from "../../scripts/lab/lab.js";
import { type Daemon, gazellectl, startLtran } from "../../scripts/lab/ltran.js";
import { runInside } from "../../scripts/lab/namespaces.js";
import { type Order, registerOnce, startClient } from "./client.js";

const patienceMs = 3_000;

const timeout = 120_000;
let lab: Lab;
let ltran: Daemon;

before(async () => {
  lab = createLab({ label: "reg", stack: "gazelle", offloads: "default" });
  ltran = await startLtran(lab, { dispatch_max_clients: "2", allow_uids: '"1-1000"' });
});
after(async () => {
  await ltran.program.stop();
  lab.remove();
});

const isEmpty = async () => (await ltran.report()).instances.length === 0;

describe("a client of ltran", { timeout }, () => {
  test("a client gets a port, is shown, and is forgotten when it is killed", async () => {
    const { program, replies } = await startClient(lab, ltran.socket, [{}]);
    assert.equal(replies[0]?.kind, "welcome");
    assert.equal(replies[0]?.mtu, 1500);
    assert.notEqual(replies[0]?.flags, 0);
    const { instances } = await ltran.report();
    assert.equal(instances.length, 1);
    assert.equal(instances[0]?.pid, program.pid);
    assert.equal(instances[0]?.address, "10.77.0.1");
    assert.equal(instances[0]?.program, "client");
    const mapped = () =>
      runInside(lab.serverNamespace, "grep", "-c", "memfd:ring", `/proc/${ltran.program.pid}/maps`);
    assert.equal(mapped().toString().trim(), "1");
    program.signal("SIGKILL");
    await program.ended;
    assert.ok(await waitUntil(isEmpty, patienceMs));
    assert.throws(mapped, "the client's memory is still mapped");
  });
});

const refused: readonly [string, Order, number, RegExp][] = [
  ["another version", { version: 9 }, layout.REFUSAL_VERSION, /version 9 .*install the same version/],
  ["a message of another kind", { kind: 2 }, layout.REFUSAL_MESSAGE, /no registration/],
  ["a message cut off", { length: 60 }, layout.REFUSAL_MESSAGE, /no registration/],
  ["no descriptor", { fds: 0 }, layout.REFUSAL_DESCRIPTORS, /there are 0/],
  ["too few descriptors", { fds: 2 }, layout.REFUSAL_DESCRIPTORS, /there are 2/],
  ["descriptors of another kind", { swapped: true }, layout.REFUSAL_DESCRIPTORS, /eventfd/],
  ["memory that can shrink", { sealed: false }, layout.REFUSAL_REGION, /sealed/],
  ["memory that is too small", { fileSize: 65_536 }, layout.REFUSAL_REGION, /size it claims/],
  ["memory that is too large", { fileSize: 4 << 20 }, layout.REFUSAL_REGION, /size it claims/],
  ["memory that is not there", { sparse: true }, layout.REFUSAL_REGION, /not allocated/],
  ["slots that are no power of two", { slots: 500 }, layout.REFUSAL_GEOMETRY, /do not fit/],
  ["a region too small for its rings", { regionSize: 65_536 }, layout.REFUSAL_GEOMETRY, /do not fit/],
  ["a region of a gigabyte", { regionSize: 1 << 30, fileSize: 4096 }, layout.REFUSAL_GEOMETRY, /do not fit/],
  ["another hardware address", { mac: "02:00:00:00:00:09" }, layout.REFUSAL_MAC, /bond_macs/],
  ["an address outside the subnet", { address: "10.78.0.1" }, layout.REFUSAL_ADDRESS, /10\.77\.0\.0\/24/],
  ["the network's own address", { address: "10.77.0.0" }, layout.REFUSAL_ADDRESS, /no host/],
  ["the broadcast address", { address: "10.77.0.255" }, layout.REFUSAL_ADDRESS, /no host/],
  ["a stack beyond its number", { stackIndex: 2, stackCount: 2 }, layout.REFUSAL_STACK, /num_cpus/],
  ["too many stacks", { stackCount: 33 }, layout.REFUSAL_STACK, /32/],
  ["another user", { uid: 5000 }, layout.REFUSAL_CREDENTIALS, /allow_uids/],
];

describe("ltran refuses", { timeout }, () => {
  for (const [what, order, code, text] of refused) {
    test(what, async () => {
      const reply = await registerOnce(lab, ltran.socket, order);
      assert.equal(reply.kind, "refusal");
      assert.equal(reply.code, code);
      assert.match(reply.text, text);
      assert.ok(await isEmpty());
    });
  }

  test("an address that the kernel has on an interface", async () => {
    runInside(lab.serverNamespace, "ip", "address", "add", "10.77.0.9/32", "dev", "lo");
    const reply = await registerOnce(lab, ltran.socket, { address: "10.77.0.9" });
    assert.equal(reply.code, layout.REFUSAL_ADDRESS);
    assert.match(reply.text, /the kernel owns 10\.77\.0\.9 on lo.*ip addr del/);
  });
});

describe("several processes", { timeout }, () => {
  test("registers several stacks of one process, each once", async () => {
    const stack = (stackIndex: number) => ({ stackIndex, stackCount: 2 });
    const { program, replies } = await startClient(lab, ltran.socket, [stack(0), stack(1), stack(1)]);
    assert.deepEqual(
      replies.map(({ kind }) => kind),
      ["welcome", "welcome", "refusal"],
    );
    assert.equal((await ltran.report()).instances[0]?.stacks.length, 2);
    await program.stop();
    assert.ok(await waitUntil(isEmpty, patienceMs));
  });

  test("refuses more processes than dispatch_max_clients, and an address of another user", async () => {
    const first = await startClient(lab, ltran.socket, [{ uid: 1000 }]);
    assert.equal(first.replies[0]?.kind, "welcome");
    const foreign = await registerOnce(lab, ltran.socket, {});
    assert.match(foreign.text, /another user has 10\.77\.0\.1/);
    const second = await startClient(lab, ltran.socket, [{ uid: 1000 }]);
    assert.equal(second.replies[0]?.kind, "welcome", second.replies[0]?.text);
    const third = await registerOnce(lab, ltran.socket, { address: "10.77.0.3" });
    assert.equal(third.code, layout.REFUSAL_CLIENTS);
    await Promise.all([first.program.stop(), second.program.stop()]);
    assert.ok(await waitUntil(isEmpty, patienceMs));
  });
});

describe("address_uids", { timeout }, () => {
  test("an address is for its users, and for root", async () => {
    const options = { allow_uids: '"1-2000"', address_uids: '"10.77.0.1=1000,10.77.0.2=1000-1001"' };
    const own = await startLtran(lab, options, `${ltran.prefix}owners-`);
    const reply = (address: string, uid: number) => registerOnce(lab, own.socket, { address, uid });
    assert.equal((await reply("10.77.0.1", 1000)).kind, "welcome");
    assert.equal((await reply("10.77.0.2", 1000)).kind, "welcome");
    assert.equal((await reply("10.77.0.2", 1001)).kind, "welcome");
    const foreign = await reply("10.77.0.1", 1001);
    assert.equal(foreign.code, layout.REFUSAL_ADDRESS);
    assert.match(
      foreign.text,
      /user 1001 may not have 10\.77\.0\.1; add "10\.77\.0\.1=1001" to address_uids/,
    );
    assert.match((await reply("10.77.0.3", 1000)).text, /user 1000 may not have 10\.77\.0\.3/);
    assert.equal((await reply("10.77.0.3", 0)).kind, "welcome");
    await own.program.stop();
  });
});

describe("the log", { timeout }, () => {
  test("has as many refusals as anybody reads, and the number of the others", async () => {
    const own = await startLtran(lab, {}, `${ltran.prefix}log-`);
    const orders = Array.from({ length: 60 }, () => ({ version: 9 }));
    const { program, replies } = await startClient(lab, own.socket, orders);
    assert.equal(replies.filter(({ code }) => code === layout.REFUSAL_VERSION).length, orders.length);
    await program.stop();
    const { stderr } = await own.program.stop();
    assert.equal(stderr.match(/refused: .*version 9/g)?.length, 20);
    assert.match(stderr, /40 more messages about clients were left out/);
  });
});

describe("the sockets of ltran", { timeout }, () => {
  test("a second ltran with the same prefix is refused, the first one stays", async () => {
    await assert.rejects(
      startLtran(lab, {}, ltran.prefix),
      /another ltran is running .*gazellectl ltran quit/,
    );
    assert.equal((await registerOnce(lab, ltran.socket, {})).kind, "welcome");
  });

  test("a killed ltran's sockets are no obstacle; quit removes them", async () => {
    const prefix = `${ltran.prefix}2-`;
    const killed = await startLtran(lab, {}, prefix);
    killed.program.signal("SIGKILL");
    await killed.program.ended;
    assert.ok(existsSync(killed.socket));
    const next = await startLtran(lab, {}, prefix);
    assert.equal(statSync(next.socket).mode & 0o777, 0o600);
    assert.equal((await registerOnce(lab, next.socket, {})).kind, "welcome");
    await gazellectl(lab, prefix, "ltran", "quit");
    assert.equal((await next.program.ended).status, 0);
    assert.ok(!existsSync(next.socket));
    await assert.rejects(gazellectl(lab, prefix, "ltran", "quit"), /nobody listens there/);
  });

  test("silent connections are hung up on, and hinder nobody", async () => {
    const silent =
      "import socket,sys,time\nall=[]\nfor i in range(200):\n" +
      " s=socket.socket(socket.AF_UNIX,socket.SOCK_SEQPACKET)\n s.connect(sys.argv[1])\n all.append(s)\n" +
      "print(sum(s.recv(1)==b'' for s in all))";
    const counted = runInside(lab.serverNamespace, "python3", "-c", silent, ltran.socket);
    assert.equal(counted.toString().trim(), "200");
    assert.equal((await registerOnce(lab, ltran.socket, {})).kind, "welcome");
  });

  test("the folder lets other users pass only when they may register", () => {
    assert.equal(statSync(dirname(ltran.socket)).mode & 0o777, 0o711);
  });
});
