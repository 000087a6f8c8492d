/** Names and what they are, one below the other. What is not known is left out. */
import { html, type Html } from '../html.ts';

export function facts(of: readonly (readonly [string, Html | string | number | undefined | null | false])[]): Html {
  return html`<dl class="facts">
    ${of.map(
      ([name, value]) =>
        value !== undefined &&
        value !== null &&
        value !== false &&
        value !== '' &&
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}
