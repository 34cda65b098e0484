import { createSocket, type Socket } from 'node:dgram';

/** A name server (RFC 1035) of IPv4 addresses: `answer` gives those of a name, for its nth question. */
export async function startNameServer(
  address: string,
  answer: (name: string, nth: number) => readonly string[],
): Promise<{ readonly asked: Map<string, number>; close(): void }> {
  const asked = new Map<string, number>();
  const socket: Socket = createSocket('udp4');
  socket.on('message', (query, peer) => {
    const labels: string[] = [];
    let at = 12;
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length));
      at += 1 + length;
    }
    const question = query.subarray(12, at + 5);
    let addresses: readonly string[] = [];
    if (query.readUInt16BE(at + 1) === A) {
      const name = labels.join('.').toLowerCase();
      const nth = asked.get(name) ?? 0;
      asked.set(name, nth + 1);
      addresses = answer(name, nth);
    }
    const head = Buffer.from([...query.subarray(0, 2), 0x85, 0x80, 0, 1, 0, addresses.length, 0, 0, 0, 0]);
    const records = addresses.map((one) =>
      // The name of the question, class IN, no time to live: whoever asks again is asked again.
      Buffer.from([0xc0, 12, 0, A, 0, 1, 0, 0, 0, 0, 0, 4, ...one.split('.').map(Number)]),
    );
    socket.send(Buffer.concat([head, question, ...records]), peer.port, peer.address);
  });
  await new Promise<void>((resolve) => socket.bind(53, address, resolve));
  return { asked, close: () => void socket.close() };
}

const A = 1;
