/**
 * Forward-only steps of the schema, each in one transaction; `user_version` counts those that were taken.
 * A step that has been released is never changed.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE tenants (
    id TEXT PRIMARY KEY,
    models TEXT,
    is_disabled INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    version INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE api_keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    tenant TEXT NOT NULL REFERENCES tenants (id),
    digest BLOB NOT NULL,
    previous_digest BLOB,
    previous_until_ms INTEGER,
    scopes TEXT NOT NULL,
    models TEXT,
    allow_ip TEXT NOT NULL,
    limits TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    expires_at_ms INTEGER,
    state TEXT NOT NULL,
    version INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE last_uses (
    api_key TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL
  ) STRICT;
  `,
  `
  ALTER TABLE api_keys ADD COLUMN grants TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE api_keys ADD COLUMN caps TEXT NOT NULL DEFAULT '{}';
  `,
  `
  ALTER TABLE api_keys ADD COLUMN on_behalf_of TEXT;
  ALTER TABLE api_keys ADD COLUMN is_imported INTEGER NOT NULL DEFAULT 0;
  `,
  `
  CREATE TABLE clients (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    tenant TEXT NOT NULL REFERENCES tenants (id),
    grants TEXT NOT NULL,
    scopes TEXT NOT NULL,
    models TEXT,
    redirect_uris TEXT NOT NULL,
    auth_method TEXT NOT NULL,
    secret_digest BLOB,
    previous_digest BLOB,
    previous_until_ms INTEGER,
    jwks TEXT,
    certificate_name TEXT,
    limits TEXT NOT NULL,
    access_token_ttl_ms INTEGER,
    is_dpop_required INTEGER NOT NULL,
    is_par_required INTEGER NOT NULL,
    created_at_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name_digest BLOB NOT NULL UNIQUE,
    tenant TEXT NOT NULL REFERENCES tenants (id),
    scopes TEXT NOT NULL,
    models TEXT,
    groups TEXT NOT NULL,
    sealed TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    last_sign_in_at_ms INTEGER,
    state TEXT NOT NULL,
    version INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE artifacts (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    payload TEXT NOT NULL,
    grant_id TEXT,
    uid TEXT,
    user_code TEXT,
    account TEXT,
    client TEXT,
    created_at_ms INTEGER NOT NULL,
    consumed_at_ms INTEGER,
    expires_at_ms INTEGER,
    PRIMARY KEY (kind, id)
  ) STRICT;
  CREATE INDEX artifacts_by_grant ON artifacts (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX artifacts_by_uid ON artifacts (kind, uid) WHERE uid IS NOT NULL;
  CREATE INDEX artifacts_by_user_code ON artifacts (kind, user_code) WHERE user_code IS NOT NULL;
  CREATE INDEX artifacts_by_expiry ON artifacts (expires_at_ms) WHERE expires_at_ms IS NOT NULL;
  CREATE TABLE token_uses (
    issuer TEXT NOT NULL,
    client TEXT NOT NULL,
    subject TEXT NOT NULL,
    last_issued_at_ms INTEGER,
    last_used_at_ms INTEGER NOT NULL,
    count INTEGER NOT NULL,
    networks TEXT NOT NULL,
    PRIMARY KEY (issuer, client, subject)
  ) STRICT;
  CREATE TABLE revocations (
    id TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    is_exact INTEGER NOT NULL,
    until_ms INTEGER,
    version INTEGER NOT NULL
  ) STRICT;
  `,
  `
  ALTER TABLE api_keys ADD COLUMN owner TEXT;
  ALTER TABLE api_keys ADD COLUMN roles TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE api_keys ADD COLUMN groups TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE clients ADD COLUMN groups TEXT NOT NULL DEFAULT '[]';
  CREATE TABLE roles (
    id TEXT PRIMARY KEY,
    content TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE "groups" (
    id TEXT PRIMARY KEY,
    content TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE policies (
    id TEXT PRIMARY KEY,
    content TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE permission_uses (
    holder TEXT NOT NULL,
    permission TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    PRIMARY KEY (holder, permission)
  ) STRICT;
  `,
  `
  ALTER TABLE tenants ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
  ALTER TABLE tenants ADD COLUMN pool TEXT NOT NULL DEFAULT '{}';
  `,
  `
  CREATE TABLE budgets (
    hi INTEGER NOT NULL,
    lo INTEGER NOT NULL,
    window_start_ms INTEGER NOT NULL,
    window_end_ms INTEGER NOT NULL,
    used REAL NOT NULL,
    PRIMARY KEY (hi, lo)
  ) STRICT;
  CREATE TABLE usage (
    day TEXT NOT NULL,
    tenant TEXT NOT NULL,
    holder TEXT NOT NULL,
    model TEXT NOT NULL,
    requests INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL,
    cached_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL,
    cost INTEGER NOT NULL,
    PRIMARY KEY (day, tenant, holder, model)
  ) STRICT;
  `,
  `
  ALTER TABLE tenants ADD COLUMN allow_ip TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE tenants ADD COLUMN deny_ip TEXT NOT NULL DEFAULT '[]';
  ALTER TABLE api_keys ADD COLUMN deny_ip TEXT NOT NULL DEFAULT '[]';
  CREATE TABLE bans (
    network TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    number INTEGER NOT NULL,
    started_at_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE quarantines (
    id TEXT PRIMARY KEY,
    rule TEXT NOT NULL,
    why TEXT NOT NULL,
    held_at_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE seen_budgets (
    id TEXT PRIMARY KEY,
    window_start_ms INTEGER NOT NULL,
    window_end_ms INTEGER NOT NULL,
    used REAL NOT NULL
  ) STRICT;
  CREATE TABLE thread_journals (
    row INTEGER PRIMARY KEY,
    content TEXT NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE silences (
    id TEXT PRIMARY KEY,
    content TEXT NOT NULL,
    created_at_ms INTEGER NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL
  ) STRICT;
  `,
  `
  CREATE TABLE shared_holds (
    id TEXT PRIMARY KEY,
    record_version INTEGER NOT NULL,
    version INTEGER NOT NULL,
    seen INTEGER NOT NULL
  ) STRICT;
  `,
  `
  ALTER TABLE quarantines ADD COLUMN tenant TEXT;
  `,
];
