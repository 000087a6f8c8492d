/** The frame of every page: the ways to the views, what was just done, the regions. Styles and the script come from this server. */
import type { Visitor } from './http/access.ts';
import { html, type Html } from './html.ts';
import type { Link } from './link.ts';
import type { Said } from './http/said.ts';
import type { Region } from './view.ts';

const WAYS = [
  ['Overview', []],
  ['Runs', ['runs']],
  ['Accounts', ['accounts']],
  ['Limits', ['limits']],
  ['Reports', ['reports']],
  ['Actions', ['actions']],
  ['Schedules', ['schedules']],
  ['Alerts', ['alerts']],
  ['Audit', ['audit']],
  ['Workers', ['workers']],
  ['Doctor', ['doctor']],
] as const;

export interface Frame {
  readonly title: string;
  readonly link: Link;
  /** First part of the path. */
  readonly at: string;
  readonly visitor: Visitor | undefined;
  /** Whether there is a view of servers and workers. */
  readonly hasDoctor?: boolean;
  /** What an act has said. */
  readonly said?: Said | undefined;
  /** Address of the stream; undefined for a page that does not change. */
  readonly live?: string | undefined;
}

export function page(frame: Frame, regions: readonly Region[]): Html {
  const { title, link, visitor, said, live } = frame;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Sluice</title>
        <link rel="stylesheet" href="${link(['assets', 'page.css'])}" />
        <link rel="icon" href="${link(['assets', 'icon.svg'])}" type="image/svg+xml" />
        ${live !== undefined && html`<script type="module" src="${link(['assets', 'live.js'])}"></script>`}
      </head>
      <body ${live !== undefined && html`data-live="${live}"`}>
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <a class="brand" href="${link([])}">Sluice</a>
          ${visitor && ways(frame)} ${visitor && search(link)}
        </header>
        <main id="main" tabindex="-1">
          <h1>${title}</h1>
          ${said && html`<p class="said${said.isError ? ' wrong' : ''}" role="${said.isError ? 'alert' : 'status'}">${said.text}</p>`}
          ${regions.map(regionHtml)}
        </main>
        <footer>
          ${live !== undefined && html`<p id="stream" role="status">This page is as it was when it was loaded.</p>`}
          ${visitor?.role === 'read' && html`<p>You may look and not act.</p>`}
        </footer>
      </body>
    </html>`;
}

function ways({ link, at, hasDoctor }: Frame): Html {
  return html`<nav aria-label="Views">
    <ul>
      ${WAYS.filter(([, [first]]) => first !== 'doctor' || hasDoctor).map(
        ([name, path]) =>
          html`<li><a href="${link(path)}" ${(path[0] ?? '') === at && html`aria-current="page"`}>${name}</a></li>`,
      )}
    </ul>
  </nav>`;
}

function search(link: Link): Html {
  return html`<form class="search" role="search" action="${link(['search'])}">
    <label for="q">Find</label>
    <input id="q" name="q" type="search" placeholder="account, run or limit key" maxlength="300" />
    <button>Go</button>
  </form>`;
}

function regionHtml({ id, content, isLive }: Region): Html {
  return html`<div id="${id}" ${isLive !== false && html`data-region`}>${content}</div>`;
}
