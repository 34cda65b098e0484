import type { MediaPlace, MediaUrl, RemoteMedium } from '../../kernel/exchange.ts';
import { isJsonObject, type JsonArray, type JsonObject, type JsonValue } from '../../kernel/json.ts';
import { indexPath, memberPath } from '../../wire/json-path.ts';
import { placeOf } from './kept-places.ts';

/**
 * What stands in a body for a medium until that is fetched. An object of its own class: no text of a caller's can be
 * taken for it, wherever it stands and whatever it says.
 */
class Unfetched implements JsonObject {
  [name: string]: JsonValue;
  readonly #url: MediaUrl;

  constructor(url: MediaUrl) {
    this.#url = url;
  }

  static urlOf(value: JsonValue): MediaUrl | undefined {
    return typeof value === 'object' && value !== null && #url in value ? value.#url : undefined;
  }
}

/** Marks the place of a medium in a body that is being built. */
export const unfetched = (url: MediaUrl): JsonObject => new Unfetched(url);

/**
 * What takes the place in the built body: should it ever be sent, then vLLM gets no URL, and so fetches nothing. No
 * caller can send it, for it holds no base64.
 */
export const NOT_FETCHED = 'data:,not-fetched';

/** Takes the marks out of a built body, each replaced by `NOT_FETCHED`; gives the media with all their places. */
export function takeUnfetched(body: JsonObject): readonly RemoteMedium[] {
  const byUrl = new Map<string, { readonly url: MediaUrl; readonly places: MediaPlace[] }>();
  /** The way to the value that is looked at: written out only for what is found. */
  const steps: (string | number)[] = [];
  const lists: (JsonArray | undefined)[] = [];

  function walk(value: JsonValue, replace: (text: string) => void): void {
    if (typeof value !== 'object' || value === null) return;
    const url = Unfetched.urlOf(value);
    if (url !== undefined) {
      const known = byUrl.get(url.canonical) ?? { url, places: [] };
      known.places.push({ steps: [...steps], path: fieldAt(steps, lists) });
      byUrl.set(url.canonical, known);
      return replace(NOT_FETCHED);
    }
    const list = Array.isArray(value) ? value : undefined;
    lists.push(list);
    if (list !== undefined) {
      for (let i = 0; i < list.length; i++) step(i, list[i] ?? null, (text) => (list[i] = text));
    } else if (isJsonObject(value)) {
      for (const name in value) step(name, value[name] ?? null, (text) => (value[name] = text));
    }
    lists.pop();
  }

  function step(to: string | number, value: JsonValue, replace: (text: string) => void): void {
    steps.push(to);
    walk(value, replace);
    steps.pop();
  }

  walk(body, () => undefined);
  return [...byUrl.values()];
}

/** The JSON path as the caller would write it, of the field that holds the URL. */
function fieldAt(steps: readonly (string | number)[], lists: readonly (JsonArray | undefined)[]): string {
  // In a chat an image is named alike in both its forms, with and without an object around the URL.
  const isWrapped = steps.at(-1) === 'url' && steps.at(-2) === 'image_url';
  return (isWrapped ? steps.slice(0, -1) : steps).reduce<string>((path, to, depth) => {
    const list = lists[depth];
    return typeof to === 'string' ? memberPath(path, to) : indexPath(path, list === undefined ? to : placeOf(list, to));
  }, '');
}
