/** What a view is: a title, and regions of which the live ones are sent again when they have changed. Next: `views/overview.ts`. */
import type { Finding, Sluice } from '../client/index.ts';
import type { Visitor } from './http/access.ts';
import type { ConnectAddress } from './connect-address.ts';
import type { Definitions } from './definitions.ts';
import type { Html } from './html.ts';
import type { Link } from './link.ts';

export interface Region {
  /** Unique on its page. */
  readonly id: string;
  readonly content: Html;
  /** False: it is sent once. Default true. */
  readonly isLive?: boolean;
}

export interface View {
  readonly title: string;
  readonly regions: readonly Region[];
}

export interface ViewContext {
  readonly sluice: Sluice;
  readonly link: Link;
  readonly visitor: Visitor;
  /** Of the request: filters and places. */
  readonly query: URLSearchParams;
  /** Where Temporal's own pages are. */
  readonly webUiUrl: string | undefined;
  readonly namespace: string;
  /** Looks at servers and workers; undefined where nobody said how. */
  readonly diagnose: (() => Promise<readonly Finding[]>) | undefined;
  readonly definitions: Definitions;
  /** Where an account is connected again; undefined where nobody said it. */
  readonly connectUrl: ConnectAddress | undefined;
  /** Path and query of this view, to come back to. */
  readonly here: string;
  readonly now: Date;
}

/** @returns undefined when what it is about is not known. */
export type RenderView = (context: ViewContext, params: Readonly<Record<string, string>>) => Promise<View | undefined>;
