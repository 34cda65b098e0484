import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { sallyport } from '../support/command.ts';

const PASSWORD = 'correct horse battery';
const typed = (text: string) => ({ stdin: () => Promise.resolve(`${text}\n`) });

test('people are made, invited, shown, disabled and deleted without a gateway, and nothing of them is readable in the store', async () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'sallyport-users-'));
  const run = (line: string, more = {}) => sallyport(stateDir, line, more);
  try {
    const made = await run('users create --name Ada.Lovelace --password-stdin --json', typed(PASSWORD));
    assert.equal(made.exit, 0, made.err);
    const ada = JSON.parse(made.out) as { id: string; state: string; scopes: string[] };
    assert.match(ada.id, /^u_[0-9A-Za-z]{16}$/);
    assert.equal(ada.state, 'active');
    assert.ok(ada.scopes.includes('inference:chat') && !ada.scopes.some((scope) => scope.startsWith('admin:')));
    assert.ok(!made.out.includes('argon2id'));

    const again = await run('users create --name ada.lovelace --password-stdin', typed(PASSWORD));
    assert.deepEqual([again.exit, /name already/.test(again.err)], [1, true]);
    assert.equal((await run('users create --name bob --password-stdin', typed('too short'))).exit, 2);
    assert.equal((await run('users create --name bob')).exit, 2);

    const invited = await run('users invite --name bob --json');
    assert.equal(invited.exit, 0, invited.err);
    const bob = JSON.parse(invited.out) as { state: string; invitation: string };
    assert.equal(bob.state, 'invited');
    assert.match(
      bob.invitation,
      /^https:\/\/localhost:8443\/account\/invitation\?user=u_\w+&invitation=[0-9A-Za-z]{43}$/,
    );
    assert.equal((await run('users enable bob')).exit, 1);

    assert.match((await run('users list')).out, /Ada\.Lovelace.*active/);
    assert.equal((await run('users disable ada.lovelace')).exit, 0);
    assert.match((await run(`users show ${ada.id}`)).out, /disabled/);
    assert.equal((await run(`users enable ${ada.id}`)).exit, 0);
    assert.equal((await run(`users reset-second-factor ${ada.id}`)).exit, 0);
    assert.equal((await run(`users delete ${ada.id}`)).exit, 0);
    assert.equal((await run(`users show ${ada.id}`)).exit, 1);
    // The name is free again.
    assert.equal((await run('users create --name ada.lovelace --password-stdin', typed(PASSWORD))).exit, 0);

    const store = ['sallyport.db', 'sallyport.db-wal'].map((name) => {
      try {
        return readFileSync(join(stateDir, name)).toString('latin1').toLowerCase();
      } catch {
        return '';
      }
    });
    for (const secret of [
      'lovelace',
      'argon2id',
      'correct horse',
      new URL(bob.invitation).searchParams.get('invitation'),
    ])
      assert.ok(secret !== null && !store.some((text) => text.includes(secret.toLowerCase())), `${secret} is readable`);
  } finally {
    rmSync(stateDir, { recursive: true, force: true });
  }
});
