/** The last runs of a sync as bars: as high as they took long, in the colour of their end. Used by: `dashboard/views/schedules.ts`. */
import type { EndedRuns } from '../../client/index.ts';
import { duration } from '../../contracts/values/duration.ts';
import { html, type Html } from '../html.ts';

const WIDTH = 120;
const HEIGHT = 26;
/** So that the shortest is seen. */
const LEAST = 3;

export function runBars(runs: EndedRuns['runs']): Html {
  if (runs.length === 0) return html`<span class="dim">none</span>`;
  const most = Math.max(...runs.map(({ tookMs }) => tookMs), 1);
  const good = runs.filter(({ state }) => state === 'done').length;
  const words = `${good} of the last ${runs.length} good, ${duration(runs.at(-1)?.tookMs ?? 0)} the last`;
  const step = WIDTH / runs.length;
  return html`<svg
      class="run-bars"
      viewBox="0 0 ${WIDTH} ${HEIGHT}"
      width="${WIDTH}"
      height="${HEIGHT}"
      role="img"
      aria-label="${words}"
    >
      ${runs.map(({ state, tookMs }, index) => {
        const high = Math.max(LEAST, (tookMs / most) * HEIGHT);
        return html`<rect
          class="${state === 'done' ? 'bars' : 'bars-bad'}"
          x="${(index * step).toFixed(1)}"
          y="${(HEIGHT - high).toFixed(1)}"
          width="${(step * 0.8).toFixed(1)}"
          height="${high.toFixed(1)}"
          ><title>${state}, ${duration(tookMs)}</title></rect
        >`;
      })}
    </svg>
    <span class="dim">${good} of ${runs.length} good</span>`;
}
