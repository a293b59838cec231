import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import * as layout from "../../../build/generated/node/layout.js";
import { StackHost } from "../../../sim/host.js";

/** The word that a sockaddr_in holds, as a little-endian machine loads it. */
function word(ip: string): number {
  const [a, b, c, d] = ip.split(".").map(Number) as [number, number, number, number];
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}

let host: StackHost;

function networks(list: readonly (readonly [string, string])[]): void {
  list.forEach(([ip, mask], i) => {
    host.doors.kernelNetwork(i, word(ip), word(mask));
  });
}

function route(ip: string): number {
  host.setEndpoint({ ip, port: 80 });
  return host.doors.sideOfRoute();
}

beforeEach(() => {
  host = new StackHost({ ip: "10.0.0.1", prefixLength: 24, gateway: "10.0.0.254" });
  networks([
    ["127.0.0.1", "255.0.0.0"],
    ["192.168.7.3", "255.255.255.0"],
    ["10.0.0.9", "255.255.0.0"],
  ]);
});

describe("who serves a socket", () => {
  it("bound to our address: the stack; to any: both; to another: the kernel", () => {
    host.setEndpoint({ ip: "10.0.0.1", port: 80 });
    assert.equal(host.doors.sideOfBind(0), layout.SIDE_STACK);
    host.setEndpoint({ ip: "0.0.0.0", port: 80 });
    assert.equal(host.doors.sideOfBind(0), layout.SIDE_BOTH);
    assert.equal(host.doors.sideOfBind(1), layout.SIDE_KERNEL);
    host.setEndpoint({ ip: "192.168.7.3", port: 80 });
    assert.equal(host.doors.sideOfBind(0), layout.SIDE_KERNEL);
  });

  it("connected to the kernel's own addresses and networks: the kernel", () => {
    for (const ip of ["127.0.0.1", "127.9.9.9", "192.168.7.3", "192.168.7.200", "10.0.0.9", "0.0.0.0"]) {
      assert.equal(route(ip), layout.SIDE_KERNEL, ip);
    }
  });

  it("connected to our network: the stack, even where the kernel's network is wider", () => {
    for (const ip of ["10.0.0.1", "10.0.0.2"]) assert.equal(route(ip), layout.SIDE_STACK, ip);
    assert.equal(route("10.0.1.2"), layout.SIDE_KERNEL);
  });

  it("connected elsewhere: the stack when it has a gateway, else the kernel", () => {
    assert.equal(route("8.8.8.8"), layout.SIDE_STACK);
    host = new StackHost({ ip: "10.0.0.1", prefixLength: 24 });
    assert.equal(route("8.8.8.8"), layout.SIDE_KERNEL);
  });

  it("a new list of networks replaces the old one, and more than fit are left out", () => {
    networks([["172.16.0.1", "255.240.0.0"]]);
    assert.equal(route("192.168.7.3"), layout.SIDE_STACK);
    assert.equal(route("172.17.0.1"), layout.SIDE_KERNEL);
    for (let i = 0; i < 1000; i++) host.doors.kernelNetwork(i, word("172.16.0.1"), word("255.240.0.0"));
    assert.equal(route("172.17.0.1"), layout.SIDE_KERNEL);
  });
});
