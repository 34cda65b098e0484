import assert from 'node:assert/strict';
import { test } from 'node:test';
import { adminOperations } from '../../src/admin/app.ts';
import { createTestAdmin } from '../support/admin.ts';

const admin = createTestAdmin();
const operations = adminOperations(admin.deps);
const { json: document } = await admin.ask('GET /api/v1/openapi.json');

type Node = Record<string, unknown>;
const node = (value: unknown): Node => Object(value);

test('the document is OpenAPI 3.1 with a title and a version', () => {
  assert.equal(document['openapi'], '3.1.0');
  assert.equal(node(document['info'])['version'], '0.0.0-test');
  assert.equal(typeof node(document['info'])['title'], 'string');
});

test('every operation that is mounted is in the document, and no other', () => {
  const described = Object.entries(node(document['paths'])).flatMap(([path, methods]) =>
    Object.keys(node(methods)).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(described.sort(), operations.map(({ method, path }) => `${method} /api/v1${path}`).sort());
});

test('every operation of the document is answered by the API as something other than an unknown route', async () => {
  for (const { method, path } of operations) {
    const { json } = await admin.ask(`${method} /api/v1${path.replace('{id}', 'nothing')}`, { as: [] });
    assert.equal(json['code'], 'insufficient_scope', `${method} ${path}`);
  }
});

test('operations have names of their own', () => {
  assert.equal(new Set(operations.map(({ id }) => id)).size, operations.length);
});

test('every reference of the document leads somewhere', () => {
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]*)"/g)].map((match) => match[1] ?? '');
  assert.ok(references.length > operations.length);
  for (const reference of references) {
    const [root, ...steps] = reference.split('/');
    assert.equal(root, '#', reference);
    const found = steps.reduce<unknown>((at, step) => node(at)[step], document);
    assert.equal(typeof found, 'object', reference);
  }
  assert.doesNotMatch(JSON.stringify(document), /\$defs|\$id|\$schema/);
});

test('the parameter of a path is declared, and no other path has it', () => {
  for (const [path, methods] of Object.entries(node(document['paths']))) {
    for (const one of Object.values(node(methods))) {
      const names = (node(one)['parameters'] as Node[])
        .filter((parameter) => parameter['in'] === 'path')
        .map(({ name }) => name);
      assert.deepEqual(names, path.includes('{id}') ? ['id'] : [], path);
    }
  }
});

for (const one of operations) {
  test(`the example of ${one.id} is an answer that its schema accepts`, () => {
    if (one.response === undefined) assert.equal(one.status, 204);
    else one.response.parse(one.example);
  });
}

test('an operation asks for the reading scope to read, for that of records to read those, and for the writing one to change', () => {
  // A dry run changes nothing, but its question has a body.
  const reads = (method: string, id: string) => method === 'GET' || id === 'explain' || id === 'testPolicies';
  const records = new Set(['searchAuditLog', 'listAnomalies', 'listReviews', 'showReview']);
  for (const { id, method, scope } of operations) {
    assert.equal(scope, records.has(id) ? 'audit:read' : reads(method, id) ? 'admin:read' : 'admin:write', id);
  }
});

test('what is shown once is shown by operations that honour Idempotency-Key, and by no others', () => {
  for (const { id, example, isOnce } of operations) {
    if (Object.hasOwn(node(example), 'key')) assert.equal(isOnce, true, id);
  }
});
