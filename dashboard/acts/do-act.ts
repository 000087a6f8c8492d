/**
 * The page between a button and its act: what will be done, to how many, and why it is wanted where it is dangerous. Then the act
 * itself, and the way back. Used by: `dashboard/http/act-pages.ts`.
 */
import type { Sluice } from '../../client/index.ts';
import type { Access, Visitor } from '../http/access.ts';
import type { Definitions } from '../definitions.ts';
import type { Act, Fields, Input, Preview } from './act.ts';
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
  /** What was posted before, where it could not be done. */
  readonly typed: Fields;
}

export function actNamed(name: string): Act | undefined {
  return Object.hasOwn(acts, name) ? acts[name] : undefined;
}

/** @throws Error when it can't be done, with what to do. */
export async function askAct(
  sluice: Sluice,
  definitions: Definitions,
  name: string,
  act: Act,
  given: Fields,
  typed: Fields = {},
): Promise<Asked> {
  const subject = Object.fromEntries(act.of.flatMap((field) => (given[field] ? [[field, given[field]]] : [])));
  return { name, act, subject, preview: await act.preview(sluice, subject, definitions), typed };
}

export function askedTitle({ act, preview }: Asked): string {
  return `${act.words}: ${preview.subject}?`;
}

/** The form of an act. */
export function askedForm(asked: Asked, link: Link, access: Access, visitor: Visitor): Html {
  const { name, act, subject, preview, typed } = asked;
  // Asked again, what was confirmed first stays: a lost answer may hide that it was done.
  const confirmed = Object.fromEntries(
    Object.entries(preview.confirmed ?? {}).map(([field, value]) => [field, typed[field] ?? value]),
  );
  const hidden = { ...subject, ...confirmed, mark: access.mark(visitor) };
  return html`<ul>
      ${preview.effects.map((effect) => html`<li>${effect}</li>`)}
    </ul>
    <form method="post" action="${link(['do', name])}">
      ${Object.entries(hidden).map(([field, value]) => html`<input type="hidden" name="${field}" value="${verbatim(value)}" />`)}
      ${(preview.inputs ?? []).map((input) => fieldOf(input, typed[input.name] ?? input.value ?? ''))}
      ${
        act.isDangerous &&
        html`<p class="field">
          <label for="why">Why?</label>
          <input
            id="why"
            name="why"
            required
            maxlength="300"
            autocomplete="off"
            value="${verbatim(typed['why'] ?? '')}"
          />
        </p>`
      }
      <div class="acts">
        <button class="${act.isDangerous ? 'danger' : ''}">${act.words}</button>
        <a class="button" href="${link(...act.back(subject))}">Leave it as it is</a>
      </div>
    </form>`;
}

function fieldOf({ name, label, kind, choices = [], isOptional }: Input, value: string): Html {
  const id = `in-${name}`;
  const required = !isOptional && html`required`;
  const labelled = html`<label for="${id}">${label}</label>`;
  switch (kind) {
    case 'number':
      return html`<p class="field">
        ${labelled}<input
          id="${id}"
          name="${name}"
          type="number"
          min="0"
          step="any"
          inputmode="decimal"
          value="${value}"
          ${required}
        />
      </p>`;
    case 'text':
      return html`<p class="field">
        ${labelled}<input id="${id}" name="${name}" autocomplete="off" value="${verbatim(value)}" ${required} />
      </p>`;
    case 'json':
      // The end of a line behind the tag is no part of the text.
      return html`<p class="field">
        ${labelled}<textarea id="${id}" name="${name}" rows="8" spellcheck="false" autocomplete="off" ${required}>
${verbatim(value)}</textarea>
      </p>`;
    case 'choice':
      return html`<p class="field">
        ${labelled}<select id="${id}" name="${name}">
          ${choices.map((each) => html`<option value="${verbatim(each)}" ${each === value && html`selected`}>${each}</option>`)}
        </select>
      </p>`;
  }
}

export interface ActDone extends Said {
  /** Path of the view that shows what came of it; undefined: where the act began. */
  readonly at?: readonly string[];
}

/** @param clientFor whoever acts, and why: for the audit. */
export async function doAct(
  clientFor: (who: { readonly by: `user:${string}`; readonly why?: string }) => Sluice,
  { by = 'user:dashboard' }: Visitor,
  act: Act,
  fields: Fields,
  definitions: Definitions,
): Promise<ActDone> {
  const given = fields['why']?.trim() ?? '';
  if (act.isDangerous && given === '') return { text: 'Not done: say why.', isError: true };
  const why = [given, act.why?.(fields)].filter(Boolean).join('; ');
  try {
    const done = await act.perform(clientFor({ by, ...(why === '' ? {} : { why }) }), fields, definitions);
    return typeof done === 'string' ? { text: done, isError: false } : { ...done, isError: false };
  } catch (error) {
    return { text: `Not done: ${sentence(error)}`, isError: true };
  }
}
