/**
 * The page as a fetch handler: Request in, Response out, so that it stands alone or is mounted in an app. Who may look is asked first,
 * then a view is rendered (`routes.ts`), streamed (`dashboard/http/stream.ts`) or an act is done (`dashboard/acts/do-act.ts`).
 */
import { checkNames } from '../client/options/known-options.ts';
import type { NamesOf } from '../contracts/values/option-mistakes.ts';
import { Hono, type Context } from 'hono';
import type { Finding, Sluice } from '../client/index.ts';
import { createAccess, MAY_NOT_ACT, type Authorize, type Tokens, type Visitor } from './http/access.ts';
import { readAsset } from './assets.ts';
import { actNamed, askAct, askedForm, askedTitle, doAct, type Asked } from './acts/do-act.ts';
import { safeAddress, type ConnectAddress } from './connect-address.ts';
import { createDefinitions, type GivenDefinitions } from './definitions.ts';
import { fieldsOf } from './http/fields.ts';
import { findPlace } from './find-place.ts';
import { page } from './layout.ts';
import { linksBelow } from './link.ts';
import { createLogIn } from './http/log-in.ts';
import { createResponses, HEADERS, sentence } from './http/responses.ts';
import { routeOf, type Route } from './routes.ts';
import { forget, saidOf, say, type Said } from './http/said.ts';
import { shareRenders, streamView } from './http/stream.ts';
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
  /**
   * Your syncs and actions, as a worker has them. With them the page starts a sync, decides on a write whose fate is
   * unknown and sends a failed action again. Their code checks what is typed in. Default: it offers none of it.
   */
  readonly definitions?: GivenDefinitions;
  /** Where an account is connected again: an address of your app, for a link. Default: the page says that it is done in your app. */
  readonly connectUrl?: ConnectAddress;
  /** Looks at servers and workers, e.g. `() => diagnose({ probe: false })` of `sluice`. Default: there is no such view. */
  readonly diagnose?: () => Promise<readonly Finding[]>;
}

export interface Dashboard {
  /** Answers one request. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Ends the streams of all open pages. The client stays open. */
  readonly close: () => void;
}

const OPTIONS: NamesOf<DashboardOptions> = {
  tokens: true,
  authorize: true,
  basePath: true,
  webUiUrl: true,
  namespace: true,
  definitions: true,
  connectUrl: true,
  diagnose: true,
};

/** Pages that are open at once. */
const MOST_STREAMS = 100;

/**
 * @param sluice what it shows and acts on; not bound to a tenant.
 * @throws TypeError for an option that it does not know, and when neither `tokens` nor `authorize` says who may look.
 * TypeError too when a token is too short, or `webUiUrl` is no address of the web.
 */
