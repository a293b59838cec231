/**
 * A client of Redis for the idle benchmark, in a process of its own within the client's namespace. The
 * arguments are a word, the server's address and port, and what the word needs; the answer is JSON.
 */
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const PING = "PING\r\n";
/** A command of two segments' length. */
const BULK = `PING ${"x".repeat(2 * 1448 - 7)}\r\n`;
const PONG = /\+PONG\r\n$/;

function opened(address: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, address, () => resolve(socket));
    socket.setNoDelay(true);
    socket.on("error", reject);
  });
}

/** Sends a command; resolves when what came back ends as `expected` says. */
function ask(socket: Socket, command: string, expected: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = "";
    const take = (data: Buffer) => {
      text += data.toString("latin1");
      if (text.startsWith("-")) reject(new Error(text));
      if (!expected.test(text)) return;
      socket.off("data", take);
      resolve();
    };
    socket.on("data", take);
    socket.write(command);
  });
}

/** Latencies in microseconds of `count` requests, the first at `first` (epoch, ms), one every `period` ms. */
async function latencies(socket: Socket, first: number, period: number, count: number): Promise<number[]> {
  await ask(socket, PING, PONG);
  const found: number[] = [];
  for (let i = 0; i < count; i++) {
    await pause(Math.max(0, first + i * period - Date.now()));
    const before = process.hrtime.bigint();
    await ask(socket, PING, PONG);
    found.push(Number(process.hrtime.bigint() - before) / 1000);
  }
  return found;
}

/**
 * Has the server compute for `seconds`, and meanwhile sends it two full segments every 100 ms, which no
 * receiver may leave without an ACK (RFC 9293, section 3.8.6.3), on another connection.
 */
async function compute(socket: Socket, address: string, port: number, seconds: number): Promise<number> {
  const script =
    "local function now() local t = redis.call('TIME'); return t[1] + t[2] / 1000000 end " +
    `local finish = now() + ${seconds} while now() < finish do end return 'computed'`;
  const other = await opened(address, port);
  const computed = ask(socket, `EVAL "${script}" 0\r\n`, /computed\r\n$/);
  let isBusy = true;
  void computed.then(() => {
    isBusy = false;
  });
  let sent = 0;
  await pause(200);
  for (; isBusy; sent++) {
    other.write(BULK);
    await pause(100);
  }
  await computed;
  other.destroy();
  return sent;
}

const [word, address = "", port, ...numbers] = process.argv.slice(2);
const [first = 0, second = 0, third = 0] = numbers.map(Number);
const socket = await opened(address, Number(port));
const answer =
  word === "latency"
    ? await latencies(socket, first, second, third)
    : await compute(socket, address, Number(port), first);
console.log(JSON.stringify(answer));
socket.destroy();
