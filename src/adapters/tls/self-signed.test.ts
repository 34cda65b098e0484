import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { before, test } from 'node:test';
import { LEAF_LIFE_MS } from './renewal.ts';
import { CA_LIFE_MS, createCa, createLeaf, type CertificateAndKey } from './self-signed.ts';
import * as x509 from '@peculiar/x509'; // after self-signed.ts, which brings what it needs

const NOW_MS = Date.UTC(2026, 5, 1, 12);
const NAMES = ['127.0.0.1', '2001:db8::7', '::1', 'llm.example.org', 'localhost'];

let ca: CertificateAndKey;
let leaf: CertificateAndKey;
before(async () => {
  ca = await createCa(NOW_MS);
  leaf = await createLeaf(ca, NAMES, NOW_MS);
});

/** Extensions in their text form, with whether each is critical. */
function extensionsOf(pem: string): Map<string, x509.Extension> {
  return new Map(new x509.X509Certificate(pem).extensions.map((extension) => [extension.type, extension]));
}

test('the CA is its own issuer, signs leaves only, and its key belongs to it', () => {
  const certificate = new X509Certificate(ca.certPem);
  assert.ok(certificate.ca && certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey));
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  const extensions = extensionsOf(ca.certPem);
  const constraints = extensions.get('2.5.29.19');
  assert.ok(constraints instanceof x509.BasicConstraintsExtension);
  assert.deepEqual([constraints.critical, constraints.ca, constraints.pathLength], [true, true, 0]);
  const usage = extensions.get('2.5.29.15');
  assert.ok(usage instanceof x509.KeyUsagesExtension && usage.critical);
  assert.equal(usage.usages, x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign);
  assert.ok(extensions.has('2.5.29.14'), 'subject key identifier');
});

test('the leaf is signed by the CA, for servers only, and cannot sign', () => {
  const certificate = new X509Certificate(leaf.certPem);
  const issuer = new X509Certificate(ca.certPem);
  assert.ok(!certificate.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey));
  const extensions = extensionsOf(leaf.certPem);
  const usage = extensions.get('2.5.29.15');
  assert.ok(usage instanceof x509.KeyUsagesExtension && usage.critical);
  assert.equal(usage.usages, x509.KeyUsageFlags.digitalSignature);
  const extended = extensions.get('2.5.29.37');
  assert.ok(extended instanceof x509.ExtendedKeyUsageExtension);
  assert.deepEqual([...extended.usages], [x509.ExtendedKeyUsage.serverAuth]);
});

test('the leaf names the key of its CA, as strict verifiers demand', () => {
  const authority = extensionsOf(leaf.certPem).get('2.5.29.35');
  const subject = extensionsOf(ca.certPem).get('2.5.29.14');
  assert.ok(authority instanceof x509.AuthorityKeyIdentifierExtension);
  assert.ok(subject instanceof x509.SubjectKeyIdentifierExtension);
  assert.equal(authority.keyId, subject.keyId);
  assert.ok(!authority.critical && !subject.critical);
});

test('the leaf is valid for each of its names and for no other', () => {
  const certificate = new X509Certificate(leaf.certPem);
  for (const name of ['llm.example.org', 'localhost']) assert.ok(certificate.checkHost(name), name);
  for (const ip of ['127.0.0.1', '::1', '2001:db8::7']) assert.ok(certificate.checkIP(ip), ip);
  for (const name of ['example.org', 'x.llm.example.org', 'sallyport'])
    assert.equal(certificate.checkHost(name), undefined);
  assert.equal(certificate.checkIP('127.0.0.2'), undefined);
});

test('both begin an hour ago; the CA lives 10 years and the leaf less than 398 days', () => {
  const [caCertificate, certificate] = [new X509Certificate(ca.certPem), new X509Certificate(leaf.certPem)];
  assert.equal(caCertificate.validFromDate.getTime(), NOW_MS - 3_600_000);
  assert.equal(certificate.validFromDate.getTime(), NOW_MS - 3_600_000);
  assert.equal(caCertificate.validToDate.getTime(), NOW_MS + CA_LIFE_MS);
  assert.equal(certificate.validToDate.getTime(), NOW_MS + LEAF_LIFE_MS);
  assert.ok(LEAF_LIFE_MS < 398 * 86_400_000);
});

test('a leaf does not outlive its CA', async () => {
  const late = await createLeaf(ca, NAMES, NOW_MS + CA_LIFE_MS - 1000);
  assert.equal(new X509Certificate(late.certPem).validToDate.getTime(), NOW_MS + CA_LIFE_MS);
});

test('serial numbers are positive, at most 20 bytes, and differ', async () => {
  const serials = [ca, leaf, await createLeaf(ca, NAMES, NOW_MS)].map(
    (one) => new X509Certificate(one.certPem).serialNumber,
  );
  assert.equal(new Set(serials).size, 3);
  for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
});
