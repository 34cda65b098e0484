import type { Clock } from '../kernel/clock.ts';

/** What a live view works with. */
export interface LiveView {
  readonly clock: Pick<Clock, 'after'>;
  /** What is shown now; undefined where whoever asked may not see it any more. */
  look(): Promise<unknown>;
  /** Called once, when it has ended. */
  onEnd(): void;
}

/** Views that are open at once: each of them asks all workers every second. */
export const MAX_LIVE_VIEWS = 16;
/** Of one caller: else whoever may only read keeps all others from seeing. */
export const MAX_OWN_VIEWS = 4;

const EVERY_MS = 1_000;
/** Then the client asks anew, as server-sent events have it, and shows its credential again. */
const MAX_EVENTS = 900;

/** Shows something every second as server-sent events (WHATWG HTML §9.2), until it is not looked at any more. */
export function liveAnswer(name: string, { clock, ...view }: LiveView): Response {
  const encoder = new TextEncoder();
  let timer: ReturnType<Clock['after']> | undefined;
  let isOver = false;

  function end(): void {
    if (isOver) return;
    isOver = true;
    timer?.cancel();
    view.onEnd();
  }

  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      let sent = 0;
      const show = async (): Promise<void> => {
        // One that does not read is not written to: its events would pile up.
        const value = (controller.desiredSize ?? 0) > 0 ? await view.look() : null;
        if (isOver) return;
        if (value === undefined || sent >= MAX_EVENTS) {
          end();
          return controller.close();
        }
        if (value !== null)
          controller.enqueue(encoder.encode(`event: ${name}\nid: ${++sent}\ndata: ${JSON.stringify(value)}\n\n`));
        timer = clock.after(EVERY_MS, () => void next());
      };
      const next = (): Promise<void> =>
        show().catch((error: unknown) => {
          end();
          controller.error(error);
        });
      void next();
    },
    cancel: end,
  });
  return new Response(body, { status: 200, headers: { 'content-type': 'text/event-stream; charset=utf-8' } });
}
