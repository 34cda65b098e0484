/** The tables as SQLite holds them: lists are JSON, times are milliseconds since the epoch. */
export interface Tables {
  tenants: {
    id: string;
    models: string | null;
    is_disabled: number;
    created_at_ms: number;
    version: number;
  };
  api_keys: {
    id: string;
    name: string;
    tenant: string;
    digest: Uint8Array;
    previous_digest: Uint8Array | null;
    previous_until_ms: number | null;
    scopes: string;
    models: string | null;
    allow_ip: string;
    limits: string;
    grants: string;
    caps: string;
    on_behalf_of: string | null;
    is_imported: number;
    created_at_ms: number;
    expires_at_ms: number | null;
    state: string;
    version: number;
  };
  revocations: {
    id: string;
    at_ms: number;
    is_exact: number;
    until_ms: number | null;
    version: number;
  };
  last_uses: {
    api_key: string;
    at_ms: number;
  };
}
