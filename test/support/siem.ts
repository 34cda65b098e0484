import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { createCa, createLeaf } from '../../src/adapters/tls/self-signed.ts';

/** Receivers of records, strict after their documentation: what they would not take makes the test fail. */
export interface Siem {
  /** Lines of the log that have arrived, each as often as it has. */
  readonly lines: string[];
  readonly url: string;
  /** Answers with that instead of taking anything, while it is set. */
  answer: { status: number; body?: unknown } | undefined;
  close(): Promise<void>;
}

type Take = (request: IncomingMessage, body: string, lines: string[]) => { status: number; body: unknown };

async function httpSiem(path: string, take: Take): Promise<Siem> {
  const lines: string[] = [];
  const server: Server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      let answer = siem.answer ?? { status: 500, body: 'the test has failed' };
      try {
        assert.equal(request.method, 'POST');
        if (siem.answer === undefined) answer = take(request, Buffer.concat(pieces).toString(), lines);
      } catch (error) {
        faults.push(String(error));
      }
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer.body ?? {}));
    });
  });
  const faults: string[] = [];
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const siem: Siem = {
    lines,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    answer: undefined,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
      assert.deepEqual(faults, []);
    },
  };
  return siem;
}

/** Splunk's HTTP Event Collector. */
export const startSplunk = (token: string): Promise<Siem> =>
  httpSiem('/services/collector/event', ({ url, headers }, body, lines) => {
    assert.equal(url, '/services/collector/event');
    if (headers.authorization !== `Splunk ${token}`) return { status: 403, body: { text: 'Invalid token', code: 4 } };
    for (const one of body.split('\n')) {
      const event = JSON.parse(one) as { time: number; event: object; fields: Record<string, unknown> };
      assert.ok(event.time > 1e9 && event.time < 1e11);
      assert.ok(Object.values(event.fields).every((value) => typeof value === 'string'));
      lines.push(JSON.stringify(event.event));
    }
    return { status: 200, body: { text: 'Success', code: 0 } };
  });

/** Elasticsearch's bulk API of one data stream; `ids` are those of its documents. */
export async function startElastic(apiKey: string): Promise<Siem & { readonly ids: Set<string> }> {
  const ids = new Set<string>();
  const siem = await httpSiem('/logs-sallyport-default', ({ url, headers }, body, lines) => {
    assert.match(url ?? '', /^\/logs-sallyport-default\/_bulk\?filter_path=/);
    assert.equal(headers['content-type'], 'application/x-ndjson');
    if (headers.authorization !== `ApiKey ${apiKey}`) return { status: 401, body: {} };
    assert.ok(body.endsWith('\n'), 'the last line of a bulk request ends with a newline');
    const parts = body.slice(0, -1).split('\n');
    const items = [];
    for (let i = 0; i < parts.length; i += 2) {
      const action = JSON.parse(parts[i] ?? '') as { create: Record<'_id', string> };
      const id = action.create['_id'];
      const { '@timestamp': time, ...document } = JSON.parse(parts[i + 1] ?? '') as Record<string, unknown>;
      assert.ok(typeof time === 'string' && Math.abs(Date.parse(time) - Date.now()) < 3_600_000);
      const isNew = !ids.has(id);
      if (isNew) lines.push(JSON.stringify(document));
      ids.add(id);
      items.push({
        create: isNew ? { status: 201 } : { status: 409, error: { type: 'version_conflict_engine_exception' } },
      });
    }
    return { status: 200, body: { errors: items.some(({ create }) => create.status > 299), items } };
  });
  return Object.assign(siem, { ids });
}

/** A collector of OpenTelemetry. */
export const startCollector = (): Promise<Siem> =>
  httpSiem('/v1/logs', ({ headers }, body, lines) => {
    assert.equal(headers['content-type'], 'application/json');
    const { resourceLogs } = JSON.parse(body) as {
      resourceLogs: { scopeLogs: { logRecords: { timeUnixNano: string; body: { stringValue: string } }[] }[] }[];
    };
    for (const { timeUnixNano, body: text } of resourceLogs.flatMap(
      ({ scopeLogs }) => scopeLogs[0]?.logRecords ?? [],
    )) {
      assert.match(timeUnixNano, /^\d{19}$/);
      lines.push(text.stringValue);
    }
    return { status: 200, body: {} };
  });

/** A receiver of syslog over TLS (RFC 5425): counts octets, and takes a connection's messages once all have come. */
export async function startSyslog(): Promise<Siem & { readonly caPem: string; readonly messages: string[] }> {
  const ca = await createCa(Date.now());
  const leaf = await createLeaf(ca, ['localhost', '127.0.0.1'], Date.now());
  const lines: string[] = [];
  const messages: string[] = [];
  const server = createTlsServer({ cert: leaf.certPem, key: leaf.keyPem, minVersion: 'TLSv1.2' });
  server.on('secureConnection', (socket: TLSSocket) => {
    const pieces: Buffer[] = [];
    // What is set on while something is unread is reset, as by one that dies.
    if (siem.answer !== undefined) return void socket.destroy();
    socket.on('data', (piece: Buffer) => pieces.push(piece));
    socket.on('error', () => undefined);
    socket.on('end', () => {
      let rest = Buffer.concat(pieces);
      while (rest.length > 0) {
        const [head = '', digits = ''] = /^([1-9]\d*) </.exec(rest.toString('latin1', 0, 12)) ?? [];
        assert.ok(head.length > 0, 'a frame begins with its length');
        const message = rest.toString('utf8', digits.length + 1, digits.length + 1 + Number(digits));
        messages.push(message);
        const [, text] =
          /^<\d{1,3}>1 \S+ \S+ sallyport - [a-z-]+ \[sallyport@32473(?: [a-z]+="[^"]*")*\] (.*)$/s.exec(message) ?? [];
        assert.ok(text !== undefined, message);
        lines.push(text);
        rest = rest.subarray(digits.length + 1 + Number(digits));
      }
    });
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const siem = {
    ...{ lines, messages, caPem: ca.certPem },
    url: `tls://localhost:${(server.address() as AddressInfo).port}`,
    answer: undefined as Siem['answer'],
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
  return siem;
}
