import type { ChallengeOffer, Surface } from '../kernel/exchange.ts';
import { reasons, type Denial } from '../kernel/reasons.ts';
import { anthropicError } from './anthropic-error.ts';
import { oauthError } from './oauth-error.ts';
import { openaiError } from './openai-error.ts';
import type { RenderedDenial } from './problem.ts';
import { responsesErrorEvent } from './responses-error.ts';
import { refusalHeaders } from './refusal-headers.ts';

const BODIES: Readonly<Record<Surface, (denial: Denial, requestId: string) => string>> = {
  openai: openaiError,
  responses: openaiError,
  anthropic: anthropicError,
  oauth: oauthError,
};

/** A refusal in the form of its surface: status, the headers that belong to it, and the body as JSON. */
export function renderDenial(
  denial: Denial,
  surface: Surface,
  requestId: string,
  offer?: ChallengeOffer,
): RenderedDenial {
  return {
    status: reasons[denial.code].status,
    headers: refusalHeaders(denial, 'application/json', offer),
    body: BODIES[surface](denial, requestId),
  };
}

/**
 * The SSE event (WHATWG HTML §9.2.6) that ends a running stream in the form of its surface.
 *
 * @param eventsBefore events of the stream until now, for surfaces that number them
 */
export function renderStreamError(denial: Denial, surface: Surface, requestId: string, eventsBefore: number): string {
  if (surface === 'responses') return `event: error\ndata: ${responsesErrorEvent(denial, eventsBefore)}\n\n`;
  const data = `data: ${BODIES[surface](denial, requestId)}\n\n`;
  return surface === 'anthropic' ? `event: error\n${data}` : data;
}
