import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import { judge } from './body-verdict.fixture.ts';

/** A GIF of a few bytes that unpacks to a square of this side. */
function gif(side: number): string {
  const size = [side & 255, side >>> 8, side & 255, side >>> 8];
  const frame = [0x2c, 0, 0, 0, 0, ...size, 0, 2, 2, 0x4c, 0x01, 0];
  const bytes = Buffer.from([...Buffer.from('GIF89a'), ...size, 0, 0, 0, ...frame, 0x3b]);
  return `data:image/gif;base64,${bytes.toString('base64')}`;
}

test('images of a request unpack to 80 megapixels together, and to no more', () => {
  const chat = (...sides: number[]): JsonObject => ({
    model: 'tiny',
    messages: sides.map((side) => ({ role: 'user', content: [{ type: 'image_url', image_url: { url: gif(side) } }] })),
  });
  const said = (...sides: number[]): unknown => {
    const request = judge('chat', chat(...sides));
    return typeof request === 'string' ? request : 'passes';
  };
  assert.equal(said(6324, 6324), 'passes');
  assert.equal(said(4472, 4472, 4472, 4472), 'passes');
  assert.equal(said(6324, 6324, 200), 'value_out_of_range messages[2].content[0].image_url');
  assert.equal(said(4472, 4472, 4472, 4473), 'value_out_of_range messages[3].content[0].image_url');
});
