import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtempSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { WebSocket } from 'ws';

/** A page of a real Chromium, over the DevTools protocol. */
export interface ChromiumPage extends AsyncDisposable {
  open(url: string): Promise<void>;
  /** What an expression is in the page. */
  value<T>(expression: string): Promise<T>;
  title(): Promise<string>;
  /** Waits for a page whose title begins so. */
  arrivesAt(title: string): Promise<void>;
  /** Goes with the Tab key to the field or button of this name, as one who sees no mouse does. */
  tabTo(name: string): Promise<void>;
  type(text: string): Promise<void>;
  /** Opens or closes what is folded under this name, by the keyboard. */
  unfold(name: string): Promise<void>;
  /** Presses Enter and waits for the page that comes of it. */
  enter(title: string): Promise<void>;
  /** Judges the page by axe-core (WCAG 2.2 A and AA) and takes a picture of it. */
  judge(name: string): Promise<void>;
  /** Errors of scripts and of the policy until now. */
  readonly errors: readonly string[];
  readonly authenticator: string;
  send(method: string, params?: object): Promise<Record<string, unknown>>;
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const TRIES = 200;
const STEP_MS = 50;
const MAX_TABS = 80;

/** What the browser calls the element that has the focus. */
const FOCUSED = `(() => {
  const one = document.activeElement;
  if (one === null || one === document.body) return '';
  const label = one.labels && one.labels[0] ? one.labels[0].textContent : one.textContent;
  return (one.getAttribute('aria-label') || label || '').replace(/\\s+/g, ' ').trim();
})()`;

/**
 * Starts Chromium with an authenticator of its own.
 *
 * @param pictures folder of the pictures
 */
export async function startChromium(pictures: string): Promise<ChromiumPage> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-chromium-'));
  const flags = [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--ignore-certificate-errors',
    '--window-size=800,1000',
  ];
  const child = spawn('chromium', [...flags, '--remote-debugging-port=0', `--user-data-dir=${dir}`, 'about:blank'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const { port } = new URL(await devToolsOf(child));
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    type: string;
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(targets.find(({ type }) => type === 'page')?.webSocketDebuggerUrl ?? '');
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));

  const errors: string[] = [];
  const waiting = new Map<number, { done: (value: Record<string, unknown>) => void; fail: (error: Error) => void }>();
  let last = 0;
  socket.on('message', (data: Buffer) => {
    const { id, result, error, method, params } = JSON.parse(data.toString()) as Message;
    if (id === undefined) return note(method ?? '', params ?? {});
    const one = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) one?.done(result ?? {});
    else one?.fail(new Error(error.message));
  });

  function note(method: string, params: Params): void {
    if (method === 'Runtime.exceptionThrown') errors.push(params.exceptionDetails?.text ?? 'exception');
    // That a page is one of an error the browser says as one of the network.
    const { level, source, text = '' } = params.entry ?? {};
    if (method === 'Log.entryAdded' && level === 'error' && source !== 'network') errors.push(text);
    if (method === 'Runtime.consoleAPICalled' && params.type === 'error') errors.push('console.error');
  }

  function send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = (last += 1);
    socket.send(JSON.stringify({ id, method, params }));
    return new Promise((done, fail) => waiting.set(id, { done, fail }));
  }

  async function value<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = (await send('Runtime.evaluate', {
      expression,
      returnByValue: true,
      awaitPromise: true,
    })) as { result: { value: T }; exceptionDetails?: { text: string } };
    assert.equal(exceptionDetails, undefined, `${expression.slice(0, 80)}: ${JSON.stringify(exceptionDetails)}`);
    return result.value;
  }

  const title = (): Promise<string> => value<string>(`document.readyState === 'complete' ? document.title : ''`);

  async function arrivesAt(start: string): Promise<void> {
    for (let tries = 0; tries < TRIES; tries += 1) {
      // Between two pages there is none to ask.
      if ((await title().catch(() => '')).startsWith(start)) return;
      await setTimeout(STEP_MS);
    }
    const text = await value<string>('document.body.innerText');
    assert.fail(`${await title()} is not ${start}: ${text.slice(0, 600)}`);
  }

  const press = async (key: string, code: number, text?: string): Promise<void> => {
    const event = { key, code: key, windowsVirtualKeyCode: code, ...(text === undefined ? {} : { text }) };
    await send('Input.dispatchKeyEvent', { type: text === undefined ? 'rawKeyDown' : 'keyDown', ...event });
    await send('Input.dispatchKeyEvent', { type: 'keyUp', key, code: key, windowsVirtualKeyCode: code });
  };

  for (const domain of ['Page', 'Runtime', 'Log', 'WebAuthn']) await send(`${domain}.enable`);
  const { authenticatorId } = await send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
      ...{ isUserVerified: true, automaticPresenceSimulation: true },
    },
  });

  const it: ChromiumPage = {
    errors,
    authenticator: authenticatorId as string,
    send,
    value,
    title,
    arrivesAt,
    async open(url) {
      await send('Page.navigate', { url });
    },
    async tabTo(name) {
      for (let tabs = 0; tabs < MAX_TABS; tabs += 1) {
        if ((await value<string>(FOCUSED)) === name) return;
        await press('Tab', 9);
      }
      assert.fail(`the keyboard does not reach ${name} on ${await title()}`);
    },
    async unfold(name) {
      await it.tabTo(name);
      await press('Enter', 13, '\r');
    },
    type: async (text) => void (await send('Input.insertText', { text })),
    async enter(start) {
      await value(`document.documentElement.dataset.before = '1'`);
      await press('Enter', 13, '\r');
      for (let tries = 0; tries < TRIES; tries += 1) {
        const isNew = await value<boolean>('document.documentElement.dataset.before !== "1"').catch(() => false);
        if (isNew) return arrivesAt(start);
        await setTimeout(STEP_MS);
      }
      assert.fail(`nothing comes of Enter on ${await title()}`);
    },
    async judge(name) {
      const { data } = await send('Page.captureScreenshot', { format: 'png', captureBeyondViewport: true });
      writeFileSync(join(pictures, `${name}.png`), Buffer.from(data as string, 'base64'));
      await value(`${AXE}; undefined`);
      const found = await value<{ id: string; help: string; nodes: { html: string }[] }[]>(
        `axe.run(document, { runOnly: ${JSON.stringify(TAGS)} }).then(({ violations }) => violations)`,
      );
      assert.deepEqual(
        found.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`),
        [],
        name,
      );
      assert.deepEqual(errors, [], name);
    },
    async [Symbol.asyncDispose]() {
      socket.close();
      const isOver = new Promise((resolve) => child.once('exit', resolve));
      child.kill();
      await isOver;
      rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  return it;
}

interface Params {
  readonly exceptionDetails?: { readonly text: string };
  readonly entry?: { readonly level: string; readonly source: string; readonly text: string };
  readonly type?: string;
}

interface Message {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
  readonly method?: string;
  readonly params?: Params;
}

/** Where it listens, which it says at its start. */
function devToolsOf(child: ChildProcess): Promise<string> {
  let said = '';
  return new Promise((resolve, reject) => {
    child.stderr?.on('data', (part: Buffer) => {
      said += part.toString();
      const [, url] = /DevTools listening on (ws:\S+)/.exec(said) ?? [];
      if (url !== undefined) resolve(url);
    });
    child.once('exit', () => reject(new Error(`Chromium has ended: ${said.slice(-400)}`)));
  });
}
