import type { Connect, Reply } from '../../src/adapters/valkey/connection.ts';

/** One call, as it was made. */
export interface Call {
  readonly op: string;
  readonly session: string;
  /** Keys of counters, behind the four that every call has. */
  readonly keys: readonly string[];
  readonly words: readonly string[];
  answer(reply: Reply): void;
  fail(error: Error): void;
}

/** A server whose answers a test writes. */
export interface ScriptedServer {
  readonly connect: Connect;
  readonly calls: Call[];
  /** Answers at once; undefined leaves a call unanswered. */
  reply: (call: Call) => Reply | undefined;
  /** Breaks the connection that there is. */
  lose(): void;
  connections(): number;
  isReachable: boolean;
}

/** One that lets sessions in and answers nothing else, unless told. */
export function createScriptedServer(): ScriptedServer {
  let lose: () => void = () => undefined;
  let connections = 0;
  const server: ScriptedServer = {
    calls: [],
    isReachable: true,
    reply: joinsOnly,
    lose: () => lose(),
    connections: () => connections,
    connect(onLost) {
      if (!server.isReachable) return Promise.reject(new Error('ECONNREFUSED 10.0.0.1'));
      connections++;
      const open = new Set<(error: Error) => void>();
      lose = () => {
        for (const fail of open) fail(new Error('Socket closed'));
        onLost('closed');
      };
      return Promise.resolve({
        call: (keys, [op = '', session = '', ...words]) =>
          new Promise<Reply>((answer, fail) => {
            open.add(fail);
            const call: Call = { op, session, keys: keys.slice(4), words, answer, fail };
            server.calls.push(call);
            const reply = server.reply(call);
            if (reply !== undefined) answer(reply);
          }),
        close: () => undefined,
      });
    },
  };
  return server;
}

/** What a server with one member says to those that join, and to signs of life. */
export const joinsOnly = ({ op }: Call): Reply | undefined => {
  if (op === 'join') return ['ok', '1', '1', '0', '0', '-1', '0'];
  return op === 'beat' ? ['ok', '1', '1', '0', '1'] : undefined;
};
