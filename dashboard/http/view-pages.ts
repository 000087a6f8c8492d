/**
 * Pages to look at: a view as a whole, the stream of its live regions, and the way from a searched name to its view.
 * Used by: `dashboard/create-dashboard.ts`. Next: `dashboard/routes.ts`, then `stream.ts`.
 */
import { findPlace } from '../find-place.ts';
import { page } from '../layout.ts';
import { routeOf } from '../routes.ts';
import { HEADERS } from './responses.ts';
import { forget, saidOf } from './said.ts';
import type { Site } from './site.ts';
import { streamView } from './stream.ts';
import type { Visit } from './visited.ts';

/** Pages that are open at once. */
const MOST_STREAMS = 100;

export interface ViewPages {
  readonly show: Visit;
  readonly live: Visit;
  readonly search: Visit;
  /** Ends all streams. */
  readonly close: () => void;
}

export function createViewPages(site: Site): ViewPages {
  const { access, link, below, render, shared, hasDoctor, cookiePath } = site;
  const { answer, note, to } = site.responses;
  const closing = new AbortController();
  let streams = 0;

  const show: Visit = async (request, visitor, url) => {
    const path = below(url.pathname);
    const here = `${path}${url.search}`;
    const route = routeOf(path);
    const view = route && (await render(route, here, url.searchParams, visitor));
    if (!route || !view) return note(404, 'Not here', 'Nothing of this name is known.', visitor);
    const said = saidOf(request);
    const live = route.isStill ? undefined : link(['live'], { view: here });
    const frame = { title: view.title, link, at: route.at, visitor, hasDoctor, live, said };
    return answer(page(frame, view.regions), 200, said ? { 'set-cookie': forget(cookiePath) } : {});
  };

  const live: Visit = async (request, visitor, url) => {
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
  };

  const search: Visit = async (_, __, url) => {
    const found = await findPlace(site.sluice, (url.searchParams.get('q') ?? '').trim());
    return to(link(found.path, found.query));
  };

  return { show, live, search, close: () => closing.abort() };
}
