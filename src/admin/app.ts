import { Hono } from 'hono';
import type { AdminDeps } from './ports.ts';

/** What a listener tells the admin API of a request's origin. */
export interface AdminEnv {
  readonly Bindings: {
    /** Came in by the Unix socket, which only this user (and root) can open. */
    readonly isSocket: boolean;
    /** Address of the peer; empty on the socket. */
    readonly address: string;
  };
}

/** The admin API over its resources. */
export function createAdminApp(deps: AdminDeps): Hono<AdminEnv> {
  const app = new Hono<AdminEnv>();
  app.get('/metrics', (c) => c.text(deps.metrics()));
  return app;
}
