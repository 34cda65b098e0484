import { createRecordSource } from '../../adapters/audit-log/record-source.ts';
import { createHttpsClient } from '../../adapters/destinations/https.ts';
import { peerFilesOf } from '../../adapters/destinations/peer.ts';
import { sendFrames } from '../../adapters/destinations/syslog.ts';
import { openShipPosition } from '../../adapters/files/ship-position.ts';
import type { ShipDestination } from '../../audit-log/ship-config.ts';
import { ELASTIC_QUERY, elasticFormat } from '../../audit-log/shipping/elastic.ts';
import { otlpFormat } from '../../audit-log/shipping/otlp.ts';
import type { HttpFormat } from '../../audit-log/shipping/parcel.ts';
import { createShipper, type Destination, type Shipper } from '../../audit-log/shipping/shipper.ts';
import { splunkFormat } from '../../audit-log/shipping/splunk.ts';
import { SYSLOG_HEAD_BYTES, syslogFrames } from '../../audit-log/shipping/syslog.ts';
import type { DeepReadonly } from '../../kernel/deep-readonly.ts';
import type { Export } from '../../kernel/export.ts';
import type { ExportDeps } from './index.ts';

const BATCH_RECORDS = 500;
/** A record has some 900 bytes; one of a change may have more. */
const MAX_HTTP_LINE_BYTES = 512 * 1024;

interface Open {
  readonly destination: Destination;
  readonly maxLineBytes: number;
  close(): void;
}

/** Sends the audit log to each destination of `auditLog.ship`, read from its own files: they are the queue. */
export function openAuditShip(deps: ExportDeps): Export {
  const open = deps.config.auditLog.ship.map((one) => shipTo(one, deps));
  return {
    hear: () => open.forEach(({ shipper }) => shipper.wake()),
    async close(graceMs) {
      await Promise.all(open.map(({ shipper }) => shipper.close(graceMs)));
      for (const { close } of open) close();
    },
  };
}

function shipTo(
  one: DeepReadonly<ShipDestination>,
  deps: ExportDeps,
): { readonly shipper: Shipper; readonly close: () => void } {
  const { name } = one;
  const to = destinationOf(one, deps.version);
  const log = (level: 'info' | 'warn', what: string, facts: Readonly<Record<string, string | number>> = {}): void =>
    deps.log(level, 'exports', { destination: name, what, ...facts });
  const shipper = createShipper({
    source: createRecordSource(deps.stateDir, to.maxLineBytes),
    destination: to.destination,
    sender: { host: deps.host, version: deps.version },
    position: openShipPosition(deps.stateDir, name),
    clock: deps.clock,
    batch: BATCH_RECORDS,
    on: {
      sent: (count) => deps.count(name, 'sent', count),
      failed: () => deps.count(name, 'failed', 1),
      failing: (why) => log('warn', 'records of the audit log are not taken; they wait', { why }),
      recovered: () => log('info', 'records of the audit log are taken again'),
      dropped(count, why) {
        deps.count(name, 'dropped', count);
        log('warn', 'records of the audit log are passed by', { count, why });
      },
      setBack: (sent, signed) => deps.log('error', 'audit_log_set_back', { destination: name, sent, signed }),
      lag: (records) => deps.lag(name, records),
    },
  });
  return { shipper, close: () => to.close() };
}

function destinationOf(one: DeepReadonly<ShipDestination>, version: string): Open {
  switch (one.type) {
    case 'syslog': {
      const peer = peerFilesOf(one);
      return {
        async destination(parcels, sender, signal) {
          await sendFrames(one.url, peer, syslogFrames(parcels, sender), signal);
          return { kind: 'taken', dropped: 0 };
        },
        maxLineBytes: one.maxMessage - SYSLOG_HEAD_BYTES,
        close: () => undefined,
      };
    }
    case 'splunk':
      return overHttp(one, one.url, splunkFormat, `Splunk ${one.token}`, version);
    case 'elastic': {
      const url = `${one.url.replace(/\/$/, '')}/_bulk?${ELASTIC_QUERY}`;
      return overHttp(one, url, elasticFormat, one.apiKey === undefined ? undefined : `ApiKey ${one.apiKey}`, version);
    }
    case 'otlp':
      return overHttp(one, one.url, otlpFormat, one.token === undefined ? undefined : `Bearer ${one.token}`, version);
  }
}

function overHttp(
  one: DeepReadonly<ShipDestination>,
  url: string,
  format: HttpFormat,
  authorization: string | undefined,
  version: string,
): Open {
  const client = createHttpsClient(peerFilesOf(one));
  const headers = {
    'user-agent': `sallyport/${version}`,
    'content-type': format.contentType,
    accept: 'application/json',
    ...(authorization === undefined ? {} : { authorization }),
  };
  return {
    async destination(parcels, sender, signal) {
      const body = format.bodyOf(parcels, sender);
      const answer = await client.ask({ method: 'POST', url: new URL(url), headers, body, signal });
      return format.verdictOf(answer, parcels);
    },
    maxLineBytes: MAX_HTTP_LINE_BYTES,
    close: () => client.close(),
  };
}
