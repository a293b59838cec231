/** Descriptors that clients have sent and that are of no use any more. */
import { close } from "node:fs";

/** Descriptors of one user that are still being closed: with more he is hung up on. */
const CLOSING_PER_USER = 16;

/**
 * Closes what a client has sent and nobody has looked at. It may be a file of any file system: to close it
 * may fail, or wait for whoever serves it, so that another thread does it.
 */
export class Closing {
  readonly #byUser = new Map<number, number>();

  /** Whether so many of a user's are being closed that he must wait. */
  isBusy(uid: number): boolean {
    return this.#of(uid) > CLOSING_PER_USER;
  }

  /** Closes them, some time. */
  close(fds: readonly number[], uid: number): void {
    for (const fd of fds) {
      this.#byUser.set(uid, this.#of(uid) + 1);
      close(fd, () => {
        const left = this.#of(uid) - 1;
        if (left > 0) this.#byUser.set(uid, left);
        else this.#byUser.delete(uid);
      });
    }
  }

  #of(uid: number): number {
    return this.#byUser.get(uid) ?? 0;
  }
}
