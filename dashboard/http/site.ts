/**
 * What all answers of the page share: addresses, who may look, what is shown and acted on.
 * Used by: `view-pages.ts`, `act-pages.ts`, `visited.ts`. Next: `dashboard/create-dashboard.ts` makes one.
 */
import type { Sluice } from '../../client/index.ts';
import { createDefinitions, type Definitions } from '../definitions.ts';
import { baseOf, type DashboardOptions } from '../dashboard-options.ts';
import { linksBelow, type Link } from '../link.ts';
import type { Route } from '../routes.ts';
import type { View } from '../view.ts';
import { createAccess, type Access, type Visitor } from './access.ts';
import { createResponses, type Responses } from './responses.ts';
import { shareRenders } from './stream.ts';

export interface Site {
  readonly sluice: Sluice;
  readonly definitions: Definitions;
  readonly access: Access;
  readonly link: Link;
  readonly responses: Responses;
  readonly cookiePath: string;
  readonly hasDoctor: boolean;
  /** Renders of live views, shared by those who look at the same one. */
  readonly shared: ReturnType<typeof shareRenders>;
  /** The path below the mount. */
  readonly below: (path: string) => string;
  readonly render: (route: Route, here: string, query: URLSearchParams, visitor: Visitor) => Promise<View | undefined>;
}

export function createSite(sluice: Sluice, options: DashboardOptions): Site {
  const { tokens, authorize, webUiUrl, namespace = 'default', diagnose, connectUrl } = options;
  const definitions = createDefinitions(options.definitions);
  const base = baseOf(options.basePath);
  const link = linksBelow(base);
  return {
    sluice,
    definitions,
    access: createAccess({ ...(tokens ? { tokens } : {}), ...(authorize ? { authorize } : {}) }),
    link,
    responses: createResponses(link),
    cookiePath: base === '' ? '/' : base,
    hasDoctor: diagnose !== undefined,
    shared: shareRenders(),
    // Frameworks take the path of the mount away, or leave it.
    below: (path) => {
      if (base === '' || !(path === base || path.startsWith(`${base}/`))) return path;
      return path.slice(base.length) || '/';
    },
    render: (route, here, query, visitor) => {
      const shown = { sluice, link, visitor, query, webUiUrl, namespace, diagnose, definitions, connectUrl };
      return route.render({ ...shown, here, now: new Date() }, route.params);
    },
  };
}
