import pino from 'pino';
import type { LogFormat } from '../../observers/log/observer.ts';
import { textLine } from '../../observers/log/observer.ts';
import { createFdWriter } from './fd-writer.ts';

/** Facts of one log line: names and plain values, never a secret. */
export type LogFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where all lines go. */
export interface LogOutput {
  info(event: string, facts?: LogFacts): void;
  warn(event: string, facts?: LogFacts): void;
  error(event: string, facts?: LogFacts): void;
  /** Writes finished lines as they are, as text or as UTF-8. */
  raw(lines: string | Uint8Array): void;
  /** Lines lost because the reader of the log did not keep up. */
  dropped(): number;
  /** Writes what waits, at the end of the process. */
  flush(): void;
}

const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** Opens a log on a file descriptor, 1 by default. Writes never hold up traffic: what cannot be written is dropped and counted. */
export function openLog(format: LogFormat, fd = 1): LogOutput {
  const writer = createFdWriter(fd, MAX_WAITING_BYTES);
  const logger = pino(
    {
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'event',
    },
    { write: (line: string) => writer.write(Buffer.from(line)) },
  );
  const write = (level: 'info' | 'warn' | 'error', event: string, facts: LogFacts = {}): void => {
    if (format === 'json') logger[level](facts, event);
    else writer.write(Buffer.from(`${textLine({ level, time: Date.now(), event, ...facts })}\n`));
  };
  return {
    info: (event, facts) => write('info', event, facts),
    warn: (event, facts) => write('warn', event, facts),
    error: (event, facts) => write('error', event, facts),
    raw: (lines) => writer.write(typeof lines === 'string' ? Buffer.from(lines) : lines),
    dropped: () => writer.dropped(),
    flush: () => writer.flush(),
  };
}
