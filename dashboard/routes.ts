/** Which view an address shows. Next: `views/overview.ts` and its neighbours. */
import { accountView } from './views/details/account.ts';
import { accountsView } from './views/accounts.ts';
import { actionView } from './views/details/action.ts';
import { actionsView } from './views/actions.ts';
import { alertView } from './views/details/alert.ts';
import { alertsView } from './views/alerts.ts';
import { auditEntryView } from './views/details/audit-entry.ts';
import { auditView } from './views/audit.ts';
import { doctorView } from './views/doctor.ts';
import { limitView } from './views/details/limit.ts';
import { limitsView } from './views/limits.ts';
import { overviewView } from './views/overview.ts';
import { reportView } from './views/details/report.ts';
import { reportsView } from './views/reports.ts';
import { runView } from './views/details/run.ts';
import { runsView } from './views/runs.ts';
import { scheduleView } from './views/details/schedule.ts';
import { schedulesView } from './views/schedules.ts';
import { workersView } from './views/workers.ts';
import type { RenderView } from './view.ts';

/** Parts of a path; those with a colon are parameters. */
const ROUTES: readonly (readonly [string, RenderView])[] = [
  ['', overviewView],
  ['runs', runsView],
  ['runs/:run', runView],
  ['accounts', accountsView],
  ['accounts/:account', accountView],
  ['limits', limitsView],
  ['limits/:key', limitView],
  ['reports', reportsView],
  ['reports/:report', reportView],
  ['actions', actionsView],
  ['actions/:id', actionView],
  ['schedules', schedulesView],
  ['schedules/:schedule', scheduleView],
  ['alerts', alertsView],
  ['alerts/:alert', alertView],
  ['audit', auditView],
  ['audit/:entry', auditEntryView],
  ['workers', workersView],
  ['doctor', doctorView],
];

/** They ask more than databases. */
const STILL: ReadonlySet<RenderView> = new Set([doctorView, workersView]);

/** Every view, e.g. `runs/:run`. */
export const VIEWS: readonly string[] = ROUTES.map(([pattern]) => pattern);

export interface Route {
  readonly render: RenderView;
  readonly params: Readonly<Record<string, string>>;
  /** What it shows costs too much to look at it again and again. */
  readonly isStill: boolean;
  /** The first part of its path. */
  readonly at: string;
}

/** @param path below the place where the page is mounted, as it came: encoded. */
export function routeOf(path: string): Route | undefined {
  const parts = path.replace(/^\/|\/$/g, '').split('/');
  for (const [pattern, render] of ROUTES) {
    const wanted = pattern.split('/');
    if (wanted.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const fits = wanted.every((want, index) => {
      const part = decoded(parts[index] as string);
      if (part === undefined) return false;
      if (!want.startsWith(':')) return want === part;
      params[want.slice(1)] = part;
      return part !== '';
    });
    if (fits) return { render, params, at: wanted[0] as string, isStill: STILL.has(render) };
  }
  return undefined;
}

function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined; // no UTF-8: no name of anything
  }
}
