import { crc32 } from 'node:zlib';
import { LAYOUT_VERSION, PROFILE_WORDS } from './layout.ts';
import type { Profile, ProfileStore } from './profile.ts';

/**
 * What was learned, as bytes: a head of 24 bytes (`SPAD`, version of the layout, words of a profile, steady seconds, length
 * and CRC-32 of what follows, begun with the seconds), then for each store the number of its profiles, and each profile as name, tenant, a bit for
 * every word that is not 0, and those words. All little-endian.
 */
const MAGIC = 0x44415053;
const HEAD_BYTES = 24;
const MASK_BYTES = Math.ceil(PROFILE_WORDS / 8);
const NO_TENANT = 0xffff;

/** Writes stores in their order. */
export function writeSnapshot(nowS: number, stores: readonly ProfileStore[]): Uint8Array {
  const parts: Buffer[] = [];
  for (const store of stores) {
    const head = Buffer.alloc(4);
    head.writeUInt32LE(store.size);
    parts.push(head);
    for (const profile of store.all()) parts.push(profileBytes(profile));
  }
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(HEAD_BYTES);
  [MAGIC, LAYOUT_VERSION, PROFILE_WORDS, nowS, body.length, crc32(body, nowS)].forEach((value, i) => {
    head.writeUInt32LE(value, i * 4);
  });
  return Buffer.concat([head, body]);
}

function profileBytes({ name, tenant, u32, base }: Profile): Buffer {
  const words: number[] = [];
  const mask = Buffer.alloc(MASK_BYTES);
  for (let i = 0; i < PROFILE_WORDS; i++) {
    const value = u32[base + i] ?? 0;
    if (value === 0) continue;
    mask[i >> 3] = (mask[i >> 3] ?? 0) | (1 << (i & 7));
    words.push(value);
  }
  return Buffer.concat([text(name), text(tenant), mask, Buffer.from(Uint32Array.from(words).buffer)]);
}

/** Length in two bytes, then UTF-8; names are cut nowhere, for a longer one is not kept at all. */
function text(value: string | undefined): Buffer {
  const bytes = Buffer.from(value ?? '');
  const head = Buffer.alloc(2);
  head.writeUInt16LE(value === undefined ? NO_TENANT : bytes.length);
  return Buffer.concat([head, bytes]);
}

/**
 * Reads stores in their order, into ones that are empty.
 *
 * @returns the steady seconds; undefined where the bytes are torn, or of another layout: then nothing was read
 */
export function readSnapshot(bytes: Uint8Array, stores: readonly ProfileStore[]): number | undefined {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (all.length < HEAD_BYTES) return undefined;
  const [magic, version, words, nowS = 0, length, sum] = [0, 4, 8, 12, 16, 20].map((at) => all.readUInt32LE(at));
  const body = all.subarray(HEAD_BYTES);
  if (magic !== MAGIC || version !== LAYOUT_VERSION || words !== PROFILE_WORDS) return undefined;
  // What passes this was written by us: the state directory is ours alone.
  if (length !== body.length || sum !== crc32(body, nowS)) return undefined;
  const at = { body, offset: 0 };
  for (const store of stores) {
    for (let left = readWord(at); left > 0; left--) readProfile(at, store);
  }
  return nowS;
}

interface Place {
  readonly body: Buffer;
  offset: number;
}

function readProfile(at: Place, store: ProfileStore): void {
  const name = readText(at) ?? '';
  const profile = store.open(name, readText(at), 0);
  const mask = at.body.subarray(at.offset, (at.offset += MASK_BYTES));
  for (let i = 0; i < PROFILE_WORDS; i++) {
    if (((mask[i >> 3] ?? 0) >> (i & 7)) & 1) profile.u32[profile.base + i] = readWord(at);
  }
}

function readText(at: Place): string | undefined {
  const length = at.body.readUInt16LE(at.offset);
  at.offset += 2;
  if (length === NO_TENANT) return undefined;
  return at.body.toString('utf8', at.offset, (at.offset += length));
}

function readWord(at: Place): number {
  at.offset += 4;
  return at.body.readUInt32LE(at.offset - 4);
}
