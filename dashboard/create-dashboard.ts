/**
 * The page as a fetch handler: Request in, Response out, so that it stands alone or is mounted in an app. Who may look
 * is asked first (`dashboard/http/visited.ts`). Then a view is rendered or streamed (`dashboard/http/view-pages.ts`),
 * or an act is asked for and done (`dashboard/http/act-pages.ts`).
 */
import { Hono } from 'hono';
import type { Sluice } from '../client/index.ts';
import { readAsset } from './assets.ts';
import { checkOptions, type DashboardOptions } from './dashboard-options.ts';
import { createActPages } from './http/act-pages.ts';
import { createLogIn } from './http/log-in.ts';
import { HEADERS, sentence } from './http/responses.ts';
import { createSite } from './http/site.ts';
import { createViewPages } from './http/view-pages.ts';
import { visited } from './http/visited.ts';

export interface Dashboard {
  /** Answers one request. */
  readonly fetch: (request: Request) => Promise<Response>;
  /** Ends the streams of all open pages. The client stays open. */
  readonly close: () => void;
}

/**
 * @param sluice what it shows and acts on; not bound to a tenant.
 * @throws TypeError for an option that it does not know, and when neither `tokens` nor `authorize` says who may look.
 * TypeError too when a token is too short, or `webUiUrl` is no address of the web.
 */
export function createDashboard(sluice: Sluice, options: DashboardOptions): Dashboard {
  checkOptions(options);
  const site = createSite(sluice, options);
  const { note } = site.responses;
  const logIn = createLogIn(site.access, site.link, site.cookiePath, site.responses);
  const views = createViewPages(site);
  const acts = createActPages(site);

  const app = new Hono({ getPath: (request) => site.below(new URL(request.url).pathname) });
  app.get('/assets/:name', async ({ req }) => {
    const asset = await readAsset(req.param('name'));
    if (!asset) return note(404, 'Not here', 'There is no such file.');
    const headers = { ...HEADERS, 'content-type': asset.type, 'cache-control': 'no-cache' };
    return new Response(asset.text, { headers });
  });
  app.get('/login', () => logIn.show());
  app.post('/login', ({ req }) => logIn.enter(req.raw));
  app.get('/live', visited(site, views.live));
  app.get('/search', visited(site, views.search));
  app.get('/do/:act', visited(site, acts.ask));
  app.post('/do/:act', visited(site, acts.carryOut));
  app.get('*', visited(site, views.show));
  app.notFound(() => note(404, 'Not here', 'Nothing of this name is known.'));
  app.onError((error) => {
    if (error instanceof TypeError) return note(400, 'Not understood', sentence(error));
    return note(500, 'It can’t be shown now', sentence(error));
  });
  return { fetch: async (request) => app.fetch(request), close: views.close };
}
