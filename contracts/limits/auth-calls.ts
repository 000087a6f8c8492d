/**
 * Calls that are made for the credentials of an account and not for its data. Under these names they appear in limits:
 * `except: ['refresh']` leaves one out of a limit. No endpoint may be called so.
 */
export const AUTH_CALLS = ['connect', 'refresh', 'probe', 'revoke'] as const;

/**
 * `connect`: tokens for the code that a login in a browser has brought. `refresh`: new credentials for old ones. `probe`: is the token good?
 * `revoke`: the credentials are not wanted any more.
 */
export type AuthCall = (typeof AUTH_CALLS)[number];
