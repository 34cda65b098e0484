import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { PeerFiles } from './peer.ts';

const TOTAL_MS = 30_000;
/** A receiver says nothing; what it says all the same is read, and must not be kept. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * Sends frames on a connection of their own, and ends it in order. Syslog has no acknowledgement: that the receiver ends
 * its side too, and without an error, is the one sign that it has read all of it. (One that dies or leaves something
 * unread resets the connection.)
 *
 * @param url `tls://HOST:PORT`, or `tcp://HOST:PORT`
 */
export function sendFrames(url: string, peer: PeerFiles, frames: Uint8Array, signal: AbortSignal): Promise<void> {
  const { protocol, hostname, port } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const target = { host, port: Number(port) };
  return new Promise((resolve, reject) => {
    const socket: Socket =
      protocol === 'tcp:'
        ? connectPlain(target)
        : connectTls({
            ...target,
            ...peer,
            minVersion: 'TLSv1.2', // RFC 9662 §5
            // Whatever NODE_TLS_REJECT_UNAUTHORIZED says: else whoever is on the way reads the log.
            rejectUnauthorized: true,
            ...(isIP(host) > 0 ? {} : { servername: host }),
          });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(TOTAL_MS)]);
    const fail = (error: Error): void => {
      limit.removeEventListener('abort', onLimit);
      socket.destroy();
      reject(error);
    };
    const onLimit = (): void => fail(new Error('it did not take the records in time'));
    if (limit.aborted) return onLimit();
    limit.addEventListener('abort', onLimit);
    let answered = 0;
    socket.on('data', (bytes) => {
      answered += bytes.length;
      if (answered > MAX_ANSWER_BYTES) fail(new Error('it answers, which no receiver of syslog does'));
    });
    socket.once('error', fail);
    let isRead = false;
    socket.once('end', () => (isRead = socket.writableEnded));
    socket.once('close', (hadError) => {
      limit.removeEventListener('abort', onLimit);
      if (hadError || !isRead) return reject(new Error('it has closed the connection before all was read'));
      resolve();
    });
    // Before the certificate is checked nothing is sent.
    socket.once(protocol === 'tcp:' ? 'connect' : 'secureConnect', () => socket.end(frames));
  });
}
