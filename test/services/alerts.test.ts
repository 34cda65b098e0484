import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/free-port.ts';
import { sallyport } from '../support/command.ts';
import { PASSWORD } from '../support/people.ts';
import { startProduct, type Product } from '../support/product.ts';

/** A real mail server, and the product in its sandbox before it. */
interface Mail {
  readonly to: readonly string[];
  readonly tls: boolean;
  readonly login: string;
  readonly data: string;
}

const script = fileURLToPath(new URL('./clients/smtp-sink.py', import.meta.url));
let dir = '';
let server: ChildProcess;
let port = 0;
const mails: Mail[] = [];
let look = (): void => undefined;

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'sallyport-mail-'));
  const [cert, key] = [join(dir, 'c.pem'), join(dir, 'k.pem')];
  const words = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const names = ['-subj', '/CN=mail', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert];
  execFileSync('openssl', [...words, ...names], { stdio: 'ignore' });
  port = await freePort();
  server = spawn(process.env['SMTP_PYTHON'] ?? 'python3', [script, cert, key, String(port)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.ok(server.stdout);
  await new Promise<void>((resolve, reject) => {
    server.once('exit', (code) => reject(new Error(`the mail server ended with ${code}`)));
    createInterface({ input: server.stdout as NonNullable<typeof server.stdout> }).on('line', (line) => {
      const said = JSON.parse(line) as Mail & { readonly ready?: true };
      if (said.ready === true) return resolve();
      mails.push(said);
      look();
    });
  });
});
after(() => {
  server.kill();
  rmSync(dir, { recursive: true, force: true });
});

/** The first mail with this subject. Others come, too: nobody answers at the upstream. */
const mailOn = (subject: RegExp): Promise<Mail> =>
  new Promise((resolve) => {
    look = () => {
      const mail = mails.find(({ data }) => subject.test(data));
      if (mail !== undefined) resolve(mail);
    };
    look();
  });

function startWith(password: string, caFile = 'c.pem'): Promise<Product> {
  const config = join(dir, 'sallyport.yaml');
  writeFileSync(
    config,
    `alerts:
  channels:
    - { name: mail, type: email, host: localhost, port: ${port}, user: gateway, password: "${password}",
        from: gateway@example.org, to: [ops@example.org, soc@example.org], notifyOwners: true${caFile === '' ? '' : `, caFile: ${caFile}`} }
`,
    { mode: 0o600 },
  );
  return startProduct(['--config', config]);
}

test('a key that is held is a mail to the operators and one to its owner, over TLS with a password', async () => {
  const product = await startWith('right-password');
  try {
    assert.match(product.command('alerts', 'test', 'mail'), /^sent to mail: the server answered 250 kept/);
    await createOwner(product);
    const key = JSON.parse(
      product.command('keys', 'create', '--name', 'ci', '--owner', 'ada@example.org', '--json'),
    ) as { id: string };
    product.command('quarantine', 'hold', key.id, '--why', 'drill');
    const held = await mailOn(/^Subject: \[sallyport\] CRITICAL: A credential is held/m);
    const owner = await mailOn(/^Subject: \[sallyport\] Your/m);
    assert.deepEqual(held.to, ['ops@example.org', 'soc@example.org']);
    assert.match(held.data, new RegExp(`sallyport quarantine release key:${key.id}`));
    assert.deepEqual(owner.to, ['ada@example.org']);
    assert.match(owner.data, new RegExp(`Your API key ci \\(${key.id}\\) is held`));
    for (const { tls, login } of mails) assert.deepEqual([tls, login], [true, 'gateway']);
    // The address of a person is in the mail, and nowhere in the log.
    assert.doesNotMatch(product.lines.join('\n'), /ada@example|right-password/);
  } finally {
    assert.equal(await product.end(), 0);
  }
});

/** A person whose name to sign in is a mail address. */
async function createOwner({ stateDir }: Product): Promise<void> {
  const made = await sallyport(stateDir, 'users create --name ada@example.org --password-stdin', {
    stdin: () => Promise.resolve(PASSWORD),
  });
  assert.equal(made.exit, 0, made.err);
}

for (const [name, password, caFile, said] of [
  ['a wrong password', 'wrong-password', 'c.pem', /not sent to mail: the server answered 535 \(EAUTH\)/],
  [
    'a certificate that nobody trusts',
    'right-password',
    '',
    /not sent to mail: it cannot be reached \(ES?OCKET|ETLS\)/,
  ],
] as const)
  test(`with ${name} nothing is sent, and the test says so`, async () => {
    const before = mails.length;
    const product = await startWith(password, caFile);
    try {
      assert.throws(() => product.command('alerts', 'test', 'mail'), said);
      assert.equal(mails.length, before);
    } finally {
      assert.equal(await product.end(), 0);
    }
  });
