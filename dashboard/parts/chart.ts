/**
 * Graphs over time, drawn by the server. They stand without a script, are kept up to date like any region, and are told
 * by screen readers in words. Marks are lines across all graphs of a group. Used by: `limit-graphs.ts`.
 */
import { html, verbatim, type Html } from '../html.ts';
import { rate } from './count.ts';

const WIDTH = 720;
const HEIGHT = 64;
const TOP = 4;

export interface Series {
  /** A value for each slot; null: not known, and the line has a gap. */
  readonly values: readonly (number | null)[];
  readonly look: 'bars' | 'bars-bad' | 'line' | 'limit';
}

export interface Graph {
  readonly title: string;
  readonly series: readonly Series[];
}

export interface Mark {
  /** 0 at the left, 1 at the right. */
  readonly place: number;
  readonly kind: string;
  readonly text: string;
}

/** Each series of a graph has the same scale; a graph of which nothing is known is left out. */
export function graphs(of: readonly Graph[], marks: readonly Mark[]): Html {
  return html`${of.filter(isKnown).map((graph) => figure(graph, marks))}`;
}

const isKnown = ({ series }: Graph): boolean => series.some(({ values }) => values.some((value) => value !== null));

function figure({ title, series }: Graph, marks: readonly Mark[]): Html {
  const most = Math.max(...series.flatMap(({ values }) => values.map((value) => value ?? 0)), 0);
  const known = series[0]?.values.filter((value) => value !== null) ?? [];
  const words = `${title}: ${rate(most)} at most, ${rate(known.at(-1) ?? 0)} at the end`;
  const y = (value: number): number => HEIGHT - (most === 0 ? 0 : (value / most) * (HEIGHT - TOP));
  return html`<figure class="graph">
    <figcaption>${title} <span class="dim">${rate(most)} at most</span></figcaption>
    <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${words}">
      ${series.map((each) => drawn(each, y))}
      ${marks.map(
        ({ place, kind, text }) =>
          html`<g class="mark mark-${kind}"
            ><title>${text}</title
            ><line
              x1="${(place * WIDTH).toFixed(1)}"
              x2="${(place * WIDTH).toFixed(1)}"
              y1="0"
              y2="${HEIGHT}"
              vector-effect="non-scaling-stroke"
          /></g>`,
      )}
    </svg>
  </figure>`;
}

function drawn({ values, look }: Series, y: (value: number) => number): Html {
  const step = WIDTH / values.length;
  if (look === 'bars' || look === 'bars-bad') {
    const path = values.flatMap((value, index) => {
      if (value === null || value === 0) return [];
      const at = index * step;
      return `M${at.toFixed(1)} ${HEIGHT}V${y(value).toFixed(1)}H${(at + step * 0.85).toFixed(1)}V${HEIGHT}Z`;
    });
    return html`<path class="${look}" d="${verbatimPath(path)}" />`;
  }
  let isOpen = false;
  const path = values.flatMap((value, index) => {
    const wasOpen = isOpen;
    isOpen = value !== null;
    return value === null
      ? []
      : `${wasOpen ? 'L' : 'M'}${((index + 0.5) * step).toFixed(1)} ${y(value).toFixed(1)}h0.01`;
  });
  return html`<path
    class="${look === 'limit' ? 'limit-line' : 'spark'}"
    d="${verbatimPath(path)}"
    vector-effect="non-scaling-stroke"
  />`;
}

/** Numbers and letters of ours: longer than texts are shown. */
function verbatimPath(parts: readonly string[]): Html {
  return verbatim(parts.join(''));
}
