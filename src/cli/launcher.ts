import { Socket } from 'node:net';
import { createHookPipe, type HookRunner } from '../adapters/acme/challenges/record-hook.ts';

/**
 * Tells of the launcher's end: its end of the control pipe closes however it dies.
 *
 * @param env where `SALLYPORT_CONTROL_FD` names the pipe; without it nothing is ever told
 */
export function onLauncherEnd(env: Readonly<Record<string, string | undefined>>, tell: () => void): void {
  const fd = Number(env['SALLYPORT_CONTROL_FD']);
  if (!Number.isInteger(fd) || fd < 3) return;
  // Not a file stream: its read blocks a thread of the pool, for which the end of the process would wait for ever,
  // while the launcher waits for the end of this process.
  const pipe = new Socket({ fd, readable: true, writable: false });
  pipe.once('close', tell);
  pipe.on('error', () => undefined); // followed by its close
  pipe.resume();
  pipe.unref();
}

/** Waits for TERM, INT, or the launcher's end. */
export function untilStopped(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    onLauncherEnd(env, stop);
  });
}

/**
 * The launcher as who runs the hook of DNS-01, which the sandbox does not let this process do.
 *
 * @param env where `SALLYPORT_HOOK_FD` names the pipe; undefined without it
 */
export function launcherHook(env: Readonly<Record<string, string | undefined>>): HookRunner | undefined {
  const fd = Number(env['SALLYPORT_HOOK_FD']);
  if (!Number.isInteger(fd) || fd < 3) return undefined;
  return createHookPipe(new Socket({ fd, readable: true, writable: true }));
}
