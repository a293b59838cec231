// The doors of the stack beside which this module runs: the same linear memory, an instance of its own.

export declare function create(size: u32, now: u64): i32;
export declare function portOpen(flags: u32, mtu: u32, mac: u64, segmentationMax: u32): i32;
export declare function addressAdd(id: u32, prefixLength: u32, now: u64): i32;
export declare function receive(id: u32, count: u32, now: u64): u32;
export declare function socketOpen(version: i32, type: i32): i32;
export declare function socketBind(handle: i32): i32;
export declare function socketListen(handle: i32, backlog: i32): i32;
export declare function socketConnect(handle: i32, now: u64): i32;
export declare function socketAccept(handle: i32, now: u64): i32;
export declare function socketOptionSet(handle: i32, level: i32, name: i32, length: u32, now: u64): i32;
export declare function waitSetOpen(): i32;
export declare function waitSetHarvest(id: i32, most: i32): i32;
export declare function interestAdd(set: i32, handle: i32, fd: i32, events: u32, data: u64): i32;
export declare function socketClose(handle: i32, now: u64): i32;
export declare function socketSendPlan(handle: i32, length: u32, flags: i32, now: u64): i32;
export declare function socketSendCommit(handle: i32, length: u32, flags: i32, now: u64): i32;
export declare function socketReceivePlan(handle: i32, length: u32, flags: i32, offset: u32, now: u64): i32;
export declare function socketReceiveCommit(handle: i32, length: u32, flags: i32, now: u64): i32;
export declare function output(id: u32, now: u64): u32;
export declare function nextDeadline(): u64;
export declare function tick(now: u64): u32;
