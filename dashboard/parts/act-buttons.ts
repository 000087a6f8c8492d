/** Buttons that lead to acts: each to a page that says first what will be done. Next: `dashboard/acts/do-act.ts`. */
import { html, type Html } from '../html.ts';
import type { Query } from '../link.ts';
import type { ViewContext } from '../view.ts';

export interface Offer {
  /** Name of the act. */
  readonly act: string;
  readonly words: string;
  readonly isDanger?: boolean;
}

/** @param of the acts' subject, in the address. @param label of the group. @returns nothing for who may not act. */
export function actButtons(
  { link, visitor }: Pick<ViewContext, 'link' | 'visitor'>,
  offers: readonly (Offer | false)[],
  of: Query,
  label = 'What can be done',
): Html {
  if (visitor.role !== 'operate') return html``;
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
