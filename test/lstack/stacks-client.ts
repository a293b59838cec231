/** The peer of stacks.py, on the kernel's stack; prints what it found as JSON. */
import { createSocket, type Socket as DatagramSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

const [peer = "", first = "", howMany = ""] = process.argv.slice(2);
const port = Number(first);
const connections = Number(howMany);
/** Ports of stacks.py, in its order. */
const at = {
  epoll: port,
  accept: port + 1,
  poll: port + 2,
  udpMain: port + 3,
  udpThread: port + 4,
  control: port + 5,
  ownEcho: port + 6,
  nobody: port + 20,
};
const patienceMs = 20_000;

function opened(to: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(to, peer);
    socket.setTimeout(patienceMs, () => socket.destroy(new Error(`port ${to} is silent`)));
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

async function answer(socket: Socket): Promise<string> {
  const [data] = (await once(socket, "data")) as [Buffer];
  return data.toString();
}

/** All connections are open at the same time; each carries text of its own. Answers how many were right. */
async function echoed(to: number, count: number, rounds: number): Promise<number> {
  const sockets: Socket[] = [];
  for (let i = 0; i < count; i++) sockets.push(await opened(to));
  // From here on: the server may be the one that closes.
  const closed = sockets.map((socket) => once(socket, "close"));
  let right = 0;
  for (let round = 0; round < rounds; round++) {
    const texts = sockets.map((_, i) => `${i} of ${round}`);
    const answers = sockets.map(answer);
    sockets.forEach((socket, i) => {
      socket.write(texts[i] ?? "");
    });
    const got = await Promise.all(answers);
    right = got.filter((text, i) => text === texts[i]).length;
  }
  for (const socket of sockets) socket.end();
  await Promise.all(closed);
  return right;
}

/** Sends one datagram from a port of its own; answers what came back, or the error's code. */
async function datagram(to: number, payload: Buffer): Promise<Buffer | string> {
  const socket: DatagramSocket = createSocket("udp4");
  const over = setTimeout(() => socket.emit("error", { code: "silence" }), patienceMs);
  try {
    socket.connect(to, peer);
    await once(socket, "connect");
    const answered = once(socket, "message");
    socket.send(payload);
    const [message] = (await answered) as [Buffer];
    return message;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "";
  } finally {
    clearTimeout(over);
    socket.close();
  }
}

async function datagrams(to: number, count: number): Promise<number> {
  let right = 0;
  for (let i = 0; i < count; i++) {
    const payload = Buffer.from(`datagram ${i}`);
    const back = await datagram(to, payload);
    if (typeof back !== "string" && back.equals(payload)) right++;
  }
  return right;
}

/** It arrives in fragments, and goes back in fragments. */
async function longDatagram(to: number, length: number): Promise<number> {
  const payload = Buffer.alloc(length, "x");
  const back = await datagram(to, payload);
  return typeof back !== "string" && back.equals(payload) ? back.length : 0;
}

async function ask(text: string): Promise<string> {
  const socket = await opened(at.control);
  const answered = answer(socket);
  socket.write(text);
  const said = await answered;
  socket.destroy();
  return said;
}

async function refusals(to: number, count: number): Promise<number> {
  let found = 0;
  for (let i = 0; i < count; i++) {
    const socket = await opened(to).catch((error: NodeJS.ErrnoException) => error.code);
    if (socket === "ECONNREFUSED") found++;
  }
  return found;
}

/** What the accelerated program's own connections reach. */
const echo = createServer((socket) => {
  socket.once("data", (data) => socket.end(data));
  socket.on("error", () => socket.destroy());
});
echo.listen(at.ownEcho);
await once(echo, "listening");

const found = {
  epoll: await echoed(at.epoll, connections, 2),
  accept: await echoed(at.accept, 20, 1),
  poll: await echoed(at.poll, 20, 2),
  udpMain: await datagrams(at.udpMain, 30),
  udpThread: await datagrams(at.udpThread, 30),
  fragments: await longDatagram(at.udpThread, 4_000),
  calls: await ask("call"),
  bind: await ask("bind"),
  refused: await refusals(at.nobody, 20),
  unreachable: (await datagram(at.nobody, Buffer.from("nobody"))) === "ECONNREFUSED",
};
console.log(JSON.stringify(found));
echo.close();
