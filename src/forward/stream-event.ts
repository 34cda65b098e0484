import { isJsonObject, type JsonObject } from '../kernel/json.ts';
import type { Denial } from '../kernel/reasons.ts';
import type { Inspector, StreamEvent } from '../kernel/stage.ts';
import { parseAnswer } from '../vllm/answers/parse-answer.ts';
import { formatSseEvent, type SseEvent } from '../wire/sse.ts';

/** What became of an event: text to send (empty where it was dropped), a denial that ends the stream, or undefined
 *  where it could not be read. */
export type Inspected = string | Denial | undefined;

/** An event under inspection: its data is parsed at most once, however many look at it. */
class InspectedEvent implements StreamEvent {
  readonly type: string;
  data: string;
  private value: JsonObject | undefined;
  private state: 'text' | 'parsed' | 'replaced' = 'text';

  constructor(event: SseEvent) {
    this.type = event.type;
    this.data = event.data;
  }

  json(): JsonObject | undefined {
    if (this.state === 'text') {
      this.state = 'parsed';
      const value = parseAnswer(this.data);
      this.value = isJsonObject(value) ? value : undefined;
    }
    return this.value;
  }

  replace(value: JsonObject): void {
    this.value = value;
    this.state = 'replaced';
  }

  format(): string {
    return formatSseEvent(this.type, this.state === 'replaced' ? JSON.stringify(this.value) : this.data);
  }
}

/**
 * Shows one event to all inspectors in turn. One that is no JSON object, or upstream's own error, is not passed on:
 * what cannot be inspected would be a way around all inspectors.
 */
export function inspectEvent(event: SseEvent, inspectors: readonly Inspector[]): Inspected {
  const shown = new InspectedEvent(event);
  const value = shown.json();
  if (value === undefined || value['error'] !== undefined) return undefined;
  for (const inspector of inspectors) {
    const verdict = inspector.event?.(shown) ?? 'pass';
    if (verdict === 'drop') return '';
    if (verdict !== 'pass') return verdict;
  }
  return shown.format();
}
