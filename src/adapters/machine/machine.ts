import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { statSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { connect as connectTls } from 'node:tls';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { Answer, Machine, ShownCertificate } from '../../doctor/installation.ts';
import type { Upstream } from '../../kernel/transport.ts';

/** An upstream as the doctor asks it. */
export interface AskedUpstream {
  readonly upstream: Upstream;
  readonly apiKey: string | undefined;
}

const WITHIN_MS = 1_000;
const ANSWER_WITHIN_MS = 3_000;
/** More of an answer is not read. */
const MAX_BYTES = 1024 * 1024;

/**
 * This machine and its network, for the doctor and for what `serve` asks at its start.
 *
 * @param userAgent `sallyport/<version>`, by which a server's log tells these questions apart
 * @param ownerUid the user as whom the gateway runs, whose its files are to be
 */
export function createMachine(
  upstreams: readonly AskedUpstream[],
  userAgent: string,
  ownerUid = process.getuid?.(),
): Machine {
  return {
    nowMs: () => Date.now(),
    addresses: outerAddresses,
    accepts,
    askUpstream(index, path, withKey) {
      const asked = upstreams[index];
      return asked === undefined ? Promise.resolve(undefined) : askOver(asked, path, withKey, userAgent);
    },
    ask: (url) => ask(url, userAgent),
    certificate,
    async resolve(host) {
      const found = await lookup(host, { all: true }).catch(() => []);
      return found.map(({ address }) => address);
    },
    facts(file) {
      const facts = statSync(file, { throwIfNoEntry: false });
      if (facts === undefined) return undefined;
      const isOwn = ownerUid === undefined || facts.uid === ownerUid || facts.uid === 0;
      return { mode: facts.mode & 0o7777, isOwn };
    },
  };
}

/** Addresses of the machine other than loopback's and those that need a zone to be asked. */
export function outerAddresses(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !/^fe[89ab]/i.test(address))
    .map(({ address }) => address);
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen);
    };
    socket.setTimeout(WITHIN_MS, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

function askOver(
  { upstream, apiKey }: AskedUpstream,
  path: string,
  withKey: boolean,
  userAgent: string,
): Promise<Answer | undefined> {
  const headers = ['user-agent', userAgent, 'accept', 'application/json'];
  if (withKey && apiKey !== undefined) headers.push('authorization', `Bearer ${apiKey}`);
  return new Promise((resolve) => {
    let status = 0;
    let dateMs: number | undefined;
    let text = '';
    const call = upstream.send(
      { method: 'GET', path, headers, body: undefined },
      {
        head(head) {
          ({ status } = head);
          dateMs = timeOf(head.header('date'));
        },
        chunk(bytes) {
          text += bytes.toString('latin1');
          if (text.length <= MAX_BYTES) return true;
          call.abort();
          resolve({ status, dateMs, text });
          return false;
        },
        end: () => resolve({ status, dateMs, text }),
        fault: () => resolve(undefined),
      },
    );
  });
}

/** Whoever answers is only asked whether it does: its certificate is not judged, and nothing secret is sent. */
function ask(url: string, userAgent: string): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const options = { headers: { 'user-agent': userAgent }, agent: false, rejectUnauthorized: false };
    const request = send(url, options, (response) => {
      response.resume();
      response.once('close', () =>
        resolve({ status: response.statusCode ?? 0, dateMs: timeOf(response.headers.date), text: '' }),
      );
    });
    request.setTimeout(WITHIN_MS, () => request.destroy());
    const end = setTimeout(() => request.destroy(), ANSWER_WITHIN_MS);
    request.once('error', () => resolve(undefined));
    request.once('close', () => {
      clearTimeout(end);
      resolve(undefined);
    });
    request.end();
  });
}

function certificate(host: string, port: number): Promise<ShownCertificate | undefined> {
  return new Promise((resolve) => {
    const socket = connectTls({ host, port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    const end = (shown: ShownCertificate | undefined): void => {
      socket.destroy();
      resolve(shown);
    };
    socket.setTimeout(ANSWER_WITHIN_MS, () => end(undefined));
    socket.once('error', () => end(undefined));
    socket.once('secureConnect', () => {
      const shown = socket.getPeerCertificate();
      const leaf = socket.getPeerX509Certificate();
      end({
        notAfterMs: Date.parse(shown.valid_to),
        covers: (name) => isFor(name, shown),
        isIssuedBy: (caPem) => leaf?.verify(new X509Certificate(caPem).publicKey) ?? false,
      });
    });
  });
}

const isFor = (name: string, shown: PeerCertificate): boolean => checkServerIdentity(name, shown) === undefined;

function timeOf(date: string | undefined): number | undefined {
  const ms = Date.parse(date ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}
