import type {
  SocketListener,
  UpstreamFault,
  UpstreamHead,
  UpstreamListener,
  UpstreamSocketListener,
} from '../kernel/transport.ts';

/** Ends what a callback threw at. Called inside of it; what it throws itself nobody catches. */
export type Failed = (error: unknown) => void;

/**
 * Hears an answer for another listener and catches what that throws: a callback of a connection has no caller who could,
 * and the thread would end with all that it carries.
 */
export class GuardedListener implements UpstreamListener {
  private readonly inner: UpstreamListener;
  private readonly failed: Failed;

  constructor(inner: UpstreamListener, failed: Failed) {
    this.inner = inner;
    this.failed = failed;
  }

  head(head: UpstreamHead): void {
    try {
      this.inner.head(head);
    } catch (error) {
      this.failed(error);
    }
  }

  chunk(bytes: Buffer): boolean {
    try {
      return this.inner.chunk(bytes);
    } catch (error) {
      this.failed(error);
      return true;
    }
  }

  end(): void {
    try {
      this.inner.end();
    } catch (error) {
      this.failed(error);
    }
  }

  fault(fault: UpstreamFault): void {
    try {
      this.inner.fault(fault);
    } catch (error) {
      this.failed(error);
    }
  }
}

/** As `GuardedListener`, for a WebSocket. */
export function guardedSocket(inner: SocketListener, failed: Failed): SocketListener {
  return {
    text: guard((bytes) => inner.text(bytes), failed),
    control: guard(() => inner.control(), failed),
    fault: guard((fault) => inner.fault(fault), failed),
    drained: guard(() => inner.drained(), failed),
    closed: guard((isClean) => inner.closed(isClean), failed),
  };
}

/** As `guardedSocket`, for one to upstream. */
export function guardedUpstreamSocket(inner: UpstreamSocketListener, failed: Failed): UpstreamSocketListener {
  return {
    ...guardedSocket(inner, failed),
    opened: guard(() => inner.opened(), failed),
    refused: guard((refusal) => inner.refused(refusal), failed),
  };
}

const guard =
  <Args extends readonly unknown[]>(run: (...args: Args) => void, failed: Failed) =>
  (...args: Args): void => {
    try {
      run(...args);
    } catch (error) {
      failed(error);
    }
  };
