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
  let rest: Buffer | undefined;
  let type = '';
  let data: string | undefined;
  let eventBytes = 0;
  let skipLineFeed = false;

  function push(bytes: Buffer): SseEvent[] | undefined {
    const events: SseEvent[] = [];
    let buffer = rest === undefined ? bytes : Buffer.concat([rest, bytes]);
    // A line that ended with CR at the very end of the bytes before: its LF is not another, empty line.
    if (skipLineFeed && rest === undefined && buffer.length > 0) {
      if (buffer[0] === LF) buffer = buffer.subarray(1);
      skipLineFeed = false;
    }
    const hasCr = buffer.includes(CR);
    let start = 0;
    for (;;) {
      let end = buffer.indexOf(LF, start);
      let next = end + 1;
      if (hasCr) {
        const cr = buffer.indexOf(CR, start);
        if (cr >= 0 && (end < 0 || cr < end)) {
          end = cr;
          next = cr + 1;
          if (next === buffer.length) skipLineFeed = true;
          else if (buffer[next] === LF) next += 1;
        }
      }
      if (end < 0) break;
      eventBytes += next - start;
      if (eventBytes > maxEventBytes) return undefined;
      if (end === start) {
        if (data !== undefined) events.push({ type, data });
        type = '';
        data = undefined;
        eventBytes = 0;
      } else {
        line(buffer, start, end);
      }
      start = next;
    }
    // Bytes of the caller are only valid during the call, so what is left is copied.
    rest = start < buffer.length ? Buffer.from(buffer.subarray(start)) : undefined;
    if (eventBytes + (rest?.length ?? 0) > maxEventBytes) return undefined;
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

  return { push, hasRest: () => rest !== undefined || data !== undefined };
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
