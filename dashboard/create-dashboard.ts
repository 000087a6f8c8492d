/**
 * The page as a fetch handler: Request in, Response out, so that it stands alone or is mounted in an app. Who may look is asked first,
 * then a view is rendered (`routes.ts`), streamed (`stream.ts`) or an act is done (`do-act.ts`).
 */
import { Hono, type Context } from 'hono';
import type { Sluice } from '../client/index.ts';
import { createAccess, foreignOrigin, cookieOf, type Authorize, type Tokens, type Visitor } from './access.ts';
import { readAsset } from './assets.ts';
import { acts } from './acts.ts';
import { askAct, askedForm, askedTitle, doAct, type Done } from './do-act.ts';
import { findPlace } from './find-place.ts';
import { html, type Html } from './html.ts';
import { page, type Frame } from './layout.ts';
import { linksBelow } from './link.ts';
import { routeOf, type Route } from './routes.ts';
import { shareRenders, streamView } from './stream.ts';
import type { View } from './view.ts';

export interface DashboardOptions {
  /** Tokens by which visitors come in, at least 16 characters each. */
  readonly tokens?: Tokens;
  /** Your own log-in: who a request is from, and what they may do. Asked before the tokens; undefined: nobody it knows. */
  readonly authorize?: Authorize;
  /** The path that it is mounted at, e.g. `/admin/sluice`. Default: the root. */
  readonly basePath?: string;
  /** Where Temporal's Web UI is, for links to it. Default: no links. */
  readonly webUiUrl?: string;
  /** Temporal's namespace, for these links. Default `default`. */
  readonly namespace?: string;
}

export interface Dashboard {
  /** Answers one request. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Ends the streams of all open pages. The client stays open. */
  readonly close: () => void;
}

/** Pages that are open at once. */
const MOST_STREAMS = 100;
const SAID = 'sluice_said';

const HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  // Forms say where they come from, to this server alone.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

/**
 * @param sluice what it shows and acts on; not bound to a tenant.
 * @throws TypeError when neither `tokens` nor `authorize` says who may look, or a token is too short.
 */
