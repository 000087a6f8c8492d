/**
 * A third party where tokens are had by a name and a password, as PocketBase, LinkedIn's partners and many shops do it: no refresh token,
 * tokens that end, and an answer to a bad one that may look like success. It keeps its own books.
 */
import type { FakeAnswer, FakeApi, FakeCall } from '../../../testing/index.ts';

export interface LoginApi {
  /** Life of the tokens that are given from now on, in milliseconds. */
  lifeMs: number;
  /** Whatever else a login is answered with, e.g. an end. */
  told: (lifeMs: number) => object;
  readonly logins: () => number;
  /** Whose token it is, while it is good. */
  readonly accountOf: (call: FakeCall) => string | undefined;
  /** All tokens are over. */
  readonly endAll: () => void;
}

export const PASSWORD = 'pässw0rd/+=&"';

export function loginApi(api: FakeApi, path = '/login'): LoginApi {
  const tokens = new Map<string, { readonly name: string; until: number }>();
  let logins = 0;
  const shop: LoginApi = {
    lifeMs: 3_600_000,
    told: () => ({}),
    logins: () => logins,
    accountOf: ({ token }) => {
      const known = token === undefined ? undefined : tokens.get(token);
      return known && known.until > performance.now() ? known.name : undefined;
    },
    endAll: () => tokens.forEach((token) => (token.until = 0)),
  };
  api.route('POST', path, (call): FakeAnswer => {
    const { name, password } = (call.body ?? {}) as { name?: string; password?: string };
    if (name === undefined || password !== PASSWORD)
      return { status: 400, body: { message: 'Failed to authenticate.' } };
    const token = `${name}:${++logins}.${Math.random().toString(36).slice(2)}`;
    tokens.set(token, { name, until: performance.now() + shop.lifeMs });
    return { body: { token, ...shop.told(shop.lifeMs) } };
  });
  return shop;
}
