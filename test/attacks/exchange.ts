import { connect } from 'node:net';

/** What is sent on one connection. Latin-1 texts. */
export interface Script {
  readonly bytes: string;
  /** Sent when the first bytes of an answer have come; undefined: nothing waits. */
  readonly later: string | undefined;
  /** Sent behind all else. */
  readonly marker: string;
  /** Ends our half of the connection instead of sending the marker. */
  readonly halfClose: boolean;
  /** Each of `bytes` in a segment of its own. */
  readonly bytewise: boolean;
}

/** Longest time that an attack may keep a connection open: only a failing one gets there. */
const DEADLINE_MS = 2_000;

/**
 * Opens a connection, sends the script and collects what comes until the gateway closes.
 *
 * @returns everything that came, as Latin-1 text
 * @throws Error when the gateway has not closed in time
 */
export function exchange(port: number, script: Script): Promise<string> {
  const { bytes, later, marker, halfClose, bytewise } = script;
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let received = '';
    let rest = later === undefined ? undefined : later + marker;
    const deadline = setTimeout(() => {
      socket.destroy();
      reject(new Error(`still open, having sent ${JSON.stringify(received.slice(0, 300))}`));
    }, DEADLINE_MS);

    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      received += text;
      if (rest !== undefined) socket.write(rest, 'latin1');
      rest = undefined;
    });
    // A reset is one of the ways to close; what had come before it counts.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearTimeout(deadline);
      resolve(received);
    });

    const behind = later === undefined && !halfClose ? marker : '';
    const sent = (): void => void (halfClose && socket.end());
    if (bytewise) sendBytewise(0);
    else socket.write(bytes + behind, 'latin1', sent);

    function sendBytewise(at: number): void {
      if (socket.destroyed) return;
      if (at >= bytes.length) socket.write(behind, 'latin1', sent);
      else socket.write(bytes[at] ?? '', 'latin1', () => sendBytewise(at + 1));
    }
  });
}
