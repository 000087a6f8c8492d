/** A line drawn by the server: how something went, with its highest value in words for those who do not see it. */
import { html, type Html } from '../html.ts';
import { count } from './count.ts';

const WIDTH = 120;
const HEIGHT = 34;

/** @param values oldest first. @param words what they are. */
export function sparkline(values: readonly number[], words: string): Html {
  const most = Math.max(...values, 0);
  if (values.length < 2) return html``;
  const step = WIDTH / (values.length - 1);
  const y = (value: number): string => (HEIGHT - 2 - (most === 0 ? 0 : (value / most) * (HEIGHT - 4))).toFixed(1);
  const points = values.map((value, index) => `${(index * step).toFixed(1)},${y(value)}`).join(' ');
  return html`<svg
    viewBox="0 0 ${WIDTH} ${HEIGHT}"
    preserveAspectRatio="none"
    role="img"
    aria-label="${words}: ${count(most)} at most"
  >
    <polyline class="spark" points="${points}" vector-effect="non-scaling-stroke" />
  </svg>`;
}
