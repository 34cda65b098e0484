import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptsMediaType, isForm } from './media-type.ts';

for (const { type, coding, isAccepted } of [
  { type: 'application/json', isAccepted: true },
  { type: 'Application/JSON', isAccepted: true },
  { type: 'application/json; charset=utf-8', isAccepted: true },
  { type: 'application/json;CHARSET="UTF-8"', isAccepted: true },
  { type: 'application/json; profile=x', isAccepted: true },
  { type: 'application/json', coding: 'identity', isAccepted: true },
  { type: 'application/json', coding: 'Identity', isAccepted: true },
  { type: undefined, isAccepted: false },
  { type: '', isAccepted: false },
  { type: 'text/plain', isAccepted: false },
  { type: 'application/json-patch+json', isAccepted: false },
  { type: 'application/vnd.api+json', isAccepted: false },
  { type: 'application/jsonx', isAccepted: false },
  { type: 'application/json, text/plain', isAccepted: false },
  { type: 'application/x-www-form-urlencoded', isAccepted: false },
  { type: 'multipart/form-data; boundary=x', isAccepted: false },
  { type: 'application/json; charset=utf-16', isAccepted: false },
  { type: 'application/json; charset=latin1', isAccepted: false },
  { type: 'application/json; charset=utf-8; charset=utf-16', isAccepted: false },
  { type: 'application/json; charset', isAccepted: false },
  { type: 'application/json', coding: 'gzip', isAccepted: false },
  { type: 'application/json', coding: 'identity, gzip', isAccepted: false },
  { type: 'application/json', coding: '', isAccepted: false },
]) {
  const what = `content-type ${type ?? '(none)'}${coding === undefined ? '' : ` with content-encoding ${coding}`}`;
  test(`${what} is ${isAccepted ? 'accepted' : 'refused'}`, () => {
    const headers = new Map<string, string>();
    if (type !== undefined) headers.set('content-type', type);
    if (coding !== undefined) headers.set('content-encoding', coding);
    assert.equal(acceptsMediaType(headers), isAccepted);
  });
}

for (const { headers, is } of [
  { headers: { 'content-type': 'multipart/form-data; boundary=x' }, is: true },
  { headers: { 'content-type': 'Multipart/FORM-data;boundary=x', 'content-encoding': 'identity' }, is: true },
  { headers: { 'content-type': 'multipart/form-data' }, is: true },
  { headers: { 'content-type': 'multipart/form-data; boundary=x', 'content-encoding': 'gzip' }, is: false },
  { headers: { 'content-type': 'multipart/form-database; boundary=x' }, is: false },
  { headers: { 'content-type': 'multipart/mixed; boundary=x' }, is: false },
  { headers: { 'content-type': 'application/json' }, is: false },
  { headers: { 'content-type': 'text/plain, multipart/form-data; boundary=x' }, is: false },
  { headers: {}, is: false },
]) {
  test(`${JSON.stringify(headers)} is ${is ? 'a' : 'no'} form`, () =>
    assert.equal(isForm(new Map(Object.entries(headers))), is));
}
