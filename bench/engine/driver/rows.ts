// What each row of the benchmark does when something happened to a connection.
import { connect, EventKind, fail, send } from "./engine";
import { BUFFER, bytesOf, Side } from "./streams";

const MESSAGE: i32 = 64;
/** Short connections after which those in TIME_WAIT are let go, while the clock of the row stands still. */
export const BATCH: u64 = 64;

/** A row of the benchmark. */
export const enum Row {
  RoundTrips,
  /** Round trips of the first connection; the others are idle. */
  OneOfMany,
  Bulk,
  ShortConnections,
}

class Progress {
  operations: u64 = 0;
  /** Bytes verified. */
  verified: u64 = 0;
  /** Bytes sent in bulk. */
  sent: u64 = 0;
  /** The connection that was opened first. */
  first: i32 = -1;
}

export const progress = new Progress();
export const client = new Side(0);
export const server = new Side(1);

/** Opens a connection from side 0. `writes`: it wants to know whenever there is room again. */
export function start(writes: bool): void {
  const connection = connect(writes);
  if (connection < 0) fail("connect failed");
  client.opened(connection);
  if (progress.first < 0) progress.first = connection;
}

function request(connection: i32): void {
  client.put(connection, bytesOf(connection, client.position[connection]), MESSAGE);
}

function take(side: Side, connection: i32, stream: u64): i32 {
  const length = side.take(connection, stream);
  progress.verified += length;
  return length;
}

/** Whether a whole reply is there. */
function replied(connection: i32): bool {
  return take(client, connection, connection) > 0 && client.position[connection] % MESSAGE == 0;
}

function bulk(isServer: bool, connection: i32, isReadable: bool): void {
  if (isServer && isReadable) {
    while (take(server, connection, 0) > 0) progress.operations = progress.verified;
  } else if (!isServer && !isReadable) {
    let taken: i32;
    do {
      taken = send(0, connection, bytesOf(0, progress.sent), BUFFER);
      progress.sent += taken;
    } while (taken > 0);
  }
}

function finish(row: Row, connection: i32): void {
  progress.operations++;
  if (row != Row.ShortConnections) {
    request(connection);
    return;
  }
  client.close(connection);
  if (progress.operations < BATCH) start(false);
}

/** Something happened to an open connection of one side. */
export function handle(row: Row, isServer: bool, connection: i32, kind: EventKind): void {
  const isReadable = kind == EventKind.Readable;
  if (row == Row.Bulk) bulk(isServer, connection, isReadable);
  else if (isServer) {
    if (isReadable) server.echo(connection);
  } else if (row == Row.OneOfMany && connection != progress.first) return;
  else if (!isReadable) request(connection);
  else if (replied(connection)) finish(row, connection);
}
