/** What the authorization server writes to the log. */
export interface OAuthLog {
  /** A request was answered; names and codes only. */
  info(event: string, facts: Readonly<Record<string, string | number | undefined>>): void;
  /** Something that somebody should look at. */
  security(what: string, facts: Readonly<Record<string, string | number | undefined>>): void;
}
