import * as z from 'zod';
import { isLoopbackHost } from '../kernel/host.ts';
import { group, size, text } from '../kernel/option.ts';

/** A name of a destination: of a file, and of a label. */
export const destinationName = () =>
  text('Give a name of a to z, 0 to 9 and -, 32 characters at most.', (value) =>
    /^[a-z0-9][a-z0-9-]{0,31}$/.test(value),
  );

/** What is sent names people and addresses, if under names: it crosses a network only by TLS. */
export const destinationUrl = () =>
  text('Give an https: URL without query and password; http: on this machine only.', (value) => {
    const url = URL.parse(value);
    if (url === null || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '')
      return false;
    return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopbackHost(url.hostname));
  });

/** A receiver of syslog. */
export const syslogUrl = () =>
  text('Give tls://HOST:PORT (6514 is usual), or tcp://HOST:PORT on this machine.', (value) => {
    const [, scheme, host = ''] = /^(tls|tcp):\/\/(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):\d{1,5}$/.exec(value) ?? [];
    return scheme === 'tls' || (scheme === 'tcp' && isLoopbackHost(host));
  });

/** A file that is named; the loader makes it absolute. */
export const fileName = () => text('Give the path of a file.');

/** A secret as it goes into a header. */
export const secretText = (hint: string) => text(hint, (value) => /^[\x21-\x7e]+$/.test(value));

/** How a receiver is judged, and how it judges us. */
export const peerOptions = {
  caFile: fileName().optional().describe('CA of its certificate, PEM; left out, those of the system.'),
  certFile: fileName().optional().describe('Certificate that it asks for, PEM.'),
  keyFile: fileName().optional(),
};

const common = { name: destinationName(), ...peerOptions };

const syslog = group({
  ...common,
  type: z.literal('syslog'),
  url: syslogUrl(),
  maxMessage: size('2KiB', '1MiB')
    .prefault('8KiB')
    .describe('Bytes of a message: what is larger is replaced by a note (RFC 5425 has receivers take 8192).'),
});

const splunk = group({
  ...common,
  type: z.literal('splunk'),
  url: destinationUrl().describe('All of it, such as https://splunk:8088/services/collector/event.'),
  token: secretText('Give the token of the HTTP Event Collector.'),
});

const elastic = group({
  ...common,
  type: z.literal('elastic'),
  url: destinationUrl().describe('Of the index or data stream: https://elastic:9200/logs-sallyport-default.'),
  apiKey: secretText('Give the API key as Elasticsearch shows it encoded.').optional(),
});

const otlp = group({
  ...common,
  type: z.literal('otlp'),
  url: destinationUrl().describe('All of it, such as https://collector:4318/v1/logs.'),
  token: secretText('Give the token that goes behind Bearer.').optional(),
});

/** A destination of the audit log. */
export const shipDestination = z.discriminatedUnion('type', [syslog, splunk, elastic, otlp], {
  error: 'Give a map with type: syslog, splunk, elastic or otlp.',
});

/** One of them, as it comes out. */
export type ShipDestination = z.output<typeof shipDestination>;
