/** A piece of the module's addresses. */
interface Piece {
  address: number;
  size: number;
}

const PAGE = 4096;

/**
 * Hands out addresses of the module's window: page by page, first fit, pieces put back join their neighbours.
 */
export class Windows {
  readonly #free: Piece[];

  /** All addresses from `start` to `end` are free. */
  constructor(start: number, end: number) {
    const first = Math.ceil(start / PAGE) * PAGE;
    this.#free = [{ address: first, size: Math.floor((end - first) / PAGE) * PAGE }];
  }

  /** The address of `size` bytes in a row, or null when there are none. */
  take(size: number): number | null {
    const wanted = Math.ceil(size / PAGE) * PAGE;
    const piece = this.#free.find((candidate) => candidate.size >= wanted);
    if (piece === undefined || wanted === 0) return null;
    const { address } = piece;
    piece.address += wanted;
    piece.size -= wanted;
    if (piece.size === 0) this.#free.splice(this.#free.indexOf(piece), 1);
    return address;
  }

  /** Puts back what take() handed out. */
  give(address: number, size: number): void {
    const piece = { address, size: Math.ceil(size / PAGE) * PAGE };
    const index = this.#free.findIndex((candidate) => candidate.address > address);
    const at = index < 0 ? this.#free.length : index;
    this.#free.splice(at, 0, piece);
    this.#join(at);
    this.#join(at - 1);
  }

  /** Bytes that are free, in however many pieces. */
  get available(): number {
    return this.#free.reduce((sum, piece) => sum + piece.size, 0);
  }

  #join(index: number): void {
    const piece = this.#free[index];
    const next = this.#free[index + 1];
    if (piece === undefined || next === undefined || piece.address + piece.size !== next.address) return;
    piece.size += next.size;
    this.#free.splice(index + 1, 1);
  }
}
