import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateNames } from './names.ts';

const base = {
  hostname: 'gpu-1',
  listenHosts: ['127.0.0.1'],
  interfaceAddresses: ['192.0.2.7', '2001:DB8::0007'],
  publicUrl: 'https://LLM.example.org:8443',
};

test('a listener on one address needs that, the local names, the hostname and the host of the public URL', () => {
  assert.deepEqual(certificateNames({ ...base, listenHosts: ['10.0.0.1', '127.0.0.1'] }), [
    '10.0.0.1',
    '127.0.0.1',
    '::1',
    'gpu-1',
    'llm.example.org',
    'localhost',
  ]);
});

for (const host of ['0.0.0.0', '::'])
  test(`a listener on ${host} answers on all interfaces, so their addresses are in the certificate`, () => {
    const names = certificateNames({ ...base, listenHosts: [host] });
    assert.ok(names.includes('192.0.2.7') && names.includes('2001:db8::7') && !names.includes(host));
  });

test('what cannot stand in a certificate is left out', () => {
  const names = certificateNames({
    ...base,
    hostname: 'my_host',
    interfaceAddresses: ['fe80::1%eth0'],
    listenHosts: ['::'],
  });
  assert.deepEqual(names, ['127.0.0.1', '::1', 'llm.example.org', 'localhost']);
});

test('an IPv6 address and an international name are found in the public URL', () => {
  assert.ok(certificateNames({ ...base, publicUrl: 'https://[2001:db8::9]:8443' }).includes('2001:db8::9'));
  assert.ok(certificateNames({ ...base, publicUrl: 'https://bücher.example' }).includes('xn--bcher-kva.example'));
});
