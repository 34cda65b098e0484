/** Numbers that bound what one request may hold; `validation.caps` of the configuration, raised or lowered by tenant and key. */
export interface Caps {
  /** Answers to one request. */
  readonly n: number;
  readonly topLogprobs: number;
  readonly stop: number;
  readonly tools: number;
  readonly messages: number;
  readonly promptList: number;
  readonly images: number;
  readonly audios: number;
  readonly videos: number;
  /** Bytes of all tools of a request together, as JSON. */
  readonly toolBytes: number;
  /** Bytes of one schema, as JSON. */
  readonly schemaBytes: number;
  readonly schemaNodes: number;
  readonly schemaDepth: number;
  /** Bytes of UTF-8 of all texts together. */
  readonly textBytes: number;
  /** Bytes of all media together, decoded. */
  readonly mediaBytes: number;
  readonly inputList: number;
  readonly documents: number;
  readonly conversations: number;
  /** Sockets of `/v1/realtime` of one API key at once. */
  readonly sockets: number;
  /** Completion tokens of one answer; `limits.default.maxOutputTokens`. Infinity where there is none. */
  readonly outputTokens: number;
}

/** Name of a cap. */
export type CapName = keyof Caps;

/** The names of all caps. */
export const CAP_NAMES: readonly CapName[] = [
  'n',
  'topLogprobs',
  'stop',
  'tools',
  'messages',
  'promptList',
  'images',
  'audios',
  'videos',
  'toolBytes',
  'schemaBytes',
  'schemaNodes',
  'schemaDepth',
  'textBytes',
  'mediaBytes',
  'inputList',
  'documents',
  'conversations',
  'sockets',
  'outputTokens',
];
