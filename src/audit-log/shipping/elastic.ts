import { isJsonObject, type JsonValue } from '../../kernel/json.ts';
import { answerObject } from './answer.ts';
import { excerpt, timeText, type Answer, type HttpFormat, type Parcel, type Sender, type Verdict } from './parcel.ts';

/** The part of the answer that is read: a whole one repeats an id and an index for each record. */
export const ELASTIC_QUERY = 'filter_path=errors,items.*.status,items.*.error.type';

/**
 * The bulk API of Elasticsearch and OpenSearch. Each document has the place of its record as its id and is created, never
 * replaced: one that is sent again is a conflict, which says that it is there already.
 */
export const elasticFormat: HttpFormat = {
  contentType: 'application/x-ndjson',
  bodyOf: (parcels, sender) =>
    parcels
      .map((parcel) => {
        const action = JSON.stringify({ create: { _id: elasticId(parcel, sender) } });
        return `${action}\n{"@timestamp":"${timeText(parcel.timeMs)}",${parcel.line.slice(1)}\n`;
      })
      .join(''),
  verdictOf: (answer, parcels) =>
    answer.status === 200 ? verdictOfItems(answer, parcels.length) : verdictOfStatus(answer),
};

/** The id of a record's document. */
export const elasticId = ({ sequence }: Pick<Parcel, 'sequence'>, { origin }: Pick<Sender, 'origin'>): string =>
  `${origin.replace(/^sallyport\//, '')}-${sequence}`;

function verdictOfStatus({ status, body, afterMs }: Answer): Verdict {
  const error = answerObject(body)?.['error'];
  const type = isJsonObject(error) && typeof error['type'] === 'string' ? `: ${excerpt(error['type'])}` : '';
  const why = `it answered ${status}${type}`;
  if (status === 413) return { kind: 'refused', why };
  return { kind: 'again', why, ...(afterMs === undefined ? {} : { afterMs }) };
}

function verdictOfItems({ body }: Answer, count: number): Verdict {
  const items = answerObject(body)?.['items'];
  // An answer that does not name each record says nothing of those that it leaves out.
  if (!Array.isArray(items) || items.length !== count) return { kind: 'again', why: 'its answer names other records' };
  const results = items.map(resultOf);
  const held = results.find(({ status }) => !isDone(status) && status !== UNFIT);
  if (held !== undefined) return { kind: 'again', why: `it answered ${held.status} for a record: ${held.type}` };
  const unfit = results.filter(({ status }) => status === UNFIT);
  return { kind: 'taken', dropped: unfit.length, ...(unfit[0] === undefined ? {} : { why: unfit[0].type }) };
}

/** The document does not fit the mapping: it never will. */
const UNFIT = 400;

const isDone = (status: number): boolean => (status >= 200 && status < 300) || status === 409;

function resultOf(item: JsonValue): { readonly status: number; readonly type: string } {
  const result = isJsonObject(item) ? item['create'] : undefined;
  const [status, error] = isJsonObject(result) ? [result['status'], result['error']] : [];
  const type = isJsonObject(error) && typeof error['type'] === 'string' ? excerpt(error['type']) : 'no reason';
  return { status: typeof status === 'number' ? status : 0, type };
}
