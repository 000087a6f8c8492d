/**
 * The page between a button and its act: what will be done, to how many, and why it is wanted where it is dangerous. Then the act
 * itself, and the way back. Called by `dashboard/create-dashboard.ts`.
 */
import type { Sluice } from '../../client/index.ts';
import type { Access, Visitor } from '../http/access.ts';
import type { Act, Fields, Preview } from './act.ts';
import { acts } from './acts.ts';
import { html, verbatim, type Html } from '../html.ts';
import type { Link } from '../link.ts';
import { sentence } from '../http/responses.ts';
import type { Said } from '../http/said.ts';

export interface Asked {
  readonly name: string;
  readonly act: Act;
  readonly subject: Fields;
  readonly preview: Preview;
}

/** @returns undefined for an act that is none. */
export async function askAct(sluice: Sluice, name: string, query: URLSearchParams): Promise<Asked | undefined> {
  const act = Object.hasOwn(acts, name) ? acts[name] : undefined;
  if (act === undefined) return undefined;
  const subject = Object.fromEntries(act.of.flatMap((field) => (query.get(field) ? [[field, query.get(field)!]] : [])));
  return { name, act, subject, preview: await act.preview(sluice, subject) };
}

export function askedTitle({ act, preview }: Asked): string {
  return `${act.words}: ${preview.subject}?`;
}

/** The form of an act. */
export function askedForm({ name, act, subject, preview }: Asked, link: Link, access: Access, visitor: Visitor): Html {
  const hidden = { ...subject, ...preview.confirmed, mark: access.mark(visitor) };
  return html`<ul>
      ${preview.effects.map((effect) => html`<li>${effect}</li>`)}
    </ul>
    <form method="post" action="${link(['do', name])}">
      ${Object.entries(hidden).map(([field, value]) => html`<input type="hidden" name="${field}" value="${verbatim(value)}" />`)}
      ${(act.inputs ?? []).map(
        ({ name: field, label }) =>
          html`<p class="field">
            <label for="in-${field}">${label}</label
            ><input id="in-${field}" name="${field}" type="number" min="0" step="any" inputmode="decimal" />
          </p>`,
      )}
      ${
        act.isDangerous &&
        html`<p class="field">
          <label for="why">Why?</label>
          <input id="why" name="why" required maxlength="300" autocomplete="off" />
        </p>`
      }
      <div class="acts">
        <button class="${act.isDangerous ? 'danger' : ''}">${act.words}</button>
        <a class="button" href="${link(...act.back(subject))}">Leave it as it is</a>
      </div>
    </form>`;
}

/** @param clientFor whoever acts, and why: for the audit. */
export async function doAct(
  clientFor: (who: { readonly by: `user:${string}`; readonly why?: string }) => Sluice,
  { by = 'user:dashboard' }: Visitor,
  act: Act,
  fields: Fields,
): Promise<Said> {
  const why = fields['why']?.trim() ?? '';
  if (act.isDangerous && why === '') return { text: 'Not done: say why.', isError: true };
  try {
    return {
      text: await act.perform(clientFor({ by, ...(why === '' ? {} : { why }) }), fields),
      isError: false,
    };
  } catch (error) {
    return { text: `Not done: ${sentence(error)}`, isError: true };
  }
}
