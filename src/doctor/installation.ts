import type { PatchRow } from '../vllm/patches/patch.ts';
import type { Advisory } from '../vllm/advisories/advisory.ts';
import type { Release } from '../vllm/release.ts';
import type { Finding } from '../kernel/finding.ts';

/** An upstream as the configuration has it. */
export interface InstalledUpstream {
  readonly name: string;
  /** `http://HOST:PORT`, `https://HOST:PORT` or `unix:/PATH`. */
  readonly url: string;
  /** What `vllmVersion` says; undefined: it is asked. */
  readonly version: string | undefined;
  /** The patches that are on where it runs a release; undefined: an unknown one. */
  readonly patchesFor: (release: Release | undefined) => readonly PatchRow[];
}

/** What is looked at: the configuration's part in it. */
export interface Installation {
  readonly upstreams: readonly InstalledUpstream[];
  readonly listen: { readonly host: string; readonly port: number };
  readonly tls: 'self-signed' | 'files' | 'acme' | 'off';
  readonly publicUrl: string | undefined;
  /** Certificate of the gateway's own CA, PEM; undefined where it has made none. */
  readonly ownCaPem: string | undefined;
  readonly trustedProxies: readonly string[];
  /** Files and folders that only this user may read. */
  readonly privateFiles: readonly string[];
  readonly rootKey: {
    /** `keyring.rootKey`. */
    readonly source: string;
    /** Its file is, or will be, one of the state directory. */
    readonly isBesideData: boolean;
    readonly isMade: boolean;
  };
  readonly advisories: readonly Advisory[];
}

/** An answer over HTTP. */
export interface Answer {
  readonly status: number;
  /** The `Date` header, milliseconds since the epoch; undefined without one. */
  readonly dateMs: number | undefined;
  readonly text: string;
}

/** The certificate that a listener shows. */
export interface ShownCertificate {
  readonly notAfterMs: number;
  /** Whether it is good for this name. */
  covers(host: string): boolean;
  /** Whether this CA, in PEM, issued it. */
  isIssuedBy(caPem: string): boolean;
}

/** Asks the machine and the network; the port behind which all I/O of the checks stands. Nothing here throws. */
export interface Machine {
  nowMs(): number;
  /** Addresses of this machine other than loopback's. */
  addresses(): readonly string[];
  /** Whether something accepts a TCP connection within a second. */
  accepts(host: string, port: number): Promise<boolean>;
  /** The answer of a configured upstream, asked with its key or without; undefined where there is none. */
  askUpstream(index: number, path: string, withKey: boolean): Promise<Answer | undefined>;
  /** The answer to `GET` of any other server, without following anything; undefined where there is none. */
  ask(url: string): Promise<Answer | undefined>;
  /** The certificate of a TLS listener; undefined where there is none. */
  certificate(host: string, port: number): Promise<ShownCertificate | undefined>;
  /** Addresses of a name; empty where it does not resolve. */
  resolve(host: string): Promise<readonly string[]>;
  /** Permission bits and owner of a file; undefined where there is none. */
  facts(file: string): { readonly mode: number; readonly isOwn: boolean } | undefined;
}

/** One thing that the doctor looks at. */
export type Check = (installation: Installation, machine: Machine) => Promise<readonly Finding[]>;
