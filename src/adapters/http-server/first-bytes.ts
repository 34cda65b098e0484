import type { Socket } from 'node:net';

/**
 * Reads the first bytes of a connection until they are enough to decide by. Nothing of them is lost: what the decision
 * leaves (`rest`) is to be given back by `giveBack`. A peer that ends before has gone.
 *
 * @param judge pure; sees all bytes so far each time, `more` waits. It must decide within a bounded number of bytes
 */
export function readFirstBytes<T extends object>(
  socket: Socket,
  judge: (bytes: Buffer) => T | 'more',
  decided: (decision: T) => void,
): void {
  let bytes: Buffer = Buffer.alloc(0);
  const gone = (): void => void socket.destroy();
  const look = (): void => {
    const before = bytes.length;
    for (;;) {
      const piece = socket.read() as Buffer | null;
      if (piece === null) break;
      bytes = bytes.length === 0 ? piece : Buffer.concat([bytes, piece]);
    }
    // The last event of a stream is one, too.
    if (bytes.length === before) return;
    const decision = judge(bytes);
    if (decision === 'more') return;
    socket.off('readable', look);
    socket.off('end', gone);
    socket.off('error', gone);
    decided(decision);
  };
  socket.on('readable', look);
  socket.on('end', gone);
  socket.on('error', gone);
}

/** Gives bytes back to a socket, so that whoever reads it next sees them first. */
export function giveBack(socket: Socket, rest: Buffer): void {
  if (rest.length > 0) socket.unshift(rest);
}