export function createDashboard(sluice: Sluice, options: DashboardOptions): Dashboard {
  const { tokens, authorize, webUiUrl, namespace = 'default' } = options;
  const base = (options.basePath ?? '').replace(/\/+$/, '');
  if (base !== '' && !/^(?:\/[\w.~-]+)+$/.test(base))
    throw new TypeError(
      `\`basePath\` is ${JSON.stringify(options.basePath)}; it must be a path such as "/admin/sluice".`,
    );
  if (tokens?.read === undefined && tokens?.operate === undefined && authorize === undefined)
    throw new TypeError('The dashboard needs `tokens` or `authorize`: it shows accounts and stops runs.');
  const access = createAccess({ ...(tokens ? { tokens } : {}), ...(authorize ? { authorize } : {}) });
  const link = linksBelow(base);
  const closing = new AbortController();
  const shared = shareRenders();
  let streams = 0;

  const below = (path: string): string =>
    base !== '' && path.startsWith(`${base}/`) ? path.slice(base.length) : path === base ? '/' : path;
  const app = new Hono({ getPath: (request) => below(new URL(request.url).pathname) });

  const answer = (content: Html, status = 200, more: Record<string, string> = {}): Response =>
    new Response(content.text, {
      status,
      headers: { ...HEADERS, 'content-type': 'text/html; charset=utf-8', ...more },
    });
  const note = (status: number, title: string, text: string, visitor?: Visitor): Response =>
    answer(page({ title, link, at: '?', visitor }, [{ id: 'note', content: html`<p>${text}</p>` }]), status);
  const to = (address: string, more: Record<string, string> = {}): Response =>
    new Response(null, { status: 303, headers: { ...HEADERS, location: address, ...more } });
  const cookiePath = base === '' ? '/' : base;
  const say = (done: Done): string =>
    `${SAID}=${encodeURIComponent(JSON.stringify({ ...done, text: done.text.slice(0, 400) }))}; Path=${cookiePath}; Max-Age=20; HttpOnly; SameSite=Strict`;
  const render = (route: Route, path: string, query: URLSearchParams, visitor: Visitor): Promise<View | undefined> =>
    route.render({ sluice, link, visitor, query, webUiUrl, namespace, here: path, now: new Date() }, route.params);

  app.get('/assets/:name', async ({ req }) => {
    const asset = await readAsset(req.param('name'));
    if (!asset) return note(404, 'Not here', 'There is no such file.');
    return new Response(asset.text, {
      headers: { ...HEADERS, 'content-type': asset.type, 'cache-control': 'no-cache' },
    });
  });
  app.get('/login', () =>
    answer(page({ title: 'Come in', link, at: '?', visitor: undefined }, [{ id: 'login', content: loginForm() }])),
  );
  app.post('/login', async ({ req }) => {
    const foreign = foreignOrigin(req.raw);
    if (foreign !== undefined) return note(403, 'Refused', foreign);
    const { token } = await fieldsOf(req.raw);
    const cookie = access.enter(token ?? '', isSecure(req.raw), cookiePath);
    if (cookie !== undefined) return to(link([]), { 'set-cookie': cookie });
    return answer(
      page(
        {
          title: 'Come in',
          link,
          at: '?',
          visitor: undefined,
          said: { text: 'This token is not right.', isError: true },
        },
        [{ id: 'login', content: loginForm() }],
      ),
      401,
    );
  });
  const loginForm = (): Html =>
    access.hasTokens
      ? html`<form method="post" action="${link(['login'])}">
          <p class="field">
            <label for="token">Token</label>
            <input id="token" name="token" type="password" required autocomplete="current-password" />
          </p>
          <p><button>Come in</button></p>
        </form>`
      : html`<p>This page is open to those whom the app that it is part of lets in.</p>`;

  /** Everything below is for visitors alone. */
  const visited =
    (work: (context: Context, visitor: Visitor) => Promise<Response>) =>
    async (context: Context): Promise<Response> => {
      const visitor = await access.visitor(context.req.raw);
      if (visitor) return work(context, visitor);
      const wantsPage = context.req.method === 'GET' && (context.req.header('accept') ?? '').includes('text/html');
      if (wantsPage && access.hasTokens && context.req.header('authorization') === undefined)
        return to(link(['login']));
      return note(
        401,
        'Not for you yet',
        access.hasTokens
          ? 'Give a token: as a cookie by the log-in, or as `Authorization: Bearer`.'
          : 'This address is not known here, or nobody has let you in.',
      );
    };

  app.get(
    '/live',
    visited(async ({ req }, visitor) => {
      const address = new URL(req.query('view') ?? '/', 'http://here');
      const path = below(address.pathname);
      const route = routeOf(path);
      if (!route) return note(404, 'Not here', 'There is no such view.', visitor);
      if (streams >= MOST_STREAMS) return note(503, 'Too many', `${MOST_STREAMS} pages are open already.`, visitor);
      streams++;
      const key = `${visitor.role} ${path}${address.search}`;
      const ended = new AbortController();
      const stream = streamView({
        render: () => shared(key, () => render(route, path, address.searchParams, visitor)),
        mayLook: async () => (await access.visitor(req.raw))?.role === visitor.role,
        signal: AbortSignal.any([closing.signal, req.raw.signal, ended.signal]),
      });
      return new Response(
        onceEnded(stream, () => {
          streams--;
          ended.abort();
        }),
        {
          headers: { ...HEADERS, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' },
        },
      );
    }),
  );

  app.get(
    '/search',
    visited(async ({ req }) => {
      const found = await findPlace(sluice, (req.query('q') ?? '').trim());
      return to(link(found.path, found.query));
    }),
  );

  app.get(
    '/do/:act',
    visited(async ({ req }, visitor) => {
      if (visitor.role !== 'operate')
        return note(403, 'Refused', 'You may look and not act: this needs the operator’s token.', visitor);
      try {
        const asked = await askAct(sluice, req.param('act') ?? '', new URL(req.url).searchParams);
        if (!asked) return note(404, 'Not here', 'There is no such act.', visitor);
        return answer(
          page({ title: askedTitle(asked), link, at: '?', visitor }, [
            { id: 'ask', content: askedForm(asked, link, access, visitor), isLive: false },
          ]),
        );
      } catch (error) {
        return note(409, 'It can’t be done', sentence(error), visitor);
      }
    }),
  );
  app.post(
    '/do/:act',
    visited(async ({ req }, visitor) => {
      const fields = await fieldsOf(req.raw);
      const refusal = access.refusal(req.raw, visitor, fields['mark']);
      if (refusal !== undefined) return note(403, 'Refused', refusal, visitor);
      const name = req.param('act') ?? '';
      const act = Object.hasOwn(acts, name) ? acts[name] : undefined;
      if (!act) return note(404, 'Not here', 'There is no such act.', visitor);
      const done = await doAct(() => sluice, visitor, act, fields);
      return to(link(...act.back(fields)), { 'set-cookie': say(done) });
    }),
  );

  app.get(
    '*',
    visited(async ({ req }, visitor) => {
      const url = new URL(req.url);
      const path = below(url.pathname);
      const route = routeOf(path);
      const here = `${path}${url.search}`;
      const view = route && (await render(route, here, url.searchParams, visitor));
      if (!route || !view) return note(404, 'Not here', 'Nothing of this name is known.', visitor);
      const frame: Frame = {
        title: view.title,
        link,
        at: route.at,
        visitor,
        live: link(['live'], { view: here }),
        said: saidOf(req.raw),
      };
      return answer(
        page(frame, view.regions),
        200,
        frame.said ? { 'set-cookie': `${SAID}=; Path=${cookiePath}; Max-Age=0` } : {},
      );
    }),
  );
  app.notFound(() => note(404, 'Not here', 'Nothing of this name is known.'));
  app.onError((error) =>
    error instanceof TypeError
      ? note(400, 'Not understood', sentence(error))
      : note(500, 'It can’t be shown now', sentence(error)),
  );
  return { fetch: async (request) => app.fetch(request), close: () => closing.abort() };
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function fieldsOf(request: Request): Promise<Record<string, string>> {
  const text = await request.text();
  if (text.length > 100_000) throw new TypeError('The form is too large.');
  return Object.fromEntries(new URLSearchParams(text));
}

function isSecure(request: Request): boolean {
  return new URL(request.url).protocol === 'https:' || request.headers.get('x-forwarded-proto') === 'https';
}

/** What the last act has said, once. */
function saidOf(request: Request): Done | undefined {
  const value = cookieOf(request, SAID);
  if (!value) return undefined;
  try {
    const { text, isError } = JSON.parse(decodeURIComponent(value)) as Partial<Done>;
    return typeof text === 'string' ? { text, isError: isError === true } : undefined;
  } catch {
    return undefined; // cut, or not ours
  }
}

/** The same stream; says when it has ended, however that came. */
function onceEnded(stream: ReadableStream<Uint8Array>, ended: () => void): ReadableStream<Uint8Array> {
  const reader = stream.getReader();
  let isOver = false;
  const over = (): void => {
    if (!isOver) ended();
    isOver = true;
  };
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await reader.read();
      if (!done) return controller.enqueue(value);
      over();
      controller.close();
    },
    cancel: async () => {
      over();
      await reader.cancel();
    },
  });
}
