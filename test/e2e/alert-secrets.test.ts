import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sallyport } from '../support/command.ts';

const SECRETS = {
  HOOK: 'https://hooks.example/services/T000/B000/hidden-path',
  SIGN: `whsec_${Buffer.alloc(32, 9).toString('base64')}`,
  ROUTE: 'R0123456789abcdef0123456789abcde',
  MAIL: 'hidden-password',
};
const CONFIG = `
alerts:
  channels:
    - { name: ops, type: webhook, webhookUrl: "\${env:HOOK}", secret: "\${env:SIGN}" }
    - { name: pager, type: pagerduty, routingKey: "\${env:ROUTE}" }
    - { name: mail, type: email, host: mail.example, from: a@example.org, to: [b@example.org], user: gw, password: "\${env:MAIL}" }
`;

test('config print masks the secrets of channels, and a mistake in one does not show it', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-alerts-'));
  const config = join(dir, 'sallyport.yaml');
  const env = { SALLYPORT_STATE_DIR: dir, SALLYPORT_CONFIG: config, ...SECRETS };
  writeFileSync(config, CONFIG);
  const { exit, out } = await sallyport(dir, 'config print', { env });
  assert.equal(exit, 0);
  assert.match(out, /webhookUrl: "?\*{8}/);
  assert.match(out, /groupWait: 30s/);
  for (const secret of Object.values(SECRETS)) assert.ok(!out.includes(secret));
  for (const wrong of ['secret: hidden-secret', 'secret: hidden-secret, webhookUrl: "ftp://hidden-host/hidden-path"']) {
    writeFileSync(config, `alerts: { channels: [{ name: ops, type: webhook, ${wrong} }] }`);
    const checked = await sallyport(dir, 'config check', { env });
    assert.equal(checked.exit, 1);
    assert.doesNotMatch(`${checked.out}${checked.err}`, /hidden/);
  }
  rmSync(dir, { recursive: true });
});
