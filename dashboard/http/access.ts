/**
 * Who may look, and who may act. A token is given once, on the way in. After it a cookie says the role and its end,
 * signed with that token, so a changed token ends all sessions. Acts need more: a request that comes from a page of
 * this very address, with the mark that only such a page has been given. Next: `dashboard/create-dashboard.ts` asks
 * before every answer.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

export type Role = 'read' | 'operate';

export interface Visitor {
  readonly role: Role;
  /** As the audit names them. Default `user:dashboard`. */
  readonly by?: `user:${string}`;
}

export interface Tokens {
  /** Looks at everything, changes nothing. */
  readonly read?: string;
  /** Looks and acts. */
  readonly operate?: string;
}

export type Authorize = (request: Request) => Visitor | undefined | Promise<Visitor | undefined>;

export const MAY_NOT_ACT = 'You may look and not act: this needs the operator’s token.';
const COOKIE = 'sluice_session';
const SESSION_MS = 12 * 3_600_000;
/** A guess would need ages: 16 characters at least. */
const SHORTEST_TOKEN = 16;

export interface Access {
  /** @returns undefined for a visitor who must give a token first. */
  visitor(request: Request): Promise<Visitor | undefined>;
  /** @returns the value of `set-cookie` for a token that is right, else undefined. */
  enter(token: string, isSecure: boolean, path: string): string | undefined;
  /** Whether there is a way in by a token. */
  readonly hasTokens: boolean;
  /** The mark of a form. */
  mark(visitor: Visitor): string;
  /** Why a request may not act; undefined when it may. */
  refusal(request: Request, visitor: Visitor, mark: string | undefined): string | undefined;
}

/** @throws TypeError for a token that is short. */
export function createAccess({ tokens = {}, authorize }: { tokens?: Tokens; authorize?: Authorize }): Access {
  const known = (['operate', 'read'] as const).flatMap((role) => {
    const token = tokens[role];
    if (token === undefined) return [];
    if (token.length < SHORTEST_TOKEN)
      throw new TypeError(
        `The dashboard's ${role} token has ${token.length} characters; it needs at least ${SHORTEST_TOKEN}. \`openssl rand -base64 24\` makes one.`,
      );
    return [{ role, token }];
  });
  const key = randomBytes(32);
  const byToken = (given: string) => known.find(({ token }) => isSame(given, token));
  const bySession = (value: string): Visitor | undefined => {
    const [role, end, signature] = value.split('.');
    const of = known.find((each) => each.role === role);
    if (!of || end === undefined || signature === undefined || !(Number(end) > Date.now())) return undefined;
    return isSame(signature, sign(of.token, `${role}.${end}`)) ? { role: of.role } : undefined;
  };
  const mark = ({ role, by }: Visitor): string => sign(key, `${role} ${by ?? ''}`);
  return {
    hasTokens: known.length > 0,
    visitor: async (request) => {
      const authorized = await authorize?.(request);
      if (authorized) return authorized;
      const bearer = bearerOf(request);
      if (bearer !== undefined) {
        const role = byToken(bearer)?.role;
        return role && { role };
      }
      const cookie = cookieOf(request, COOKIE);
      return cookie === undefined ? undefined : bySession(cookie);
    },
    enter: (token, isSecure, path) => {
      const found = byToken(token);
      if (!found) return undefined;
      const value = `${found.role}.${Date.now() + SESSION_MS}`;
      return `${COOKIE}=${value}.${sign(found.token, value)}; Path=${path || '/'}; Max-Age=${SESSION_MS / 1_000}; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}`;
    },
    mark,
    refusal: (request, visitor, given) => {
      if (visitor.role !== 'operate') return MAY_NOT_ACT;
      const foreign = foreignOrigin(request);
      if (foreign !== undefined) return foreign;
      if (given === undefined || !isSame(given, mark(visitor)))
        return 'This form is from before the server was started again. Go back, load the page again, and repeat it.';
      return undefined;
    },
  };
}

/** Browsers say where a form comes from; what does not say it is no form of ours. */
export function foreignOrigin(request: Request): string | undefined {
  const site = request.headers.get('sec-fetch-site');
  const origin = request.headers.get('origin');
  const here = request.headers.get('host') ?? new URL(request.url).host;
  if (site !== null && site !== 'same-origin') return 'This request comes from another site, and was refused.';
  if (origin === null && site === null) return 'This request does not say where it comes from, and was refused.';
  if (origin !== null && hostOf(origin) !== here) return 'This request comes from another address, and was refused.';
  return undefined;
}

/** A page on loopback answers to names of this machine only: another name is somebody else's that was made to point here. */
export const onLoopback: Authorize = (request) => {
  const host = request.headers.get('host') ?? new URL(request.url).host;
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/.test(host) ? { role: 'operate' } : undefined;
};

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

function sign(key: string | Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url');
}

/** In the same time for every text. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function bearerOf(request: Request): string | undefined {
  return /^Bearer (\S+)$/i.exec(request.headers.get('authorization') ?? '')?.[1];
}

export function cookieOf(request: Request, name: string): string | undefined {
  const pairs = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim().split('=', 2));
  return pairs.find(([key]) => key === name)?.[1];
}
