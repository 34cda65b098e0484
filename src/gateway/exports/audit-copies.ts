import { auditLogPlaces, bytesIfThere, MAX_STATEMENT_BYTES } from '../../adapters/audit-log/folder.ts';
import { addCheckpoint } from '../../adapters/destinations/checkpoint-file.ts';
import { createHttpsClient } from '../../adapters/destinations/https.ts';
import { peerFilesOf } from '../../adapters/destinations/peer.ts';
import { sendFrames } from '../../adapters/destinations/syslog.ts';
import type { Checkpoint } from '../../audit-log/checkpoint.ts';
import type { CopyDestination } from '../../audit-log/copy-config.ts';
import { createCopier, type Copier } from '../../audit-log/copying/copier.ts';
import { signedHeaders } from '../../audit-log/copying/sigv4.ts';
import { framed, syslogText } from '../../audit-log/shipping/syslog.ts';
import type { DeepReadonly } from '../../kernel/deep-readonly.ts';
import type { Export } from '../../kernel/export.ts';
import type { ExportDeps } from './index.ts';

type Send = (text: string, checkpoint: Checkpoint, signal: AbortSignal) => Promise<void>;

interface Place {
  readonly send: Send;
  close(): void;
}

/** Puts checkpoints in each place of `auditLog.copies`: who sets back or rewrites the log here does not have those. */
export function openAuditCopies(deps: ExportDeps): Export {
  const open = deps.config.auditLog.copies.map((one) => copyTo(one, deps));
  return {
    async close(graceMs) {
      await Promise.all(open.map(({ copier }) => copier.close(graceMs)));
      for (const { place } of open) place.close();
    },
  };
}

function copyTo(
  one: DeepReadonly<CopyDestination>,
  deps: ExportDeps,
): { readonly copier: Copier; readonly place: Place } {
  const { name, everyMs } = one;
  const { lastCheckpoint } = auditLogPlaces(deps.stateDir);
  const place = placeOf(one, deps);
  const copier = createCopier({
    last: () => bytesIfThere(lastCheckpoint, MAX_STATEMENT_BYTES)?.toString(),
    send: place.send,
    clock: deps.clock,
    everyMs,
    on: {
      sent: () => deps.count(name, 'sent', 1),
      failed: () => deps.count(name, 'failed', 1),
      failing: (why) => deps.log('warn', 'exports', { destination: name, what: 'checkpoints are not copied', why }),
      recovered: () => deps.log('info', 'exports', { destination: name, what: 'checkpoints are copied again' }),
    },
  });
  return { copier, place };
}

function placeOf(one: DeepReadonly<CopyDestination>, deps: ExportDeps): Place {
  switch (one.type) {
    case 'file':
      return { send: toFile(one.toFile), close: () => undefined };
    case 'syslog': {
      const peer = peerFilesOf(one);
      return {
        send(text, { origin, size }, signal) {
          const about = { log: origin, size: String(size) };
          // As a text of JSON, for its lines would become messages with some receivers.
          const line = JSON.stringify({ checkpoint: text });
          const message = syslogText(1, deps.clock.nowMs(), deps.host, 'checkpoint', about, line);
          return sendFrames(one.url, peer, framed(message), signal);
        },
        close: () => undefined,
      };
    }
    case 'https':
      return overHttp(one, (text) => ({
        method: 'POST',
        url: new URL(one.url),
        headers: {
          'content-type': 'text/plain; charset=utf-8',
          'user-agent': `sallyport/${deps.version}`,
          ...(one.token === undefined ? {} : { authorization: `Bearer ${one.token}` }),
        },
        body: text,
      }));
    case 's3':
      return overHttp(one, (text, checkpoint) => {
        const url = new URL(`${one.url.replace(/\/$/, '')}/${one.prefix}${objectName(checkpoint)}`);
        const request = {
          method: 'PUT',
          url,
          headers: { 'content-type': 'text/plain; charset=utf-8' },
          body: text,
        } as const;
        return { ...request, headers: signedHeaders(request, one, deps.clock.nowMs()) };
      });
  }
}

/** One object for each: none replaces another. */
const objectName = ({ origin, size }: Checkpoint): string =>
  `${origin.replace('/', '-')}/${String(size).padStart(16, '0')}.checkpoint`;

function toFile(file: string): Send {
  let isEndKnown = false;
  return async (text) => {
    const wasKnown = isEndKnown;
    isEndKnown = false;
    addCheckpoint(file, text, wasKnown);
    isEndKnown = true;
  };
}

function overHttp(
  one: Parameters<typeof peerFilesOf>[0],
  ask: (
    text: string,
    checkpoint: Checkpoint,
  ) => Omit<Parameters<ReturnType<typeof createHttpsClient>['ask']>[0], 'signal'>,
): Place {
  const client = createHttpsClient(peerFilesOf(one));
  return {
    async send(text, checkpoint, signal) {
      const { status } = await client.ask({ ...ask(text, checkpoint), signal });
      if (status < 200 || status > 299) throw new Error(`it answered ${status}`);
    },
    close: () => client.close(),
  };
}
