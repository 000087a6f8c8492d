/**
 * Redirects of reads inside one origin are followed, and those to open hosts, without credentials. Any other one is the
 * answer, so that no secret leaves the origin. Each hop is a call of its own, with a permit of its own. Used by
 * `activities/call/make-call.ts`.
 */
import type { Answer } from '../../contracts/answers/answer.ts';
import { keepLatest } from '../../contracts/values/keep-latest.ts';
import type { OutgoingRequest } from './send.ts';

export const MAX_REDIRECTS = 5;

/** @param isOpen whether an address leads to an open host. @returns where the answer sends a read on to; undefined when it is to be taken as it is. */
export function redirectTarget(
  { method, url }: Pick<OutgoingRequest, 'method' | 'url'>,
  answer: Answer,
  isOpen: (address: string) => boolean = () => false,
): string | undefined {
  const { location } = answer.headers;
  if (method !== 'GET' || answer.error || location === undefined || !isRedirect(answer.status)) return undefined;
  if (!URL.canParse(location, url)) return undefined;
  const target = new URL(location, url);
  return target.origin === new URL(url).origin || isOpen(target.href) ? target.href : undefined;
}

function isRedirect(status: number): boolean {
  return [301, 302, 303, 307, 308].includes(status);
}

/**
 * Where a redirected call goes on whose next hop has to wait for a permit. Else it would begin anew each time, and
 * under a limit of one call a window never come to its end. Forgotten with the process, and after some minutes.
 */
export interface HopMemory {
  /** @param callKey of the call's place in the queues. @param url where it began. */
  keep(callKey: string, url: string, target: string): void;
  /** Once. @returns undefined when the call begins at its own address. */
  take(callKey: string, url: string): string | undefined;
}

const MOST_KEPT = 10_000;
const KEPT_MS = 600_000;

export function createHopMemory(): HopMemory {
  const kept = new Map<string, { readonly url: string; readonly target: string; readonly at: number }>();
  return {
    keep: (callKey, url, target) => keepLatest(kept, callKey, { url, target, at: performance.now() }, MOST_KEPT),
    take: (callKey, url) => {
      const hop = kept.get(callKey);
      kept.delete(callKey);
      return hop?.url === url && performance.now() - hop.at < KEPT_MS ? hop.target : undefined;
    },
  };
}