export function createDashboard(sluice: Sluice, options: DashboardOptions): Dashboard {
  checkNames('createDashboard', options, OPTIONS);
  const { tokens, authorize, webUiUrl, namespace = 'default', diagnose, connectUrl } = options;
  const definitions = createDefinitions(options.definitions);
  const hasDoctor = diagnose !== undefined;
  const base = checkBase(options.basePath);
  if (webUiUrl !== undefined && safeAddress(webUiUrl) === undefined)
    throw new TypeError(
      `The address of Temporal's Web UI is ${JSON.stringify(webUiUrl)}; it must begin with https:// or http://.`,
    );
  if (tokens?.read === undefined && tokens?.operate === undefined && authorize === undefined)
    throw new TypeError('The dashboard needs `tokens` or `authorize`: it shows accounts and stops runs.');
  const access = createAccess({ ...(tokens ? { tokens } : {}), ...(authorize ? { authorize } : {}) });
  const link = linksBelow(base);
  const responses = createResponses(link);
  const { answer, note, to } = responses;
  const cookiePath = base === '' ? '/' : base;
  const logIn = createLogIn(access, link, cookiePath, responses);
  const closing = new AbortController();
  const shared = shareRenders();
  let streams = 0;

  /** Frameworks take the path of the mount away, or leave it. */
  const below = (path: string): string => {
    if (base === '' || !(path === base || path.startsWith(`${base}/`))) return path;
    return path.slice(base.length) || '/';
  };
  const render = (route: Route, here: string, query: URLSearchParams, visitor: Visitor): Promise<View | undefined> =>
    route.render(
      {
        sluice,
        link,
        visitor,
        query,
        webUiUrl,
        namespace,
        diagnose,
        definitions,
        connectUrl,

        here,
        now: new Date(),
      },
      route.params,
    );
  /** Answers those who may look. */
  const visited =
    (work: (request: Request, visitor: Visitor, url: URL) => Promise<Response>) =>
    async ({ req }: Context): Promise<Response> => {
      const visitor = await access.visitor(req.raw);
      // Postgres takes no such character, so nothing has it in its name.
      if (visitor && /%00/.test(req.url)) return note(404, 'Not here', 'Nothing of this name is known.', visitor);
      if (visitor) return work(req.raw, visitor, new URL(req.url));
      const isReader = req.method === 'GET' && (req.header('accept') ?? '').includes('text/html');
      if (isReader && access.hasTokens && req.header('authorization') === undefined) return to(link(['login']));
      const how = access.hasTokens
        ? 'Give a token: by the log-in, or as `Authorization: Bearer`.'
        : 'This address is not known here, or nobody has let you in.';
      return note(401, 'Not for you yet', how);
    };
  const nameOfAct = ({ pathname }: URL): string => below(pathname).slice('/do/'.length);
  const noAct = (visitor: Visitor): Response => note(404, 'Not here', 'There is no such act.', visitor);
  const ask = (asked: Asked, visitor: Visitor, said?: Said): Response => {
    const content = askedForm(asked, link, access, visitor);
    const frame = { title: askedTitle(asked), link, at: '?', visitor, hasDoctor, said };
    return answer(page(frame, [{ id: 'ask', content, isLive: false }]), said ? 409 : 200);
  };

  const app = new Hono({ getPath: (request) => below(new URL(request.url).pathname) });
  app.get('/assets/:name', async ({ req }) => {
    const asset = await readAsset(req.param('name'));
    if (!asset) return note(404, 'Not here', 'There is no such file.');
    const headers = { ...HEADERS, 'content-type': asset.type, 'cache-control': 'no-cache' };
    return new Response(asset.text, { headers });
  });
  app.get('/login', () => logIn.show());
  app.post('/login', ({ req }) => logIn.enter(req.raw));

  app.get(
    '/live',
    visited(async (request, visitor, url) => {
      const { pathname, search, searchParams } = new URL(url.searchParams.get('view') ?? '/', 'http://here');
      const path = below(pathname);
      const route = routeOf(path);
      if (!route || route.isStill || request.method !== 'GET')
        return note(404, 'Not here', 'There is no such view.', visitor);
      if (streams >= MOST_STREAMS) return note(503, 'Too many', `${MOST_STREAMS} pages are open already.`, visitor);
      streams++;
      const stream = streamView({
        render: () => shared.get(`${visitor.role} ${path}${search}`, () => render(route, path, searchParams, visitor)),
        mayLook: async () => (await access.visitor(request))?.role === visitor.role,
        signal: AbortSignal.any([closing.signal, request.signal]),
        ended: () => streams--,
      });
      const headers = { ...HEADERS, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
      return new Response(stream, { headers });
    }),
  );
  app.get(
    '/search',
    visited(async (_, __, url) => {
      const found = await findPlace(sluice, (url.searchParams.get('q') ?? '').trim());
      return to(link(found.path, found.query));
    }),
  );
  app.get(
    '/do/:act',
    visited(async (_, visitor, url) => {
      if (visitor.role !== 'operate') return note(403, 'Refused', MAY_NOT_ACT, visitor);
      const act = actNamed(nameOfAct(url));
      if (!act) return noAct(visitor);
      try {
        const given = Object.fromEntries(url.searchParams);
        return ask(await askAct(sluice, definitions, nameOfAct(url), act, given), visitor);
      } catch (error) {
        return note(409, 'It can’t be done', sentence(error), visitor);
      }
    }),
  );
  app.post(
    '/do/:act',
    visited(async (request, visitor, url) => {
      const fields = await fieldsOf(request);
      const refusal = access.refusal(request, visitor, fields['mark']);
      if (refusal !== undefined) return note(403, 'Refused', refusal, visitor);
      const name = nameOfAct(url);
      const act = actNamed(name);
      if (!act) return noAct(visitor);
      const { at, ...said } = await doAct(
        (who) => sluice.as({ ...who, via: 'page' }),
        visitor,
        act,
        fields,
        definitions,
      );
      shared.forget();
      // What was typed is not typed again.
      const again =
        said.isError && (await askAct(sluice, definitions, name, act, fields, fields).catch(() => undefined));
      if (again && (again.preview.inputs ?? []).length > 0) return ask(again, visitor, said);
      return to(at === undefined ? link(...act.back(fields)) : link(at), { 'set-cookie': say(said, cookiePath) });
    }),
  );
  app.get(
    '*',
    visited(async (request, visitor, url) => {
      const path = below(url.pathname);
      const here = `${path}${url.search}`;
      const route = routeOf(path);
      const view = route && (await render(route, here, url.searchParams, visitor));
      if (!route || !view) return note(404, 'Not here', 'Nothing of this name is known.', visitor);
      const said = saidOf(request);
      const live = route.isStill ? undefined : link(['live'], { view: here });
      const frame = { title: view.title, link, at: route.at, visitor, hasDoctor, live, said };
      return answer(page(frame, view.regions), 200, said ? { 'set-cookie': forget(cookiePath) } : {});
    }),
  );
  app.notFound(() => note(404, 'Not here', 'Nothing of this name is known.'));
  app.onError((error) => {
    if (error instanceof TypeError) return note(400, 'Not understood', sentence(error));
    return note(500, 'It can’t be shown now', sentence(error));
  });
  return { fetch: async (request) => app.fetch(request), close: () => closing.abort() };
}

function checkBase(path = ''): string {
  const base = path.replace(/\/+$/, '');
  if (base !== '' && !/^(?:\/[\w.~-]+)+$/.test(base))
    throw new TypeError(`\`basePath\` is ${JSON.stringify(path)}; it must be a path such as "/admin/sluice".`);
  return base;
}
