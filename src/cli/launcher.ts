import { Socket } from 'node:net';

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
