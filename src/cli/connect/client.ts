import type { Scope } from '../../kernel/scope.ts';

/** What settings are written from. */
export interface Endpoint {
  /** `listen.publicUrl`, without trailing slash. */
  readonly origin: string;
  /** A model that the key may use. */
  readonly model: string;
  /** Its context length in tokens, where a running gateway knows it: agents assume one else, and sum up too late. */
  readonly contextTokens: number | undefined;
  /** The certificate to trust where it is a CA of our own. */
  readonly caFile: string | undefined;
}

/** How a client is told of the gateway. The key's value never stands here: `$SALLYPORT_API_KEY` does. */
export interface ClientSettings {
  /** Environment variables, in the order in which they are exported. */
  readonly env: Readonly<Record<string, string>>;
  /** Files to write, by their usual places. */
  readonly files: readonly { readonly path: string; readonly text: string }[];
  /** A program or command that uses it, or undefined where the client is started by hand. */
  readonly example: string | undefined;
  /** The example's program in JavaScript (a module), where the SDK has both languages; `example` is in Python then. */
  readonly javascript?: string;
  /** What else a person has to know or click. */
  readonly notes: readonly string[];
}

/** A program that speaks to the gateway. */
export interface Client {
  readonly name: string;
  /** What it needs of its key. */
  readonly scope: Scope;
  settings(to: Endpoint): ClientSettings;
}

/** In place of the value of a key, which is shown once and never again. */
export const KEY = '$SALLYPORT_API_KEY';

/** Names by which runtimes are told of one more CA. */
export const trustBy = (name: string, { caFile }: Endpoint): Record<string, string> =>
  caFile === undefined ? {} : { [name]: caFile };

/** A text as TOML and JSON quote it alike. */
export const quoted = (text: string): string => JSON.stringify(text);
