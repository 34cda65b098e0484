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
  CREATE TABLE revocations (
    id TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    is_exact INTEGER NOT NULL,
    until_ms INTEGER,
    version INTEGER NOT NULL
  ) STRICT;
  `,
];
