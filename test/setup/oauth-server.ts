/**
 * A real OAuth server (`oidc-provider`, certified for OpenID Connect) in this process, and a browser that goes through its pages as a user
 * would: cookies, redirects, forms.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Provider } from 'oidc-provider';

export interface OAuthServer {
  readonly url: string;
  /** Grants and refreshes that it has answered with tokens, by grant type; and tokens that were revoked. */
  readonly events: string[];
  stop(): Promise<void>;
}

export interface OAuthServerOptions {
  /** Life of access tokens in seconds. */
  readonly accessSeconds: number;
  readonly redirectUris: readonly string[];
}

export const CLIENT = { id: 'sluice-app', secret: 'client-secret-0123456789abcdef' };

export async function startOAuthServer({ accessSeconds, redirectUris }: OAuthServerOptions): Promise<OAuthServer> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(url, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [...redirectUris],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    features: { revocation: { enabled: true, allowedPolicy: () => true }, devInteractions: { enabled: true } },
    ttl: {
      AccessToken: accessSeconds,
      AuthorizationCode: 60,
      RefreshToken: 3_600,
      Grant: 3_600,
      Session: 3_600,
      Interaction: 600,
      IdToken: 600,
    },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    cookies: { keys: ['a-key-of-cookies'] },
  });
  const events: string[] = [];
  provider.on('grant.success', (context) => void events.push(String(context.oidc.params?.['grant_type'])));
  provider.on('grant.error', (_, error) => void events.push(`refused ${error.message}`));
  provider.on('grant.revoked', () => void events.push('grant revoked'));
  provider.on('refresh_token.destroyed', () => void events.push('refresh token destroyed'));
  const answer = provider.callback();
  server.on('request', (request, response) => void answer(request, response));
  return { url, events, stop: () => closed(server) };
}

export interface Page {
  readonly status: number;
  /** Where the browser ended. */
  readonly url: string;
  readonly text: string;
  readonly headers: Headers;
}

/** A browser with cookies by origin. It stops where `until` says so, before it asks for that address. */
export class Browser {
  readonly #cookies = new Map<string, Map<string, string>>();

  async open(
    url: string,
    options: { form?: Record<string, string>; until?: (url: string) => boolean } = {},
  ): Promise<Page> {
    let at = url;
    let form = options.form;
    for (let hop = 0; hop < 20; hop++) {
      const response = await fetch(at, {
        redirect: 'manual',
        headers: { cookie: this.#cookieHeader(at), accept: 'text/html' },
        ...(form ? { method: 'POST', body: new URLSearchParams(form) } : {}),
      });
      this.#keep(at, response.headers.getSetCookie());
      const location = response.headers.get('location');
      const text = await response.text();
      if (location === null) return { status: response.status, url: at, text, headers: response.headers };
      at = new URL(location, at).href;
      form = undefined;
      if (options.until?.(at)) return { status: response.status, url: at, text, headers: response.headers };
    }
    throw new Error(`the browser was sent on more than 20 times, at last to ${at}`);
  }

  /** Logs in at the server's pages and says yes or no. @returns the page that the browser comes to, or the address of the callback. */
  async consent(
    start: string,
    { says = 'yes', until }: { says?: 'yes' | 'no'; until?: (url: string) => boolean } = {},
  ): Promise<Page> {
    const more = until ? { until } : {};
    let page = await this.open(start, more);
    for (let step = 0; step < 5 && page.url.includes('/interaction/'); step++) {
      const abort = /href="([^"]+\/abort)"/.exec(page.text)?.[1];
      if (says === 'no' && abort !== undefined) return this.open(new URL(abort, page.url).href, more);
      const action = /action="([^"]+)"/.exec(page.text)?.[1] ?? page.url;
      const prompt = /name="prompt" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
      const form = prompt === 'login' ? { prompt, login: 'ann', password: 'any' } : { prompt };
      page = await this.open(new URL(action, page.url).href, { ...more, form });
    }
    return page;
  }

  cookie(url: string, name: string): string | undefined {
    return this.#cookies.get(new URL(url).origin)?.get(name);
  }

  #keep(url: string, lines: readonly string[]): void {
    const { origin } = new URL(url);
    const jar = this.#cookies.get(origin) ?? new Map<string, string>();
    this.#cookies.set(origin, jar);
    for (const line of lines) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name !== undefined && value !== undefined) jar.set(name, value);
    }
  }

  #cookieHeader(url: string): string {
    return [...(this.#cookies.get(new URL(url).origin) ?? [])].map((pair) => pair.join('=')).join('; ');
  }
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
