/** The tables as SQLite holds them: lists are JSON, times are milliseconds since the epoch. */
export interface Tables {
  tenants: {
    id: string;
    models: string | null;
    limits: string;
    pool: string;
    allow_ip: string;
    deny_ip: string;
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
    deny_ip: string;
    limits: string;
    grants: string;
    caps: string;
    on_behalf_of: string | null;
    owner: string | null;
    roles: string;
    groups: string;
    is_imported: number;
    created_at_ms: number;
    expires_at_ms: number | null;
    state: string;
    version: number;
  };
  clients: {
    id: string;
    name: string;
    tenant: string;
    grants: string;
    scopes: string;
    models: string | null;
    groups: string;
    redirect_uris: string;
    auth_method: string;
    secret_digest: Uint8Array | null;
    previous_digest: Uint8Array | null;
    previous_until_ms: number | null;
    jwks: string | null;
    certificate_name: string | null;
    limits: string;
    access_token_ttl_ms: number | null;
    is_dpop_required: number;
    is_par_required: number;
    created_at_ms: number;
    state: string;
    version: number;
  };
  users: {
    id: string;
    name_digest: Uint8Array;
    tenant: string;
    scopes: string;
    models: string | null;
    groups: string;
    sealed: string;
    created_at_ms: number;
    last_sign_in_at_ms: number | null;
    state: string;
    version: number;
  };
  artifacts: {
    kind: string;
    id: string;
    payload: string;
    grant_id: string | null;
    uid: string | null;
    user_code: string | null;
    account: string | null;
    client: string | null;
    created_at_ms: number;
    consumed_at_ms: number | null;
    expires_at_ms: number | null;
  };
  roles: NamedContent;
  groups: NamedContent;
  policies: NamedContent;
  silences: NamedContent;
  revocations: {
    id: string;
    at_ms: number;
    is_exact: number;
    until_ms: number | null;
    version: number;
  };
  quarantines: {
    id: string;
    rule: string;
    why: string;
    held_at_ms: number;
    tenant: string | null;
    state: string;
    version: number;
  };
  token_uses: {
    issuer: string;
    client: string;
    subject: string;
    last_issued_at_ms: number | null;
    last_used_at_ms: number;
    count: number;
    networks: string;
  };
  shared_holds: {
    id: string;
    record_version: number;
    version: number;
    seen: number;
  };
  bans: {
    network: string;
    reason: string;
    number: number;
    started_at_ms: number;
    until_ms: number;
  };
  last_uses: {
    api_key: string;
    at_ms: number;
  };
  permission_uses: {
    holder: string;
    permission: string;
    at_ms: number;
  };
}

/** What is read and written whole: its fields are JSON. */
export interface NamedContent {
  id: string;
  content: string;
  created_at_ms: number;
  state: string;
  version: number;
}
