/** Who has to do it: the gateway as resource server, our authorization server, or both. */
export type Side = 'RS' | 'AS';

/** One requirement of the OAuth family, in our words. Which tests prove it is found by their titles. */
export interface Requirement {
  /** Area and number: tests carry it at the beginning of their titles. */
  readonly id: string;
  readonly level: 'must' | 'should';
  /** A test of each is wanted. */
  readonly sides: readonly Side[];
  readonly text: string;
  /** Where it comes from. */
  readonly source: string;
  /** Why it is not done; then no test is wanted. */
  readonly declined?: string;
  /** Where the contract or we read it otherwise. */
  readonly note?: string;
}

/** The areas, in the order of the page. */
export const AREAS: Readonly<Record<string, string>> = {
  MD: 'Metadata',
  AZ: 'Authorization endpoint',
  TK: 'Token endpoint and grants',
  RT: 'Refresh tokens',
  CA: 'Client authentication',
  IN: 'Introspection',
  RV: 'Revocation',
  DV: 'Device grant',
  DC: 'Dynamic registration',
  JW: 'JWT access tokens',
  BR: 'Bearer tokens, and duties of a proxy',
  DP: 'DPoP',
  MT: 'Mutual TLS',
  PA: 'Pushed authorization requests',
  SU: 'Step-up authentication',
  SL: 'Token status lists',
  FP: 'FAPI 2.0',
  AU: 'Findings of reviews',
};

const BY_ISSUE = 'Declined by the issue: not built, and nothing in its place pretends to it.';
const BY_RECORDS = 'Belongs to the records: reviews of configuration and token use find it.';

type More = Pick<Requirement, 'declined' | 'note'>;
const row =
  (level: Requirement['level'], sides: readonly Side[]) =>
  (id: string, source: string, text: string, more: More = {}): Requirement => ({
    id,
    level,
    sides,
    text,
    source,
    ...more,
  });
const rs = row('must', ['RS']);
const as = row('must', ['AS']);
const both = row('must', ['RS', 'AS']);
const rsShould = row('should', ['RS']);
const asShould = row('should', ['AS']);
const bothShould = row('should', ['RS', 'AS']);

