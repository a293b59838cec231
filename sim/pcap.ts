import { closeSync, openSync, writeSync } from "node:fs";

const MAGIC_MICROSECONDS = 0xa1b2c3d4;
const LINK_TYPE_ETHERNET = 1;
const SNAP_LENGTH = 262144;

/** Writes frames to a file in the classic libpcap format. */
export class PcapWriter {
  private readonly fd: number;

  constructor(path: string) {
    this.fd = openSync(path, "w");
    const header = Buffer.alloc(24);
    header.writeUInt32LE(MAGIC_MICROSECONDS, 0);
    header.writeUInt16LE(2, 4);
    header.writeUInt16LE(4, 6);
    header.writeUInt32LE(SNAP_LENGTH, 16);
    header.writeUInt32LE(LINK_TYPE_ETHERNET, 20);
    writeSync(this.fd, header);
  }

  /** Adds a frame seen at a time in microseconds. */
  write(microseconds: number, frame: Uint8Array): void {
    const header = Buffer.alloc(16);
    header.writeUInt32LE(Math.floor(microseconds / 1e6), 0);
    header.writeUInt32LE(microseconds % 1e6, 4);
    header.writeUInt32LE(frame.length, 8);
    header.writeUInt32LE(frame.length, 12);
    writeSync(this.fd, header);
    writeSync(this.fd, frame);
  }

  close(): void {
    closeSync(this.fd);
  }
}
