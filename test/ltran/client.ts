/** Clients of ltran that register by the protocol's bytes (client.py). */
import * as layout from "../../build/generated/node/registration-layout.js";
import { macNumber } from "../../ltran/daemon/addresses.js";
import { inRoot } from "../../scripts/build/paths.js";
import { addresses, type Lab } from "../../scripts/lab/lab.js";
import { type Program, startProgram } from "../../scripts/lab/program.js";

const slots = 512;
const bufferSize = 2048;
const regionSize = 2_187_264;

/** What a registration says; everything else is right. */
export interface Claims {
  version?: number;
  kind?: number;
  stackIndex?: number;
  stackCount?: number;
  slots?: number;
  bufferSize?: number;
  regionSize?: number;
  mac?: string;
  /** Dotted quad. */
  address?: string;
  key?: bigint;
  features?: number;
  magic?: number;
  /** Bytes that are sent of the message. */
  length?: number;
}

/** How the client behaves. */
export interface Order extends Claims {
  uid?: number;
  sealed?: boolean;
  fileSize?: number;
  /** Its memory is not allocated, but for what it writes. */
  sparse?: boolean;
  /** Descriptors sent: of memory file, socket and eventfd the first ones. */
  fds?: number;
  /** Socket and eventfd in each other's place. */
  swapped?: boolean;
}

/** A registration that claims this. */
export function message(claims: Claims): Buffer {
  const bytes = Buffer.alloc(layout.REGISTER_SIZE);
  const address = claims.address ?? "10.77.0.1";
  bytes.writeUInt32LE(claims.magic ?? layout.REGISTRATION_MAGIC, 0);
  bytes.writeUInt16LE(claims.version ?? layout.REGISTRATION_VERSION, layout.MESSAGE_VERSION);
  bytes.writeUInt16LE(claims.kind ?? layout.REGISTRATION_REGISTER, layout.MESSAGE_KIND);
  bytes.writeUInt32LE(layout.REGISTER_SIZE, layout.MESSAGE_SIZE);
  bytes.writeUInt16LE(claims.stackIndex ?? 0, layout.REGISTER_STACK_INDEX);
  bytes.writeUInt16LE(claims.stackCount ?? 1, layout.REGISTER_STACK_COUNT);
  bytes.writeUInt32LE(claims.slots ?? slots, layout.REGISTER_SLOTS);
  bytes.writeUInt32LE(claims.bufferSize ?? bufferSize, layout.REGISTER_BUFFER_SIZE);
  bytes.writeUInt32LE(claims.features ?? layout.FEATURE_VNET_HEADER, layout.REGISTER_FEATURES);
  bytes.writeBigUInt64LE(BigInt(claims.regionSize ?? regionSize), layout.REGISTER_REGION_SIZE);
  bytes.writeBigUInt64LE(macNumber(claims.mac ?? addresses.serverMac), layout.REGISTER_MAC);
  bytes.writeUInt16BE(0xffff, layout.REGISTER_ADDRESS + 10);
  bytes.set(address.split(".").map(Number), layout.REGISTER_ADDRESS + 12);
  bytes.writeBigUInt64LE(claims.key ?? 1n, layout.REGISTER_PROCESS_KEY);
  bytes.write("client", layout.REGISTER_NAME);
  bytes.writeUInt32LE(24, layout.REGISTER_PREFIX_LENGTH);
  return bytes.subarray(0, claims.length ?? bytes.length);
}

/** What a client was answered. */
export interface Reply {
  kind: "welcome" | "refusal" | "nothing";
  /** Of a welcome. */
  vport: number;
  mtu: number;
  flags: number;
  /** Of a refusal. */
  code: number;
  text: string;
}

/** Reads what ltran answered. */
export function readReply(bytes: Buffer): Reply {
  const reply: Reply = { kind: "nothing", vport: -1, mtu: 0, flags: 0, code: 0, text: "" };
  if (bytes.length === layout.WELCOME_SIZE) {
    reply.kind = "welcome";
    reply.vport = bytes.readUInt32LE(layout.WELCOME_VPORT);
    reply.mtu = bytes.readUInt32LE(layout.WELCOME_MTU);
    reply.flags = bytes.readUInt32LE(layout.WELCOME_PORT_FLAGS);
  } else if (bytes.length === layout.REFUSAL_SIZE) {
    reply.kind = "refusal";
    reply.code = bytes.readUInt32LE(layout.REFUSAL_CODE);
    const text = bytes.subarray(layout.REFUSAL_TEXT_AT);
    reply.text = text.toString("utf8", 0, text.indexOf(0));
  }
  return reply;
}

/** A process that registered so often as it was told. */
export interface Client {
  program: Program;
  replies: Reply[];
}

/** Starts a process that registers once for each order; what it registered stays until it is stopped. */
export async function startClient(lab: Lab, socket: string, orders: readonly Order[]): Promise<Client> {
  const full = orders.map((order) => ({
    path: socket,
    message: message(order).toString("hex"),
    slots: order.slots ?? slots,
    regionSize: order.regionSize ?? regionSize,
    ...(order.uid === undefined ? {} : { uid: order.uid }),
    ...(order.sealed === undefined ? {} : { sealed: order.sealed }),
    ...(order.fileSize === undefined ? {} : { fileSize: order.fileSize }),
    ...(order.sparse === undefined ? {} : { sparse: order.sparse }),
    ...(order.fds === undefined ? {} : { fds: order.fds }),
    ...(order.swapped === undefined ? {} : { swapped: order.swapped }),
  }));
  const program = startProgram({
    namespace: lab.serverNamespace,
    role: "client",
    command: "python3",
    argumentList: [inRoot("test", "ltran", "client.py"), JSON.stringify(full)],
  });
  const lines = () => program.output().split("\n").slice(0, -1);
  for (let waited = 0; lines().length < orders.length && waited < 10_000; waited += 20) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const replies = lines().map((line) => {
    const { answer } = JSON.parse(line) as { answer?: string };
    return readReply(Buffer.from(answer ?? "", "hex"));
  });
  return { program, replies };
}

/** Registers once, and is gone again. */
export async function registerOnce(lab: Lab, socket: string, order: Order): Promise<Reply> {
  const { program, replies } = await startClient(lab, socket, [order]);
  await program.stop();
  const [reply] = replies;
  if (reply === undefined) throw new Error(`no answer: ${program.output()}`);
  return reply;
}
