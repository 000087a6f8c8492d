/** Answers those who may look; others are led to the log-in, or told how to come in. Used by: `dashboard/create-dashboard.ts`. */
import type { Context } from 'hono';
import type { Visitor } from './access.ts';
import type { Site } from './site.ts';

/** Answers a request of a visitor who may look. */
export type Visit = (request: Request, visitor: Visitor, url: URL) => Promise<Response>;

export function visited({ access, link, responses: { note, to } }: Site, work: Visit) {
  return async ({ req }: Context): Promise<Response> => {
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
}
