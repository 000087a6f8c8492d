/**
 * Secrets of one account at one provider. They live in the credential store and in the memory of an activity, nowhere
 * else: never in history, logs, errors or reports.
 */
export interface Credentials {
  readonly accessToken?: string;
  readonly refreshToken?: string;
  /** ISO time after which the access token is not accepted any more. */
  readonly expiresAt?: string;
  readonly username?: string;
  readonly password?: string;
  /** Other secrets that a provider's auth needs. Their values are hidden wherever they stand, as tokens are. */
  readonly extra?: Readonly<Record<string, string>>;
  /**
   * Set by the source that keeps them, another one after each change. A refusal of an older version than the current
   * one is answered by repeating the call.
   */
  readonly version?: string;
  /** Milliseconds since a refresh brought them; left out when they came otherwise, or when that is not known. */
  readonly refreshedAgoMs?: number;
}
