import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actionsOf } from './actions.ts';

const commandsOf = (id: string): string[] =>
  actionsOf({ kind: 'credential', id }, undefined, { requests: [], events: [], addresses: [] }).map(
    ({ command }) => command,
  );

test('a subject is held and its tokens ended by lines in which it stays one word, whatever an issuer has named it', () => {
  const [hold, end] = commandsOf("subject:https://login.example a'; reboot #");
  assert.equal(hold, String.raw`sallyport quarantine hold 'subject:https://login.example a'\''; reboot #'`);
  assert.equal(end, String.raw`sallyport tokens revoke --issuer https://login.example --subject 'a'\''; reboot #'`);
  assert.equal(
    commandsOf('subject:https://login.example bob')[1],
    'sallyport tokens revoke --issuer https://login.example --subject bob',
  );
});

test('a tenant is looked at, and can be stopped', () => {
  const commands = actionsOf({ kind: 'tenant', id: 'acme' }, undefined, { requests: [], events: [], addresses: [] });
  assert.deepEqual(
    commands.map(({ command }) => command),
    [
      'sallyport usage --tenant acme',
      'sallyport tenants disable acme',
      'sallyport audit-log verify',
      'sallyport audit-log export --tenant acme > evidence.jsonl',
    ],
  );
});

test('a single token is ended by its name in records', () => {
  assert.equal(commandsOf('Zm9vYmFyYmF6cXV4MTIzNA')[0], 'sallyport tokens revoke --token Zm9vYmFyYmF6cXV4MTIzNA');
});
