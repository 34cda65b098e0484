import type { Conditions } from '../directory/records.ts';
import type { Principal } from '../kernel/exchange.ts';
import type { Scope } from '../kernel/scope.ts';

/** What a policy judges. */
export interface Situation {
  readonly principal: Principal;
  /** Of the caller: the TCP peer, or what a trusted proxy says. */
  readonly address: string;
  /** The scope that what is asked for needs. */
  readonly scope: Scope;
  /** As upstream serves it; undefined where what is asked for is about no model, or not yet. */
  readonly model: string | undefined;
  /** Other names of that model, by which callers may ask for it as well. */
  readonly aliases?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/** Whether a condition holds; undefined where the credential does not say, and no policy may take that for its good. */
export type Holds = (situation: Situation) => boolean | undefined;

/** One kind of condition, one file of `conditions/` each. */
export interface ConditionKind<Name extends keyof Conditions> {
  /** Its field in a policy. */
  readonly name: Name;
  /** What it says, for the description of the admin API. */
  readonly about: string;
  /** Whether it is a list of texts, one of which must fit; else it is one text. */
  readonly isList: NonNullable<Conditions[Name]> extends string ? false : true;
  /** What a text must be, for whoever has given another one. */
  readonly hint: string;
  readonly accepts: (text: string) => boolean;
  /** Made once, asked for each request. */
  compile(value: NonNullable<Conditions[Name]>): Holds;
  /** What a person is told who does not meet it. */
  wants(value: NonNullable<Conditions[Name]>): string;
}
