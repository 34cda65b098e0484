import { chain, type Forward, type Pipeline, type Stage } from '../kernel/stage.ts';

/** The stages of a request's way, made by the composition root. */
export interface Stages {
  readonly network: Stage<'head', 'peer'>;
  readonly authenticate: Stage<'head' | 'peer', 'principal'>;
  readonly rateLimit: Stage<'peer' | 'principal', 'requestLimits'>;
  readonly route: Stage<'head' | 'principal', 'route'>;
  readonly upgrade: Stage<'head' | 'principal', 'upgrade'>;
  readonly validate: Stage<'head' | 'principal' | 'route', 'request'>;
  readonly authorize: Stage<'principal' | 'route' | 'request', 'model'>;
  readonly conditions: Stage<'peer' | 'principal' | 'route' | 'model'>;
  readonly routeConditions: Stage<'peer' | 'principal' | 'route'>;
  readonly fetchMedia: Stage<'principal' | 'route' | 'request' | 'model', 'sentBody'>;
  readonly meter: Stage<'request' | 'route', 'usage'>;
  readonly tokenLimit: Stage<
    'peer' | 'principal' | 'route' | 'request' | 'model' | 'usage' | 'requestLimits',
    'tokenLimits'
  >;
  readonly sanitize: Stage<'route' | 'request'>;
  readonly forward: Forward<
    'head' | 'principal' | 'route' | 'request' | 'sentBody' | 'model' | 'usage' | 'requestLimits' | 'tokenLimits'
  >;
  readonly relay: Forward<'head' | 'peer' | 'principal' | 'route' | 'upgrade' | 'requestLimits', 'model' | 'usage'>;
  readonly answerModels: Forward<'head' | 'peer' | 'principal' | 'route' | 'requestLimits'>;
  readonly answerUsage: Forward<'head' | 'peer' | 'principal' | 'requestLimits'>;
  readonly answerOAuth: Forward<'head' | 'peer'>;
  readonly answerWellKnown: Forward<'head' | 'peer'>;
  readonly answerPreflight: Forward<'head' | 'peer'>;
}

/** The way of an inference request. Each line says why it stands where it stands. */
export const inference = (s: Stages): Pipeline =>
  chain<'head'>()
    .add(s.network) //      a denied address costs nothing more
    .add(s.authenticate) // nothing below runs for an unknown caller
    .add(s.rateLimit) //    before the body is read: a flood costs no memory
    .add(s.route) //        nobody without the scope makes us read a body
    .add(s.validate) //     the body is read and parsed here, once
    .add(s.authorize) //    needs the model that the body names
    .add(s.conditions) //   some policies are about the model
    .add(s.meter) //        counts what upstream says, before anything is taken from it
    .add(s.tokenLimit) //   needs the output length that validate settled; metered by what was counted
    .add(s.fetchMedia) //   nobody without the model or the tokens makes us fetch; upstream gets what was fetched, never a URL
    .add(s.sanitize) //     looks only at the answer: what vLLM says too much
    .end(s.forward);

/** The way of a request that the gateway answers by itself: the list of models. */
export const models = (s: Stages): Pipeline =>
  chain<'head'>()
    .add(s.network) //         as above
    .add(s.authenticate) //
    .add(s.rateLimit) //
    .add(s.route) //
    .add(s.routeConditions) // policies about models take them from the list
    .end(s.answerModels);

/** The way of a caller that asks how its own limits stand: whatever it may do otherwise. */
export const usage = (s: Stages): Pipeline =>
  chain<'head'>()
    .add(s.network) //      as above
    .add(s.authenticate) //
    .add(s.rateLimit) //
    .end(s.answerUsage);

/** The way of a WebSocket: frames come only once all of it has said yes, and the end of it judges each. */
export const realtime = (s: Stages): Pipeline =>
  chain<'head'>()
    .add(s.network) //      as above
    .add(s.authenticate) //
    .add(s.rateLimit) //    a session holds one of the concurrency as long as it lasts
    .add(s.route) //
    .add(s.routeConditions) // those about models are judged when one is named
    .add(s.upgrade) //      whether the route is there and open is not told by the handshake
    .end(s.relay);

/** The way of the names under `/.well-known/`, which answer without a credential. */
export const wellKnown = (s: Stages): Pipeline => chain<'head'>().add(s.network).end(s.answerWellKnown);

/** The way of what the authorization server answers: its credentials are its own, so only the address is asked about here. */
export const oauth = (s: Stages): Pipeline => chain<'head'>().add(s.network).end(s.answerOAuth);

/** The way of a preflight, which carries no credential: only its address is asked about. */
export const preflight = (s: Stages): Pipeline => chain<'head'>().add(s.network).end(s.answerPreflight);
