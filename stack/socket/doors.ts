// What a socket call is to the shell: every function here answers >= 0 or -errno, the caller holds the
// stack's lock, `now` is in microseconds, handles come from socketHandle(), and a stale one answers -EBADF.

export * from "./doors/data-doors";
export * from "./doors/endpoint-doors";
export * from "./doors/option-doors";
export * from "./doors/shadow-doors";
export * from "./doors/waitset-doors";
