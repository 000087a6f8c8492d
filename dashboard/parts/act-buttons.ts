/** Buttons that lead to acts: each to a page that says first what will be done. Next: `dashboard/acts/do-act.ts`. */
import { html, type Html } from '../html.ts';
import type { Link, Query } from '../link.ts';

export interface Offer {
  /** Name of the act. */
  readonly act: string;
  readonly words: string;
  readonly isDanger?: boolean;
}

/** @param of the acts' subject, in the address. @param label of the group. */
export function actButtons(
  link: Link,
  offers: readonly (Offer | false)[],
  of: Query,
  label = 'What can be done',
): Html {
  return html`<div class="acts" role="group" aria-label="${label}">
    ${offers
      .filter((offer) => offer !== false)
      .map(
        ({ act, words, isDanger }) =>
          html`<a
            id="${[act, of['provider']].filter(Boolean).join('-')}"
            class="button${isDanger ? ' danger' : ''}"
            href="${link(['do', act], of)}"
            >${words}</a
          >`,
      )}
  </div>`;
}
