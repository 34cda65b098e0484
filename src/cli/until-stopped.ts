import { createReadStream } from 'node:fs';

/**
 * Waits for TERM or INT, or for the end of the launcher: its end of the control pipe closes however it dies.
 *
 * @param env where `SALLYPORT_CONTROL_FD` names the pipe
 */
export function untilStopped(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.off('SIGTERM', stop);
      process.off('SIGINT', stop);
      resolve();
    };
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
    const fd = Number(env['SALLYPORT_CONTROL_FD']);
    if (!Number.isInteger(fd) || fd < 3) return;
    createReadStream('', { fd, autoClose: false }).on('end', stop).on('error', stop).resume();
  });
}
