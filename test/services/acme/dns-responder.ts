import { createServer, type AddressInfo } from 'node:net';

/** A name server of a test: every name leads to 127.0.0.1, and TXT records are what the test says. */
export interface DnsResponder extends AsyncDisposable {
  readonly port: number;
  /** Values of TXT records by name. */
  readonly txt: Map<string, string[]>;
}

const [A, TXT] = [1, 16];

/** Starts a name server on TCP (RFC 1035 §4.2.2), as pebble asks: just enough for a CA that looks at challenges. */
export async function startDnsResponder(): Promise<DnsResponder> {
  const txt = new Map<string, string[]>();
  const answer = (message: Buffer): Buffer => {
    const { name, type, end } = question(message);
    const answers =
      type === A
        ? [Buffer.from([127, 0, 0, 1])]
        : type === TXT
          ? (txt.get(name) ?? []).map((value) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]))
          : [];
    const head = Buffer.alloc(12);
    message.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8580, 2); // an authoritative answer without error
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(answers.length, 6);
    const records = answers.map((data) => {
      const fixed = Buffer.alloc(12);
      fixed.writeUInt16BE(0xc00c, 0); // the name of the question
      fixed.writeUInt16BE(type, 2);
      fixed.writeUInt16BE(1, 4);
      fixed.writeUInt32BE(1, 6);
      fixed.writeUInt16BE(data.length, 10);
      return Buffer.concat([fixed, data]);
    });
    return Buffer.concat([head, message.subarray(12, end), ...records]);
  };
  const server = createServer((socket) => {
    let bytes: Buffer = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (piece: Buffer) => {
      bytes = Buffer.concat([bytes, piece]);
      while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
        const end = 2 + bytes.readUInt16BE(0);
        const reply = answer(bytes.subarray(2, end));
        bytes = bytes.subarray(end);
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        socket.write(Buffer.concat([length, reply]));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    txt,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function question(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at + 1), end: at + 5 };
}
