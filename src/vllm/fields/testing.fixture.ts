import type { BodyCaller } from './body.ts';
import type { Caps } from './caps.ts';
import type { FieldContext } from './field.ts';

/** The contract's caps. */
export const defaultCaps: Caps = {
  n: 4,
  topLogprobs: 5,
  stop: 4,
  tools: 256,
  messages: 4096,
  promptList: 16,
  images: 4,
  audios: 0,
  videos: 0,
  toolBytes: 1024 * 1024,
  schemaBytes: 64 * 1024,
  schemaNodes: 512,
  schemaDepth: 16,
  textBytes: 4 * 1024 * 1024,
  mediaBytes: 8 * 1024 * 1024,
  inputList: 256,
  documents: 256,
  sockets: 1,
  conversations: 16,
  outputTokens: 65_536,
};

/** A caller with the default caps and no grants, as tests need one. */
export function caller(change: Partial<BodyCaller> = {}): BodyCaller {
  return {
    caps: defaultCaps,
    grants: new Set(),
    cacheSalt: 'salt',
    bind: (value) => `bound(${value})`,
    openResponse: () => undefined,
    ...change,
  };
}

/** What checks are told of one request of such a caller. */
export function context(change: Partial<FieldContext> = {}): FieldContext {
  const { caps, grants, bind, openResponse } = caller();
  const media = { images: 0, audios: 0, videos: 0, bytes: 0, pixels: 0, remote: new Map() };
  return {
    caps,
    grants,
    bind,
    unknownFields: 'deny',
    adjusted: [],
    loraPaths: [],
    mediaHosts: [],
    media,
    freeForms: [],
    openResponse,
    held: undefined,
    ...change,
  };
}

/** A whole PNG of 32 x 32 pixels. */
export const PNG =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAKklEQVR42mNwaDhAU8QwasGoBaMWjFowasGoBaMWjFowasGoBaMWDBULAC3AAFvHRxC+AAAAAElFTkSuQmCC';

/** A whole WAV of 8 samples of silence, 8 kHz, mono. */
export const WAV = Buffer.concat([
  Buffer.from('RIFF'),
  le32(36 + 16),
  Buffer.from('WAVEfmt '),
  le32(16),
  le16(1),
  le16(1),
  le32(8_000),
  le32(16_000),
  le16(2),
  le16(16),
  Buffer.from('data'),
  le32(16),
  Buffer.alloc(16),
]).toString('base64');

function le32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function le16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16LE(value);
  return bytes;
}
