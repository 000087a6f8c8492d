/**
 * The handlers by which users connect their accounts in a browser, as one fetch handler that an app mounts.
 * `<url>/<provider>` leads to the third party, which sends the browser back to `<url>/<provider>/callback`. Next:
 * `begin-login.ts`, then `finish-login.ts`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { createHttpSender, type ProxySettings } from '../activities/index.ts';
import type { Sluice } from '../client/index.ts';
import { partsOf } from '../client/parts-of.ts';
import { redact } from '../contracts/secrets/redact.ts';
import { createLimiter } from '../limiter/create-limiter.ts';
import type { Provider } from '../providers/define/define-provider.ts';
import { beginLogin } from './begin-login.ts';
import { connectingMistakes } from './connecting-mistakes.ts';
import type { LoginLog, LoginParts, Who } from './login-parts.ts';
import { finishLogin } from './finish-login.ts';
import { notConnectedPage, sentTo } from './login-page.ts';
import { loginCookie } from './login-secrets.ts';
import { LoginStopped, MAY_BEGIN_ANEW, STATUS, type LoginOutcome, type NotConnected } from './outcome.ts';

export interface ConnectingOptions {
  /**
   * Where it is mounted, as browsers see it, e.g. `https://app.example/connect`. `<url>/<provider>/callback` is what the third party must
   * have registered. Nothing is taken from what a request says of its host.
   */
  readonly url: string;
  // Each has settings of its own: `who` gives them, and each provider's schema is asked.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly providers: readonly Provider<any, any>[];
  /** Who a request is from, by your app's own login. Asked when a login begins and when it comes back: it must be the same one. */
  readonly who: (request: Request) => Who | undefined | Promise<Who | undefined>;
  /** Where the browser goes at the end, when the link that began it has no `?returnTo=`. A path of your app. Default `/`. */
  readonly returnTo?: string;
  /**
   * Told how each login ended, and may answer by a page of your own. Default: a connected browser is sent to `returnTo`, one that is not
   * is shown why. It is told once: what it throws, `fetch` throws, and `node` answers by 500.
   */
  readonly done?: (outcome: LoginOutcome, request: Request) => Response | void | Promise<Response | void>;
  /** How long a user may take at the third party, in milliseconds: 60,000 … 3,600,000. Default 600,000. */
  readonly lifeMs?: number;
  /** Identity of the address that this process calls from, as `SLUICE_EGRESS` is that of workers. Default `default`. */
  readonly egress?: string;
  /** Default: no proxy. */
  readonly proxy?: ProxySettings;
  /** Told what a developer must mend. Default: the console. */
  readonly log?: LoginLog;
}

export interface ConnectingHandlers {
  /** Answers one request: Hono, Next.js, Remix, Bun, Deno. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** The same for `node:http` and Express. */
  readonly node: (request: IncomingMessage, response: ServerResponse) => void;
  /** Ends its own connections; the client stays open. */
  readonly close: () => Promise<void>;
}

/**
 * @param sluice keeps the accounts; one that is bound to a tenant connects accounts of that tenant alone.
 * @throws TypeError with all that is wrong with the options.
 * @example
 * const connecting = createConnecting(sluice, { url: 'https://app.example/connect', providers: [social], who: (request) => userOf(request) });
 * app.get('/connect/*', (c) => connecting.fetch(c.req.raw));
 */
export function createConnecting(sluice: Sluice, options: ConnectingOptions): ConnectingHandlers {
  const mistakes = connectingMistakes(options);
  if (mistakes.length > 0) throw new TypeError(mistakes.join('\n'));
  const { pool, boundTo } = partsOf(sluice);
  const { done, who, providers, returnTo = '/', lifeMs = 600_000, egress = 'default', proxy } = options;
  const log = options.log ?? { error: (fields, message) => console.error(message, fields) };
  const at = new URL(options.url.replace(/\/+$/, ''));
  const http = createHttpSender(proxy ? { proxy } : {});
  const limiter = createLimiter({ pool, sweep: { everyMs: 0 } });
  const parts: LoginParts = {
    sluice,
    pool,
    boundTo,
    at,
    who,
    returnTo,
    lifeMs,
    egress,
    http,
    limiter,
    log,
    providers: new Map(providers.map((provider: Provider) => [provider.id, provider])),
    cookie: loginCookie(at),
  };
  const base = at.pathname.replace(/\/$/, '');
  /** Frameworks take the path of the mount away, or leave it. */
  const stepsOf = (path: string): string[] => {
    const below = path === base || path.startsWith(`${base}/`) ? path.slice(base.length) : path;
    return below.split('/').slice(1);
  };
  const stopped = (error: unknown, provider: string): NotConnected => {
    if (!(error instanceof LoginStopped)) {
      log.error({ provider, error: redact(String(error)) }, 'an account could not be connected through a browser');
      const reason = 'Something is wrong on our side; it has been noted. Please try again later.';
      return { state: 'not-connected', provider, why: 'app', status: STATUS.app, reason };
    }
    const { why, message: reason } = error;
    const again = MAY_BEGIN_ANEW.has(why) ? { again: againAt(`${base}/${provider}`, error.returnTo) } : {};
    const back = error.returnTo === undefined ? {} : { returnTo: error.returnTo };
    return { state: 'not-connected', provider, why, reason, status: STATUS[why], ...again, ...back };
  };
  const end = async (outcome: LoginOutcome, request: Request): Promise<Response> => {
    const own = await done?.(outcome, request);
    if (own instanceof Response) return own;
    return outcome.state === 'connected' ? sentTo(outcome.returnTo) : notConnectedPage(outcome);
  };
  const fetch = async (request: Request): Promise<Response> => {
    const [id = '', step, ...more] = stepsOf(new URL(request.url).pathname);
    let outcome: LoginOutcome;
    try {
      const provider = parts.providers.get(id);
      const isKnown = provider && more.length === 0 && (step === undefined || step === 'callback');
      if (!isKnown || request.method !== 'GET')
        throw new LoginStopped('not-here', 'There is nothing to connect at this address.');
      if (step === undefined) return await beginLogin(parts, provider, request);
      outcome = await finishLogin(parts, provider, request);
    } catch (error) {
      outcome = stopped(error, parts.providers.has(id) ? id : '');
    }
    return end(outcome, request);
  };
  const listener = getRequestListener(fetch);
  return {
    fetch,
    node: (request, response) => void listener(request, response),
    close: async () => {
      await limiter.stop();
      await http.close();
    },
  };
}

function againAt(path: string, returnTo: string | undefined): string {
  return returnTo === undefined ? path : `${path}?${new URLSearchParams({ returnTo }).toString()}`;
}
