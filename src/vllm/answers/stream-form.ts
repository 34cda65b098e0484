import type { RouteFamily } from '../../kernel/exchange.ts';

/** How the streams of a family are framed (vLLM's own framing, which is that of the APIs it follows). */
export interface StreamForm {
  /** Whether an event is the last one; after it nothing more is expected. */
  readonly isLast: (event: { readonly type: string; readonly data: string }) => boolean;
  /** What keeps a silent stream open: a comment, or an event that clients know and pass over. */
  readonly keepAlive: string;
}

const COMMENT = ': keep-alive\n\n';

/** Events without a name; `[DONE]` ends them, also after an error. */
const openai: StreamForm = { isLast: ({ data }) => data === '[DONE]', keepAlive: COMMENT };

/** Events by name; the last one stops the message. */
const messages: StreamForm = {
  isLast: ({ type }) => type === 'message_stop',
  keepAlive: 'event: ping\ndata: {"type":"ping"}\n\n',
};

const TERMINAL: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete', 'response.failed']);
/** Events by name; the last one holds the whole response. */
const responses: StreamForm = { isLast: ({ type }) => TERMINAL.has(type), keepAlive: COMMENT };

/** The form of a family's streams. */
export function streamFormOf(family: RouteFamily): StreamForm {
  if (family === 'messages') return messages;
  return family === 'responses' ? responses : openai;
}
