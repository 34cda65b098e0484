import { createServer, type AddressInfo, type Socket } from 'node:net';

/** What one connection has said. */
export interface Mail {
  readonly commands: readonly string[];
  readonly data: string;
}

/** An SMTP server without TLS that keeps what it is told; `refuse` answers a command with another line. */
export async function startSmtpSink(refuse: (command: string) => string | undefined = () => undefined) {
  const mails: { commands: string[]; data: string }[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const mail = { commands: new Array<string>(), data: '' };
    let [isData, waiting] = [false, ''];
    mails.push(mail);
    socket.on('error', () => undefined);
    socket.write('220 sink ESMTP\r\n');
    socket.on('data', (bytes) => {
      waiting += bytes.toString();
      for (let at = waiting.indexOf('\r\n'); at >= 0; at = waiting.indexOf('\r\n')) {
        const line = waiting.slice(0, at);
        waiting = waiting.slice(at + 2);
        if (isData && line !== '.') {
          mail.data += `${line}\n`;
          continue;
        }
        if (!isData) mail.commands.push(line);
        const wasData = isData;
        isData = line === 'DATA';
        socket.write(`${refuse(line) ?? (wasData ? '250 kept' : isData ? '354 go on' : '250 ok')}\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    mails: mails as readonly Mail[],
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
