import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

/** One address before servers, as an operator's proxy has it: it can be cut, and switched to another server. */
export interface Way extends AsyncDisposable {
  readonly url: string;
  cut(): void;
  mend(): void;
  /** Ends what is open; what comes goes to another server from here on. */
  leadTo(port: number): void;
}

/** @param to port on loopback */
export async function openWay(to: number): Promise<Way> {
  const open = new Set<Socket>();
  let isCut = false;
  let port = to;
  const way = createServer((socket) => {
    if (isCut) return void socket.destroy();
    const on = connect(port, '127.0.0.1');
    for (const [one, other] of [
      [socket, on],
      [on, socket],
    ] as const) {
      open.add(one);
      one.on('error', () => other.destroy()).on('close', () => open.delete(one));
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => way.listen(0, '127.0.0.1', resolve));
  const end = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: `redis://127.0.0.1:${(way.address() as AddressInfo).port}`,
    cut() {
      isCut = true;
      end();
    },
    mend: () => void (isCut = false),
    leadTo(other) {
      port = other;
      end();
    },
    async [Symbol.asyncDispose]() {
      end();
      await new Promise((resolve) => way.close(resolve));
    },
  };
}
