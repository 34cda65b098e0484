import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One request that a collector has got. */
export interface Collected {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A stand-in for an OpenTelemetry collector on loopback. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly got: readonly Collected[];
  /** Status and headers of the answers from now on; `hang` answers nothing. */
  answer: { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string } | 'hang';
  /** All spans so far. */
  spans(): readonly CollectedSpan[];
  /** Waits until what it has got is as wished. */
  until(isThere: () => boolean): Promise<void>;
}

/** A span as it came. */
export interface CollectedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly status: { readonly code?: number };
}

interface Sent {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly {
      readonly spans: readonly (Omit<CollectedSpan, 'attributes'> & {
        readonly attributes: readonly { readonly key: string; readonly value: Record<string, string | number> }[];
      })[];
    }[];
  }[];
}

/** Starts one that takes everything. */
export async function startCollector(): Promise<Collector> {
  const got: Collected[] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      got.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts).toString() });
      if (collector.answer !== 'hang') {
        const { status, headers, body = '{}' } = collector.answer;
        response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
      }
      for (const look of waiting) look();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    got,
    answer: { status: 200 },
    spans: () => got.filter(({ path }) => path.endsWith('/v1/traces')).flatMap(({ body }) => spansIn(body)),
    until: (isThere) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!isThere()) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return collector;
}

const spansIn = (body: string): CollectedSpan[] =>
  (JSON.parse(body) as Sent).resourceSpans.flatMap(({ scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ attributes, ...span }) => ({
        ...span,
        attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0] ?? ''])),
      })),
    ),
  );
