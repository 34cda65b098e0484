/**
 * Collects a body in memory of its own. The parser's pieces are not kept: each would hold the whole read that it came
 * with, so that small ones would cost many times their size without anybody counting it.
 */
export class BodyBuffer {
  /** Bytes collected. */
  length = 0;
  private memory: Buffer = EMPTY;
  private readonly take: (bytes: number) => boolean;
  private readonly mostBytes: number;

  /**
   * @param take sets memory aside before it is used; false where there is none
   * @param mostBytes what the body can be at most, so that no more is set aside for it
   */
  constructor(take: (bytes: number) => boolean, mostBytes: number) {
    this.take = take;
    this.mostBytes = mostBytes;
  }

  /** Adds a piece; false where no memory is left for it. */
  add(piece: Buffer): boolean {
    const needed = this.length + piece.length;
    if (needed > this.memory.length && !this.grow(needed)) return false;
    piece.copy(this.memory, this.length);
    this.length = needed;
    return true;
  }

  /** The whole body. */
  bytes(): Buffer {
    return this.memory.subarray(0, this.length);
  }

  private grow(needed: number): boolean {
    // A body that comes in one piece, as most do, gets its exact size.
    const size = this.memory.length === 0 ? needed : Math.max(needed, Math.min(this.memory.length * 2, this.mostBytes));
    if (!this.take(size - this.memory.length)) return false;
    const larger = Buffer.allocUnsafe(size);
    this.memory.copy(larger, 0, 0, this.length);
    this.memory = larger;
    return true;
  }
}

const EMPTY = Buffer.alloc(0);
