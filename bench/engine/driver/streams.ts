// What the connections carry, and how far each one is.
import { CONNECTIONS, close, fail, receive, same, send } from "./engine";

export const BUFFER: i32 = 65536;

/** Streams are made of this, each from a place of its own: a byte that is out of place shows. */
const pattern = new StaticArray<u8>(BUFFER * 2);
const buffer = new StaticArray<u8>(BUFFER);

for (let i: u32 = 0; i < <u32>BUFFER * 2; i++) pattern[i] = <u8>(((i % BUFFER) * 2654435761) >> 24);

/** The connections of one side, by number. */
export class Side {
  isOpen: StaticArray<bool> = new StaticArray<bool>(CONNECTIONS);
  /** Bytes of each stream verified so far. */
  position: StaticArray<u64> = new StaticArray<u64>(CONNECTIONS);

  constructor(private readonly side: i32) {}

  opened(connection: i32): void {
    this.isOpen[connection] = true;
    this.position[connection] = 0;
  }

  close(connection: i32): void {
    this.isOpen[connection] = false;
    close(this.side, connection);
  }

  /** Sends `length` bytes, all at once. */
  put(connection: i32, data: usize, length: i32): void {
    if (send(this.side, connection, data, length) != length) fail("no room for a message");
  }

  /** Sends back what was received. The other side verifies it. */
  echo(connection: i32): void {
    const length = receive(this.side, connection, changetype<usize>(buffer), BUFFER);
    if (length > 0) this.put(connection, changetype<usize>(buffer), length);
    else if (length < 0) this.close(connection);
  }

  /** Receives and verifies bytes of a stream; answers how many. */
  take(connection: i32, stream: u64): i32 {
    const data = changetype<usize>(buffer);
    const length = receive(this.side, connection, data, BUFFER);
    if (length < 0) this.close(connection);
    if (length <= 0) return 0;
    if (!same(data, bytesOf(stream, this.position[connection]), length)) {
      fail("received bytes differ from those sent");
    }
    this.position[connection] += length;
    return length;
  }
}

/** Address of BUFFER bytes of a stream from a position on. */
export function bytesOf(stream: u64, position: u64): usize {
  return changetype<usize>(pattern) + <usize>((stream * 7919 + position) % BUFFER);
}
