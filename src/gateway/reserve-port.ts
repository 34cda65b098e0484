import { createServer } from 'node:net';

/** A port that is taken; `message` is one line with the way out. */
export class PortInUse extends Error {
  readonly code = 'port_in_use';
}

/**
 * Finds out that a port is free, and which one where 0 was asked: workers share it by `reusePort`, under which a
 * second process would not be noticed.
 *
 * @param key of the configuration that gives it
 * @throws PortInUse with the way out
 */
export async function reservePort(host: string, port: number, key: string): Promise<number> {
  const probe = createServer();
  try {
    return await new Promise<number>((resolve, reject) => {
      probe.once('error', reject);
      probe.listen({ host, port }, () => {
        const address = probe.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'EADDRINUSE') {
      throw new PortInUse(
        `${host}:${port} is in use: end the other process, or give another ${key} (--listen HOST:PORT)`,
      );
    }
    if (code === 'EACCES') {
      throw new PortInUse(
        `this user may not listen on port ${port}. Two ways out:\n` +
          `  give the service the capability: AmbientCapabilities=CAP_NET_BIND_SERVICE in its unit\n` +
          `  or listen above 1023 (--listen ${host}:8443) and forward port ${port} to it`,
      );
    }
    throw new PortInUse(`${host}:${port} cannot be listened on (${code}): give another --listen HOST:PORT`);
  } finally {
    await new Promise((resolve) => probe.close(resolve));
  }
}
