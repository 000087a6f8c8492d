/** Times as people read them: how long ago in words that change each minute, and the exact time beside it. */
import { duration } from '../../contracts/values/duration.ts';
import { html, type Html } from '../html.ts';

/** @param at ISO time, past or to come. */
export function when(at: string | null | undefined, now: Date, none = 'never'): Html {
  if (at === null || at === undefined) return html`<span class="dim">${none}</span>`;
  const ms = Date.parse(at) - now.getTime();
  return html`<time datetime="${at}" title="${exact(at)}">${relative(ms)}</time>`;
}

/** `2026-11-28 06:02:11 UTC` */
export function exact(at: string): string {
  return `${at.slice(0, 10)} ${at.slice(11, 19)} UTC`;
}

function relative(ms: number): string {
  const away = Math.abs(ms);
  if (away < 60_000) return ms > 0 ? 'in less than a minute' : 'less than a minute ago';
  const words = duration(Math.round(away / 60_000) * 60_000);
  return ms > 0 ? `in ${words}` : `${words} ago`;
}

/** How long something took; nothing while it goes on. */
export function took(startedAt: string, endedAt: string | null): string {
  return endedAt === null ? '' : duration(Date.parse(endedAt) - Date.parse(startedAt));
}
