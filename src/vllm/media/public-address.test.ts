import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isPublicAddress } from './public-address.ts';

for (const address of [
  '1.1.1.1',
  '8.8.8.8',
  '9.255.255.255',
  '11.0.0.0',
  '100.63.255.255',
  '100.128.0.0',
  '126.255.255.255',
  '128.0.0.0',
  '169.253.255.255',
  '172.15.255.255',
  '172.32.0.0',
  '192.167.255.255',
  '192.169.0.0',
  '198.17.255.255',
  '198.20.0.0',
  '223.255.255.255',
  '2606:4700:4700::1111',
  '2a00:1450:4001:81b::200e',
  '2001:200::1',
  '64:ff9b::808:808',
]) {
  test(`${address} is public`, () => assert.equal(isPublicAddress(address), true));
}

for (const address of [
  '0.0.0.0',
  '10.0.0.1',
  '100.64.0.0',
  '100.100.100.200',
  '100.127.255.255',
  '127.0.0.1',
  '168.63.129.16',
  '169.254.169.254',
  '172.16.0.0',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.255.255',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::127.0.0.1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '::FFFF:808:808',
  'fe80::1',
  'fe80::1%eth0',
  '2606:4700:4700::1111%eth0',
  'fc00::1',
  'fd00:ec2::254',
  'fec0::1',
  'ff02::1',
  '100::1',
  '2001::1',
  '2001:0:4136:e378:8000:63bf:3fff:fdd2',
  '2001:db8::1',
  '2002:7f00:1::',
  '2002:808:808::',
  '3fff::1',
  '64:ff9b::7f00:1',
  '64:ff9b::127.0.0.1',
  '64:ff9b::a00:1',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::808:808',
  '5f00::1',
  '',
  'localhost',
  '1',
  '127.1',
  '0177.0.0.1',
  '08.8.8.8',
  '0x8.8.8.8',
  '8.8.8.8/32',
  ' 8.8.8.8',
  '[::1]',
]) {
  test(`${JSON.stringify(address)} is not public`, () => assert.equal(isPublicAddress(address), false));
}

test('an address behind NAT64 is public exactly when the one that it holds is', () => {
  fc.assert(fc.property(fc.ipV4(), (text) => assert.equal(isPublicAddress(`64:ff9b::${text}`), isPublicAddress(text))));
});

test('never throws', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.string({ unit: 'binary' }), fc.ipV6(), fc.ipV4Extended()),
      (text) => void isPublicAddress(text),
    ),
  );
});
