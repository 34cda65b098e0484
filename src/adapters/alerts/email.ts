import { Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import type { AlertMessage } from '../../alerts/alert.ts';
import type { Channel, Sent } from '../../alerts/channel.ts';
import { headOf, linesOf } from '../../alerts/message-text.ts';
import { plainLine } from '../../alerts/plain.ts';
import { CLIENT_TLS } from '../tls/endpoint.ts';

/** A mail server, and whom it is told for. */
export interface EmailOptions {
  readonly host: string;
  readonly port: number;
  /** `off` only on loopback, which the configuration sees to. */
  readonly tls: 'starttls' | 'implicit' | 'off';
  readonly auth: { readonly user: string; readonly pass: string } | undefined;
  readonly from: string;
  readonly to: readonly string[];
  readonly caPem: string | undefined;
  readonly publicUrl: string;
}

const TIMEOUT_MS = 8_000;

/** Sends plain text by SMTP (RFC 5321), each message on a connection of its own. */
export function createEmail(options: EmailOptions): Channel {
  const { host, port, tls, auth, from, to, caPem, publicUrl } = options;
  const server = {
    ...{ host, port, secure: tls === 'implicit', requireTLS: tls === 'starttls', ignoreTLS: tls === 'off' },
    ...(auth === undefined ? {} : { auth }),
    tls: { rejectUnauthorized: true, minVersion: CLIENT_TLS.minVersion, ...(caPem === undefined ? {} : { ca: caPem }) },
    ...{
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      dnsTimeout: TIMEOUT_MS,
    },
    // A message is made of texts; a path or URL in one must never be fetched.
    ...{ disableFileAccess: true, disableUrlAccess: true, maxResponseSize: 65_536, socketCloseTimeout: 500 },
  };
  return {
    async send(message, id, signal) {
      // Ours, so that a server that says a byte now and then does not keep it open.
      const socket = new Socket();
      signal.addEventListener('abort', () => socket.destroy(), { once: true });
      try {
        const info = await createTransport({ ...server, socket }).sendMail({
          ...{ from, to: message.to === undefined ? [...to] : [message.to] },
          // One line, so that nothing in it begins another header.
          subject: plainLine(`[sallyport] ${headOf(message)}`, 180),
          text: mailText(message, publicUrl),
          messageId: `<${id}@${from.slice(from.indexOf('@') + 1)}>`,
          // Nobody's automatic reply comes back (RFC 3834 §5).
          headers: { 'Auto-Submitted': 'auto-generated' },
        });
        return { kind: 'sent', detail: `the server answered ${plainLine(info.response, 200)}` };
      } catch (error) {
        return failureOf(error);
      }
    },
  };
}

const mailText = (message: AlertMessage, publicUrl: string): string =>
  [headOf(message), '', ...linesOf(message), '', '-- ', message.kind === 'owner' ? '' : publicUrl].join('\n');

/** By its code alone: what the server says may hold addresses. A 5xx would come again (RFC 5321 §4.2.1). */
function failureOf(error: unknown): Sent {
  const { code, responseCode } = Object(error) as { readonly code?: unknown; readonly responseCode?: unknown };
  const status = typeof responseCode === 'number' ? responseCode : undefined;
  const name = typeof code === 'string' ? plainLine(code, 40) : 'fault';
  const detail = status === undefined ? `it cannot be reached (${name})` : `the server answered ${status} (${name})`;
  return { kind: 'failed', detail, isFinal: status !== undefined && status >= 500 };
}
