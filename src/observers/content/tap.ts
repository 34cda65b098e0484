import { createHash, type Hash } from 'node:crypto';
import type { Content, ContentTap, Said } from '../../kernel/content.ts';

/** What is kept of the content of requests. */
export interface ContentRules {
  readonly mode: 'none' | 'hash' | 'full';
  /** Part of the requests, 0 to 1. */
  readonly sample: number;
  /** Most bytes of a text that are kept. */
  readonly maxBytes: number;
}

/** Gives a request its tap; undefined where nothing of its content is recorded. */
export type OpenTap = (requestId: string) => ContentTap | undefined;

/** Bytes that the running requests of one worker may keep together: what is above is digested only. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

/** @param maxHeldBytes all taps together */
export function createContentTaps(
  { mode, sample, maxBytes }: ContentRules,
  maxHeldBytes = MAX_HELD_BYTES,
): OpenTap | undefined {
  if (mode === 'none' || sample === 0) return undefined;
  const room: Room = { free: maxHeldBytes };
  return (requestId) =>
    isInSample(requestId, sample) ? new Tap(requestId, mode === 'full' ? maxBytes : 0, room) : undefined;
}

/**
 * Whether a request is one of that part of all. Chosen by its id alone, which is random, so that all that see it agree.
 *
 * @param requestId a UUID of version 4
 */
export const isInSample = (requestId: string, sample: number): boolean =>
  Number.parseInt(requestId.slice(0, 8), 16) < sample * 2 ** 32;

interface Room {
  free: number;
}

class Tap implements ContentTap {
  private readonly requestId: string;
  private readonly maxBytes: number;
  private readonly room: Room;
  private prompt: Text | undefined;
  private completion: Text | undefined;

  constructor(requestId: string, maxBytes: number, room: Room) {
    this.requestId = requestId;
    this.maxBytes = maxBytes;
    this.room = room;
  }

  sent(body: string | Buffer): void {
    this.prompt?.forget();
    this.prompt = new Text(this.maxBytes, this.room);
    this.prompt.add(body);
  }

  answered(text: string): void {
    this.completion ??= new Text(this.maxBytes, this.room);
    this.completion.add(text);
  }

  take(): Content | undefined {
    const { requestId, prompt, completion } = this;
    if (prompt === undefined && completion === undefined) return undefined;
    this.prompt = undefined;
    this.completion = undefined;
    const isDropped = prompt?.isDropped === true || completion?.isDropped === true;
    return { requestId, prompt: prompt?.take(), completion: completion?.take(), isDropped };
  }
}

/** A text as it grows: all of it is digested, its beginning kept. */
class Text {
  isDropped = false;
  private readonly hash: Hash = createHash('sha256');
  private readonly maxBytes: number;
  private readonly room: Room;
  private bytes = 0;
  private parts: Buffer[] = [];
  private keptBytes = 0;

  constructor(maxBytes: number, room: Room) {
    this.maxBytes = maxBytes;
    this.room = room;
  }

  add(text: string | Buffer): void {
    this.hash.update(text);
    this.bytes += typeof text === 'string' ? Buffer.byteLength(text) : text.length;
    const left = this.maxBytes - this.keptBytes;
    if (left <= 0 || this.isDropped) return;
    // A character is a byte at least, and one of two units must not be split. A copy in any case, else a large body would
    // stay in memory for its beginning.
    const part = Buffer.from(typeof text === 'string' ? text.slice(0, left + 1) : text.subarray(0, left)).subarray(
      0,
      left,
    );
    if (part.length > this.room.free) {
      this.forget();
      this.isDropped = true;
      return;
    }
    this.room.free -= part.length;
    this.keptBytes += part.length;
    this.parts.push(part);
  }

  /** Gives back its room. */
  forget(): void {
    this.room.free += this.keptBytes;
    this.parts = [];
    this.keptBytes = 0;
  }

  take(): Said {
    const isKept = this.maxBytes > 0 && !this.isDropped;
    const kept = isKept ? joined(this.parts, this.keptBytes) : undefined;
    this.forget();
    return { digest: new Uint8Array(this.hash.digest()), bytes: this.bytes, kept };
  }
}

/** In memory of its own, so that another thread can be given it. */
function joined(parts: readonly Buffer[], bytes: number): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
