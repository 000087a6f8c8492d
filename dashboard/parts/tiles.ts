/** Numbers side by side; each may lead to what it counts. */
import { html, type Html } from '../html.ts';

export interface Tile {
  readonly words: string;
  readonly value: string;
  readonly href?: string;
  readonly isBad?: boolean;
  readonly more?: Html;
}

export function tiles(of: readonly Tile[]): Html {
  return html`<ul class="tiles">
    ${of.map(
      ({ words, value, href, isBad, more }) =>
        html`<li class="${isBad ? 'bad' : ''}">
          <strong>${value}</strong>
          ${href === undefined ? words : html`<a id="to-${words.replaceAll(' ', '-')}" href="${href}">${words}</a>`}
          ${more}
        </li>`,
    )}
  </ul>`;
}
