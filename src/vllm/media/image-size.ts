/** What the header of an image says, and as many frames as were counted. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
}

/** Reads the size from the bytes of a whole image; undefined where they are not a well-formed one. */
export type ReadSize = (bytes: Uint8Array, maxFrames: number) => ImageSize | undefined;
