/** One text of a request: what upstream was sent, or what the caller was answered. */
export interface Said {
  /** SHA-256 of all of its bytes; it could be guessed from, so it is written nowhere without a key. */
  readonly digest: Uint8Array<ArrayBuffer>;
  /** How many bytes all of it has. */
  readonly bytes: number;
  /** The first of them; undefined where no text is kept. */
  readonly kept: Uint8Array<ArrayBuffer> | undefined;
}

/** What was said in one request; undefined what was not. */
export interface Content {
  readonly requestId: string;
  readonly prompt: Said | undefined;
  readonly completion: Said | undefined;
  /** The text was to be kept, and there was no room for it. */
  readonly isDropped: boolean;
}

/** Listens to one request where something of its content is to be recorded. Never waits, and holds a bounded text. */
export interface ContentTap {
  /** The body that upstream is sent; of one that is sent anew, the last. A text is UTF-8. */
  sent(body: string | Buffer): void;
  /** A part of the answer, as the caller gets it. */
  answered(text: string): void;
  /** All that was heard, once. Undefined where nothing was. */
  take(): Content | undefined;
}

/** Which of the two texts. */
export type ContentPart = 'prompt' | 'completion';
