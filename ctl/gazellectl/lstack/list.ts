import type { Instance } from "../instances.js";
import { Sheet } from "../sheet.js";

/** `gazellectl lstack show`: the processes that have a stack. */
export const list = new Sheet<Instance>("instances", "lines", "The processes that have a stack.")
  .column("pid", "number", "The process.", ({ facts }) => facts.pid)
  .column("program", "text", "Its name, as the kernel knows it.", ({ facts }) => facts.program)
  .column("address", "text", "The stack's address, with its prefix length.", ({ facts }) => facts.address)
  .column("mac", "text", "The hardware address.", ({ facts }) => facts.mac)
  .column("port", "text", "How it reaches the wire: packet, dpdk or ltran.", ({ facts }) => facts.port)
  .column("device", "text", "The device.", ({ facts }) => facts.device)
  .column("stacks", "number", "How many stacks it has.", ({ facts }) => facts.stacks)
  .column("conn_num", "sockets", "Sockets on them.", ({ stacks }) =>
    stacks.reduce((sum, { pools }) => sum + (pools.socket?.used ?? 0), 0),
  )
  .column("uptime_s", "number", "Seconds since the process began to use the stack.", ({ facts }) =>
    Math.round(facts.uptimeMicroseconds / 1e6),
  )
  .column(
    "poisoned",
    "boolean",
    "A stack found its memory damaged, and serves nothing any more.",
    ({ stacks }) => stacks.some(({ facts }) => facts.poisoned),
  );
