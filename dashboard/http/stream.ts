/**
 * The stream of one page: renders its view again and again, and sends the live regions that have changed. Pages that show the same
 * share the work. It ends when its reader goes, or may not look any more. Next: `assets/live.js` puts the regions in.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { View } from '../view.ts';

export interface StreamOptions {
  /** Renders the view; undefined when it is gone. */
  readonly render: () => Promise<View | undefined>;
  /** Asked before each look. */
  readonly mayLook: () => Promise<boolean>;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Told once, however it ended. */
  readonly ended: () => void;
}

/** What has changed is shown within two seconds. Not sooner where much changes: a time that counts down changes all the time. */
const LOOK_AGAIN_MS = 1_500;
/** After a failure, so that a database that is down is not asked all the time. */
const FAILED_MS = 5_000;
/** Proxies end what says nothing. */
const BEAT_MS = 15_000;

/** Chunks that a reader may be behind: one that does not read at all is let go. */
const MOST_UNREAD = 500;

export function streamView({ render, mayLook, signal, ended }: StreamOptions): ReadableStream<Uint8Array> {
  const ending = new AbortController();
  const both = AbortSignal.any([signal, ending.signal]);
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      const write = (text: string): void => {
        if ((controller.desiredSize ?? 0) < -MOST_UNREAD) ending.abort();
        else if (!both.aborted) controller.enqueue(new TextEncoder().encode(text));
      };
      void run(render, mayLook, both, write).finally(() => {
        ended();
        close(controller);
      });
    },
    cancel: () => ending.abort(),
  });
}

function close(controller: ReadableStreamDefaultController): void {
  try {
    controller.close();
  } catch {
    // Its reader has closed it.
  }
}

async function run(
  render: StreamOptions['render'],
  mayLook: StreamOptions['mayLook'],
  signal: AbortSignal,
  write: (text: string) => void,
): Promise<void> {
  const sent = new Map<string, string>();
  let spokeAt = performance.now();
  write('retry: 3000\n\n');
  while (!signal.aborted) {
    let waitMs = LOOK_AGAIN_MS;
    try {
      const view = (await mayLook()) ? await render() : undefined;
      if (signal.aborted) return;
      if (view === undefined) {
        write('event: gone\ndata: {}\n\n');
        return;
      }
      for (const { id, content, isLive } of view.regions) {
        if (isLive === false || sent.get(id) === content.text) continue;
        sent.set(id, content.text);
        write(`event: region\ndata: ${JSON.stringify({ id, html: content.text })}\n\n`);
        spokeAt = performance.now();
      }
    } catch {
      waitMs = FAILED_MS;
    }
    if (performance.now() - spokeAt > BEAT_MS) {
      write(': beat\n\n');
      spokeAt = performance.now();
    }
    await sleep(waitMs, undefined, { signal }).catch(() => {}); // aborted: the loop ends
  }
}

export interface SharedRenders {
  /** One rendering for all who ask for the same within a moment. */
  get(key: string, render: () => Promise<View | undefined>): Promise<View | undefined>;
  /** Something was done: what was rendered before it is old. */
  forget(): void;
}

export function shareRenders(forMs = 900): SharedRenders {
  const recent = new Map<string, { readonly at: number; readonly view: Promise<View | undefined> }>();
  return {
    get: (key, render) => {
      const now = performance.now();
      for (const [each, { at }] of recent) if (now - at > forMs) recent.delete(each);
      const known = recent.get(key);
      if (known) return known.view;
      const view = render();
      recent.set(key, { at: now, view });
      return view;
    },
    forget: () => recent.clear(),
  };
}
