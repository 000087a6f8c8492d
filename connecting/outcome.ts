/**
 * How a login in a browser ends, as the app and its users are told. Next: `login-page.ts` shows it.
 */

export interface Connected {
  readonly state: 'connected';
  readonly provider: string;
  readonly account: string;
  readonly tenant: string | null;
  /** Where the browser is sent to: a path of the app. */
  readonly returnTo: string;
}

/**
 * - `nobody`: `who` knows nobody of this request: the app's own login is over. `not-here`: there is no such address.
 * - `refused`: the user, or the third party, said no. `unclear`: what came back is no answer of a login.
 * - `unknown`, `used`, `over`, `other-browser`, `other-account`: the state is nobody's, was used, is too old, began in another browser, or
 *   for another account. No code was changed for tokens.
 * - `other-tenant`: the account belongs to another tenant. `settings`: those of the account do not fit, or lead where they may not.
 * - `code`: the third party does not take the code. `app`: this app is set up wrongly; the log says how. `busy`, `third-party`: it may work later.
 */
export type WhyNot =
  | 'nobody'
  | 'not-here'
  | 'refused'
  | 'unclear'
  | 'unknown'
  | 'used'
  | 'over'
  | 'other-browser'
  | 'other-account'
  | 'other-tenant'
  | 'settings'
  | 'code'
  | 'app'
  | 'busy'
  | 'third-party';

export interface NotConnected {
  readonly state: 'not-connected';
  readonly provider: string;
  readonly why: WhyNot;
  /** A sentence for the user, without secrets. */
  readonly reason: string;
  /** HTTP status of the page that says so. */
  readonly status: number;
  /** The path where a new login begins; undefined where that would not help. */
  readonly again?: string;
  /** Where the login would have led to at its end, once that is known. */
  readonly returnTo?: string;
}

export type LoginOutcome = Connected | NotConnected;

/** Ends a login that can't go on. */
export class LoginStopped extends Error {
  override readonly name = 'LoginStopped';
  readonly why: WhyNot;
  readonly returnTo: string | undefined;

  constructor(why: WhyNot, reason: string, returnTo?: string) {
    super(reason);
    this.why = why;
    this.returnTo = returnTo;
  }
}

export const STATUS = {
  nobody: 401,
  'not-here': 404,
  refused: 403,
  unclear: 400,
  unknown: 400,
  used: 409,
  over: 410,
  'other-browser': 403,
  'other-account': 403,
  'other-tenant': 403,
  settings: 400,
  code: 400,
  app: 500,
  busy: 503,
  'third-party': 502,
} as const satisfies Record<WhyNot, number>;

/** Where it helps to begin anew. */
export const MAY_BEGIN_ANEW: ReadonlySet<WhyNot> = new Set<WhyNot>([
  'refused',
  'unclear',
  'unknown',
  'used',
  'over',
  'other-browser',
  'other-account',
  'code',
  'busy',
  'third-party',
]);
