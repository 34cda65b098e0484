import pino from 'pino';
import type { LogFormat } from '../../observers/log/observer.ts';
import { textLine } from '../../observers/log/observer.ts';

/** Facts of one log line: names and plain values, never a secret. */
export type LogFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/** Where all lines go. */
export interface LogOutput {
  info(event: string, facts?: LogFacts): void;
  warn(event: string, facts?: LogFacts): void;
  error(event: string, facts?: LogFacts): void;
  /** Writes finished lines as they are. */
  raw(lines: string): void;
  /** Lines lost because the reader of the log did not keep up. */
  dropped(): number;
  /** Writes what waits, at the end of the process. */
  flush(): void;
}

const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** Opens a log on a file descriptor, 1 by default. Writes never hold up traffic: what cannot be written is dropped and counted. */
export function openLog(format: LogFormat, fd = 1): LogOutput {
  const destination = pino.destination({ dest: fd, sync: false, maxLength: MAX_WAITING_BYTES });
  let dropped = 0;
  destination.on('drop', () => dropped++);
  // A reader that went away (a closed pipe) must not end the gateway.
  destination.on('error', () => dropped++);
  const logger = pino(
    {
      base: null,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'event',
    },
    destination,
  );
  const write = (level: 'info' | 'warn' | 'error', event: string, facts: LogFacts = {}): void => {
    if (format === 'json') logger[level](facts, event);
    else destination.write(`${textLine({ level, time: Date.now(), event, ...facts })}\n`);
  };
  return {
    info: (event, facts) => write('info', event, facts),
    warn: (event, facts) => write('warn', event, facts),
    error: (event, facts) => write('error', event, facts),
    raw: (lines) => void destination.write(lines),
    dropped: () => dropped,
    flush() {
      try {
        destination.flushSync();
      } catch {
        // Not yet open, or its reader is gone: there is nowhere left to say so.
      }
    },
  };
}