/** All requirements. */
export const REQUIREMENTS: readonly Requirement[] = [
  as(
    'MD-01',
    'RFC 8414 §3',
    'Metadata of our server stands at the well-known name before the path of the issuer; its `issuer` is ours to the letter.',
  ),
  as('MD-02', 'RFC 8414 §2', 'An issuer is an https URL without query and fragment.', {
    note: 'Plain http on loopback, as everywhere.',
  }),
  rs(
    'MD-03',
    'RFC 8414 §3.3',
    'Metadata of an issuer counts only where it names the very issuer that it was asked for.',
  ),
  as('MD-04', 'RFC 9700 §2.1.1', 'Metadata offers PKCE by S256, never `plain`.'),
  as(
    'MD-05',
    'RFC 9700 §2.1.2, §2.4',
    'Metadata lists the grants and response types that are on; implicit and password are not.',
  ),
  as('MD-06', 'RFC 9207 §3', 'Metadata says that answers to authorization requests carry `iss`.'),
  rs(
    'MD-07',
    'RFC 9728 §2, §3',
    'The gateway describes itself as a protected resource, by its own address, and takes tokens in the header alone.',
  ),
  rs('MD-08', 'RFC 9728 §4', 'Issuers and gateway name each other in their metadata.', { declined: BY_RECORDS }),
  rs(
    'MD-09',
    'RFC 8725bis §3.1',
    'A key set is fetched by https; only public keys for signatures are taken from it, each for its one algorithm.',
  ),

  as(
    'AZ-01',
    'RFC 9700 §2.1',
    'A redirect URI is compared as it stands; of a loopback address alone the port may differ.',
  ),
  as(
    'AZ-02',
    'RFC 9700 §2.6, RFC 8252',
    'Redirect URIs are https, loopback http or a reversed domain name as scheme; no wildcards, no `javascript:`.',
  ),
  as('AZ-03', 'RFC 9700 §4.11.2', 'An unknown client or redirect URI ends on a page of ours, never in a redirect.'),
  as('AZ-04', 'RFC 9700 §2.1.1', 'PKCE by S256 is needed, of every client.'),
  as('AZ-05', 'RFC 9700 §4.8.2', 'A verifier without a challenge fails like a challenge without its verifier.'),
  as(
    'AZ-06',
    'RFC 6749 §4.1.2, RFC 9449 §10',
    'A code is good once, for its client, redirect URI, challenge and key; a second use ends what came of the first.',
  ),
  as('AZ-07', 'FAPI 2.0 §5.3.2.1', 'A code lives for a minute at most.'),
  as('AZ-08', 'RFC 9207 §2', 'Answers say by `iss` whose they are, errors as well.'),
  as('AZ-09', 'RFC 9700 §4.12', 'After a form with a secret the way goes on by 303.'),
  as('AZ-10', 'RFC 9700 §2.6', 'No other origin may read the authorization endpoint.'),
  as(
    'AZ-11',
    'RFC 9700 §4.2.4, §4.16',
    'Pages of sign-in and consent cannot be framed, and tell no other site where they were.',
  ),
  as('AZ-12', 'RFC 6749 §3.1', 'A parameter that comes twice is refused, an unknown one is ignored.'),
  as(
    'AZ-13',
    'RFC 9700 §2.1.2, §2.4',
    'No access token ever travels through the browser, and there is no password grant.',
  ),
  as(
    'AZ-14',
    'OAuth 2.1 draft 16',
    'Consent names the client, where it leads, and what it gets; no is as near as yes.',
  ),
  as('AZ-15', 'RFC 9700 §4.15', 'No client can be taken for a person.'),
  as('AZ-16', 'RFC 9700 §2.1.1', 'Clients that send the same challenge or nonce again and again are found.', {
    declined: BY_RECORDS,
  }),

  as('TK-01', 'RFC 6749 §2.3.1, §3.2', 'The token endpoint takes forms by POST; credentials in the URL are refused.'),
  as('TK-02', 'RFC 6749 §5.1', 'Answers with tokens are stored nowhere on their way.'),
  as(
    'TK-03',
    'RFC 6749 §5.2',
    'Errors have the codes of the RFC; a client that failed by header gets 401 with a challenge.',
  ),
  as('TK-04', 'RFC 6749 §10.10', 'What is guessed at has 128 bits or more.'),
  as('TK-05', 'RFC 9700 §2.3, §4.10', 'Access tokens live for minutes and are made out to one audience.'),
  as(
    'TK-06',
    'RFC 6749 §4.4.3',
    'Client credentials bring no refresh token, and no scope that was not given to the client.',
  ),
  as('TK-07', 'RFC 8707 §2', 'A foreign or malformed `resource` is `invalid_target`; `aud` is what was granted.'),
  as(
    'TK-08',
    'RFC 6749 §5',
    'A grant that the client does not have is `unauthorized_client`; scopes that differ from the wish are named.',
  ),
  as('TK-09', 'RFC 6749 §10.10', 'Guessing at client secrets is slowed, and tells nothing of which clients exist.'),

  as('RT-01', 'RFC 9700 §4.14.2', 'Refresh tokens go only to clients that may have them.', {
    note: 'Contract: the two grants with a person come with them, without `offline_access`.',
  }),
  as('RT-02', 'RFC 9700 §4.14.2', 'A refresh may take less than was agreed to, never more, and only by its client.'),
  as('RT-03', 'RFC 9700 §2.2.2', 'Refresh tokens of public clients are used once, or bound to a key.'),
  as('RT-04', 'RFC 9700 §4.14.2', 'A refresh token that comes again ends its whole family, and is a security event.'),
  asShould('RT-05', 'Ours', 'Of any number of refreshes at the same moment one successor is good.'),
  as('RT-06', 'RFC 9700 §4.14.2', 'A refresh token ends by disuse, and at last in any case.'),
  as(
    'RT-07',
    'RFC 9700 §4.14.2',
    'Signing out, a new password, a disabled account or a deleted client end refresh tokens.',
  ),
  asShould('RT-08', 'Ours', 'Refresh tokens are stored as hashes, compared in constant time.'),
  asShould(
    'RT-09',
    'Ours',
    'The grace for an honest double click is 30 s at most, gives the same answer to the same client, and is logged.',
  ),

  as('CA-01', 'RFC 9700 §2.5', 'A client authenticates by the one method that it has.'),
  asShould('CA-02', 'RFC 9700 §2.5', 'Keys and certificates are offered before shared secrets.'),
  asShould('CA-03', 'Ours', 'Client secrets are made by us, shown once, stored as hashes, and rotate with an overlap.'),
  as(
    'CA-04',
    'FAPI 2.0 §5.3.2.1',
    'A client assertion is of its client, for our issuer alone, short-lived, and good once.',
  ),
  as(
    'CA-05',
    'RFC 8725bis §3.1, §3.10',
    'Keys of client assertions are those that are registered, whatever its header brings along.',
  ),
  both(
    'CA-06',
    'RFC 9728 §7, RFC 8725bis §3.10',
    'Addresses that others name lead to no inner network; what is fetched there is bounded in size and time, and redirects are not followed.',
  ),
  as(
    'CA-07',
    'RFC 8705 §2',
    'A client certificate is matched by the one name or the very certificate that is registered.',
  ),
  as('CA-08', 'RFC 9700 §2.1', 'Clients without authentication have PKCE or the device grant, and nothing else.'),

  as('IN-01', 'RFC 7662 §2.1', 'Who asks about tokens authenticates.'),
  as(
    'IN-02',
    'RFC 7662 §2.2',
    'Of a token that is unknown, over, revoked or foreign one learns that it is not active, and no more.',
  ),
  as('IN-03', 'RFC 7662 §4', 'A token is active only to its audience and its own client.'),
  as(
    'IN-04',
    'RFC 7662 §2.2, RFC 9449, RFC 8705, RFC 9470',
    'An active token is described by all that its resource must check.',
  ),
  rs(
    'IN-05',
    'RFC 7662 §2.2',
    'The literal `true` alone is active; issuer, audience, time, scopes and binding are still judged here.',
  ),
  rs(
    'IN-06',
    'RFC 7662 §4',
    'An answer is remembered by the hash of its token, for a stated time and never beyond its end; bad ones as well, within bounds.',
  ),
  rsShould('IN-07', 'Ours', 'An issuer that cannot be asked is 503; what it said before counts no longer than stated.'),
  rs('IN-08', 'RFC 9701', 'Signed answers are verified where they were asked for.', {
    declined: 'No option asks for signed answers; an answer that is no JSON object is refused (JW-16).',
  }),

  as('RV-01', 'RFC 7009 §2.1', 'Who revokes a token authenticates, and it is theirs.'),
  as('RV-02', 'RFC 7009 §2.2', 'Revoking what nobody knows is a success.'),
  as('RV-03', 'RFC 7009 §2.1', 'With a refresh token its grant ends, and the access tokens of it.'),
  bothShould('RV-04', 'Ours', 'What was revoked is refused from the next request on, by every worker.'),

  as('DV-01', 'RFC 8628 §5.1', 'User codes cannot be guessed: few tries for each, and few for all.'),
  as('DV-02', 'RFC 8628 §5.2', 'A device code has 128 bits, is good once, and lives for minutes.'),
  as('DV-03', 'RFC 8628 §3.5', 'Who asks faster than `interval` is told to slow down, and has to.'),
  as(
    'DV-04',
    'RFC 8628 §3.3.1, §5.4',
    'The page names client, scopes and where the device is, and has the code compared.',
  ),
  as('DV-05', 'RFC 10027', 'Only clients with the grant by name may use it.'),
  asShould('DV-06', 'RFC 10027', 'Device clients get less, for shorter.', {
    declined:
      'A client says itself what it is for: its scopes, models and lifetime are ceilings of its own, whatever its grants.',
  }),
  as('DV-07', 'RFC 10027', 'A code that several people are shown is found.', { declined: BY_RECORDS }),
  as('DV-08', 'RFC 8628 §3.5', 'Polling is answered by the four codes of the RFC.'),

  as('DC-01', 'RFC 7591 §3, §5', 'Registering needs an initial access token.', { declined: BY_ISSUE }),
  as('DC-02', 'RFC 7591 §2', 'Metadata of a client that registers is judged.', { declined: BY_ISSUE }),
  as('DC-03', 'RFC 7591 §5', 'Clients that registered themselves start with little.', { declined: BY_ISSUE }),
  as('DC-04', 'RFC 7592 §3', 'Registration tokens reach their own record alone.', { declined: BY_ISSUE }),
  asShould('DC-05', 'Ours', 'Registered clients that nobody uses end.', { declined: BY_ISSUE }),

  rs(
    'JW-01',
    'RFC 8725bis §3.14',
    'A token has three parts of base64url with dots between them, in one spelling, and is not too long; nothing else is one.',
  ),
  rs(
    'JW-02',
    'RFC 8725bis §3.1, §3.2',
    'The algorithm is one of those that the issuer may use, in its very letters; `none` is never among them.',
  ),
  rs('JW-03', 'RFC 8725bis §2.1', 'No key of a key set is ever used for HMAC; type and curve fit the algorithm.'),
  rs(
    'JW-04',
    'RFC 8725bis §3.10',
    'Keys are those of the configured issuer, whatever the header brings along or points to.',
  ),
  rs('JW-05', 'RFC 8725bis §3.10', 'A key id is a bounded text that is compared, and no more.'),
  rs('JW-06', 'RFC 9068 §4', 'The type of access tokens is asked for; what else an issuer may write is its own rule.', {
    note: 'Contract: `JWT` is accepted beside `at+jwt` unless `acceptedTypes` says otherwise; most identity providers still write it.',
  }),
  rs(
    'JW-07',
    'RFC 8725bis §3.12, RFC 9068 §5',
    'ID tokens, logout tokens, proofs and all other kinds are no access tokens.',
  ),
  rs('JW-08', 'RFC 8725bis §3.8', 'The issuer is one of the configured ones to the letter, and the key is its own.'),
  rs('JW-09', 'RFC 9068 §4, RFC 9700 §2.3', 'The gateway is among the audiences.'),
  rs('JW-10', 'RFC 9068 §4', 'A token has an end, and it counts; the tolerance is bounded.'),
  rs('JW-11', 'FAPI 2.0 §5.3.2.1', 'A token from the future is refused, beyond the tolerance.', {
    note: 'Contract: `clockTolerance`, 5 s unless configured, a minute at most.',
  }),
  rs('JW-12', 'RFC 9068 §2.2', 'Claims that name somebody are texts that may go into a log.', {
    note: 'Contract: `iss`, `aud`, `exp` and `sub` are needed; `jti`, `iat` and `client_id` are judged where they are there.',
  }),
  rs('JW-13', 'RFC 7515 §4.1.11', 'An extension that must be understood is refused, for we know none.'),
  rs('JW-14', 'RFC 8725bis §3.13, §3.15', 'Encrypted tokens are refused, before any work.'),
  rs(
    'JW-15',
    'RFC 8725bis §3.4',
    'RSA keys have 2048 bits or more, curves are listed ones, and signatures outside their range are none.',
  ),
  rsShould(
    'JW-16',
    'Ours',
    'Key sets are fetched by https, within bounds, one question at a time, seldom for unknown key ids, and count for a stated time while the issuer fails.',
  ),
  rsShould(
    'JW-17',
    'Ours',
    'A key that its issuer takes back ends within the age of the key set; key ids of two issuers have nothing in common.',
  ),
  rs('JW-18', 'RFC 9700 §2.3', 'Scope and model are judged for every request.'),
  rsShould(
    'JW-19',
    'Ours',
    'What was found good is known by its hash until its end, a revocation, or the end of its key.',
  ),
  rsShould('JW-20', 'Ours', 'No token is in a log; a hash stands for it.'),

  rs('BR-01', 'RFC 9700 §4.3.2', 'Tokens are read from headers alone, never from a query or a form.'),
  rs('BR-02', 'RFC 6750 §3.1, RFC 9449 §7.2', 'Two credentials, or one header twice, are refused with 400.', {
    note: 'Contract: the code is `ambiguous_credential`; the same value in both headers is one.',
  }),
  rs('BR-03', 'RFC 6750 §3.1', 'Who shows nothing gets a challenge without an error.'),
  rs(
    'BR-04',
    'RFC 6750 §3.1',
    'A bad token is 401 `invalid_token`, one with too little 403 `insufficient_scope`, each with its challenge.',
  ),
  rs('BR-05', 'OAuth 2.1 draft 16', 'Names of schemes have no case.'),
  rs('BR-06', 'RFC 9700 §4.9', 'The credential of the caller does not go upstream.'),
  rs('BR-07', 'RFC 9700 §4.13', 'What a caller says of its own address or certificate is not believed.'),
  rs('BR-08', 'RFC 9700 §4.13', 'The way to vLLM is encrypted, or on this machine.', {
    note: 'Contract: plain http elsewhere only with `plaintext: accepted` beside it.',
  }),
  rs('BR-09', 'RFC 9111 §3.5', 'Answers are stored nowhere on their way.'),

  both(
    'DP-01',
    'RFC 9449 §4.3',
    'A request has exactly one proof, a JWT of bounded length with all that a proof needs.',
  ),
  both('DP-02', 'RFC 9449 §4.3', 'Its type is that of a proof, its algorithm asymmetric and listed, its key public.'),
  both(
    'DP-03',
    'RFC 9449 §4.3',
    'It is for this method and this address, as callers know it, whatever the Host header says.',
  ),
  both('DP-04', 'RFC 9449 §11.1', 'It is of the last minute, or carries a nonce of ours.'),
  both('DP-05', 'RFC 9449 §11.1', 'It is good once, over all workers.'),
  rs('DP-06', 'RFC 9449 §4.3', 'It is for the very token that it comes with.'),
  rs('DP-07', 'RFC 9449 §6', 'It is by the key that the token is bound to.'),
  rs(
    'DP-08',
    'RFC 9449 §7.2',
    'A bound token without proof is refused, and so is a proof beside one that is not bound.',
  ),
  rs('DP-09', 'RFC 9449 §7.1', 'The challenge lists the algorithms.'),
  both('DP-10', 'RFC 9449 §8, §9', 'A nonce that is wanted comes with the refusal, cannot be guessed, and ends soon.'),
  as('DP-11', 'RFC 9449 §10', 'A code can be bound to a key.'),
  as('DP-12', 'RFC 9449 §5', 'Refresh tokens of public clients with a key are bound to it.'),
  rsShould('DP-13', 'Ours', 'A proof that cannot be remembered is refused.'),

  rs(
    'MT-01',
    'RFC 8705 §3',
    'A token that is bound to a certificate works on a connection with that very certificate alone.',
  ),
  rs('MT-02', 'RFC 8705 §3, RFC 9440', 'The certificate is that of the connection.', {
    note: 'No header with a certificate is believed, from nobody.',
  }),
  as('MT-03', 'RFC 8705 §3.3, §5', 'Metadata says that tokens can be bound to certificates.'),
  rsShould(
    'MT-04',
    'Ours',
    'A certificate stands for a caller by a name that was written down, of the right kind, from the configured CA, while it is valid.',
  ),
  rsShould('MT-05', 'Ours', 'A resumed session has the certificate that it began with.'),

  as('PA-01', 'RFC 9126 §2', 'Pushing a request needs the client, and judges it whole.'),
  as(
    'PA-02',
    'RFC 9126 §2.1, §2.2',
    'The address of a pushed request is random, good once, for its client, for minutes.',
  ),
  as('PA-03', 'RFC 9126 §5, §6', 'Clients that must push can do nothing else.'),

  rs('SU-01', 'RFC 9470 §3', 'Authentication that is too weak or too old is said, with what is wanted.'),
  both('SU-02', 'RFC 9470 §6', 'How and when somebody signed in is in the token, and judged where a rule asks for it.'),
  as('SU-03', 'RFC 9470 §5', 'A wish for stronger or newer authentication is met, or said to be unmet.'),

  rs('SL-01', 'Token Status List', 'A status is looked up for valid tokens only.', { declined: BY_ISSUE }),
  rs('SL-02', 'Token Status List', 'A status list is a signed token of its own kind, of bounded size.', {
    declined: BY_ISSUE,
  }),
  rs('SL-03', 'Token Status List', 'A place outside the list refuses the token.', { declined: BY_ISSUE }),
  as('SL-04', 'Token Status List', 'Places in a list are random, and given once.', { declined: BY_ISSUE }),

  both('FP-01', 'FAPI 2.0 §5.3.2.1', 'Only clients with a key or certificate.', { declined: BY_ISSUE }),
  both('FP-02', 'FAPI 2.0 §5.3.2.1', 'Only bound tokens.', { declined: BY_ISSUE }),
  as('FP-03', 'FAPI 2.0 §5.3.2.2', 'Only pushed requests for a code, with PKCE.', { declined: BY_ISSUE }),
  both('FP-04', 'FAPI 2.0 §5.4', 'Only PS256, ES256 and EdDSA.', { declined: BY_ISSUE }),
  as('FP-05', 'FAPI 2.0 §5.3.2.1', 'Refresh tokens that do not rotate.', { declined: BY_ISSUE }),
  rs('FP-06', 'FAPI 2.0 §5.3.4', 'Each request is judged anew.', { declined: BY_ISSUE }),
  both('FP-07', 'FAPI 2.0 §5.2', 'TLS by BCP 195 everywhere.', { declined: BY_ISSUE }),

  rs('AU-01', 'RFC 9700 §2.3', 'Scopes that were granted and never used.', { declined: BY_RECORDS }),
  rs('AU-02', 'RFC 9700 §2.3', 'Lifetimes of tokens above the policy.', { declined: BY_RECORDS }),
  rs('AU-03', 'Ours', 'One token or key from places that cannot be one caller.', { declined: BY_RECORDS }),
  rs('AU-04', 'Ours', 'Use after revocation or end.', { declined: BY_RECORDS }),
  rs('AU-05', 'Ours', 'Bare tokens of clients that could bind them.', { declined: BY_RECORDS }),
  rs('AU-06', 'Ours', 'Keys and secrets that never rotate.', { declined: BY_RECORDS }),
  rs('AU-07', 'Ours', 'Clients that fetch a token for each request.', { declined: BY_RECORDS }),
  rs('AU-08', 'Ours', 'Clients and grants that belong to nobody any more.', { declined: BY_RECORDS }),
  rs('AU-09', 'Ours', 'Issuers whose clock is off.', { declined: BY_RECORDS }),
  rs('AU-10', 'Ours', 'Metadata of every issuer, checked and kept.', { declined: BY_RECORDS }),
];
