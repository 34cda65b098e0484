import { BodyBuffer } from './body-buffer.ts';

/** One event of a stream as its fields were sent (WHATWG HTML §9.2.6). */
export interface SseEvent {
  /** The `event` field, empty where there was none. */
  readonly type: string;
  /** The `data` fields, joined by line feeds. */
  readonly data: string;
}

/** Reads a stream of events from bytes that are cut anywhere. */
export interface SseParser {
  /**
   * The events that the bytes complete. Comments, `id` and `retry` are dropped.
   *
   * @returns undefined once an unfinished event is longer than the limit; the parser is of no use after it
   */
  push(bytes: Buffer): SseEvent[] | undefined;
  /** True while an event has begun and not ended. */
  hasRest(): boolean;
}

/**
 * @param maxEventBytes most bytes of one event, else upstream could fill our memory with one line
 */
export function createSseParser(maxEventBytes: number): SseParser {
  /** A line that has begun and not ended: only what is new is searched for its end, so that tiny pieces cost no more. */
  let begun: BodyBuffer | undefined;
  let type = '';
  let data: string | undefined;
  let eventBytes = 0;
  let skipLineFeed = false;

  function push(bytes: Buffer): SseEvent[] | undefined {
    const events: SseEvent[] = [];
    // A line that ended with CR at the very end of the bytes before: its LF is not another, empty line.
    let start = skipLineFeed && bytes[0] === LF ? 1 : 0;
    if (bytes.length > 0) skipLineFeed = false;
    let lf = bytes.indexOf(LF, start);
    let cr = bytes.indexOf(CR, start);
    while (lf >= 0 || cr >= 0) {
      const isCr = cr >= 0 && (lf < 0 || cr < lf);
      const end = isCr ? cr : lf;
      let next = end + 1;
      if (isCr && next === bytes.length) skipLineFeed = true;
      else if (isCr && bytes[next] === LF) next += 1;
      eventBytes += (begun?.length ?? 0) + next - start;
      if (eventBytes > maxEventBytes) return undefined;
      if (begun !== undefined) {
        begun.add(bytes.subarray(start, end));
        line(begun.bytes(), 0, begun.length);
        begun = undefined;
      } else if (end > start) {
        line(bytes, start, end);
      } else {
        if (data !== undefined) events.push({ type, data });
        type = '';
        data = undefined;
        eventBytes = 0;
      }
      start = next;
      // Each is searched for anew only once it is behind: one far away is not looked for at every line before it.
      if (lf >= 0 && lf < start) lf = bytes.indexOf(LF, start);
      if (cr >= 0 && cr < start) cr = bytes.indexOf(CR, start);
    }
    if (eventBytes + (begun?.length ?? 0) + bytes.length - start > maxEventBytes) return undefined;
    // Bytes of the caller are only valid during the call, so what is left is copied.
    if (start < bytes.length) (begun ??= new BodyBuffer(() => true, maxEventBytes)).add(bytes.subarray(start));
    return events;
  }

  function line(buffer: Buffer, start: number, end: number): void {
    if (buffer[start] === 0x64 && buffer.toString('utf8', start, start + 5) === 'data:') {
      const from = buffer[start + 5] === SPACE ? start + 6 : start + 5;
      const text = buffer.toString('utf8', from, end);
      data = data === undefined ? text : `${data}\n${text}`;
      return;
    }
    const text = buffer.toString('utf8', start, end);
    if (text === 'data') data = data === undefined ? '' : `${data}\n`;
    else if (text === 'event') type = '';
    else if (text.startsWith('event:')) type = text.charCodeAt(6) === SPACE ? text.slice(7) : text.slice(6);
  }

  return { push, hasRest: () => begun !== undefined || data !== undefined };
}

/** Writes an event. Each line of `data` becomes a field of its own; `type` must not hold line breaks. */
export function formatSseEvent(type: string, data: string): string {
  // A line break in a field would begin another one: text of a model could forge an event.
  const lines = LINE_BREAK.test(data) ? data.replace(LINE_BREAKS, '\ndata: ') : data;
  return type === '' ? `data: ${lines}\n\n` : `event: ${type}\ndata: ${lines}\n\n`;
}

const LINE_BREAK = /[\r\n]/;
const LINE_BREAKS = /\r\n|\r|\n/g;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
