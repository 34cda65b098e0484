/**
 * Tells whether a body of these headers is plain JSON in UTF-8: media type `application/json` in any case
 * (RFC 9110 §8.3.1), no charset but UTF-8 (vLLM guesses encodings from the bytes), no content coding (vLLM
 * ignores the header and would read the coded bytes).
 *
 * @param headers names in lower case
 */
export function acceptsMediaType(headers: ReadonlyMap<string, string>): boolean {
  const type = headers.get('content-type');
  return type !== undefined && (type === 'application/json' || isJsonType(type)) && isUncoded(headers);
}

/** Tells whether a body of these headers is a form (RFC 7578), without content coding. */
export function isForm(headers: ReadonlyMap<string, string>): boolean {
  return /^multipart\/form-data[ \t]*(?:;|$)/i.test(headers.get('content-type') ?? '') && isUncoded(headers);
}

function isUncoded(headers: ReadonlyMap<string, string>): boolean {
  const coding = headers.get('content-encoding');
  return coding === undefined || coding.trim().toLowerCase() === 'identity';
}

function isJsonType(header: string): boolean {
  const [type = '', ...parameters] = header.split(';');
  if (type.trim().toLowerCase() !== 'application/json') return false;
  return parameters.every((parameter) => {
    const [name = '', value = ''] = parameter.split('=', 2);
    return name.trim().toLowerCase() !== 'charset' || /^\s*(?:utf-8|"utf-8")\s*$/i.test(value);
  });
}
