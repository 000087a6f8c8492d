/**
 * The pages of an act: what it would do is asked by GET, and it is done by POST.
 * Used by: `dashboard/create-dashboard.ts`. Next: `dashboard/acts/do-act.ts`.
 */
import { actNamed, askAct, askedForm, askedTitle, doAct, type Asked } from '../acts/do-act.ts';
import { page } from '../layout.ts';
import { MAY_NOT_ACT, type Visitor } from './access.ts';
import { fieldsOf } from './fields.ts';
import { sentence } from './responses.ts';
import { say, type Said } from './said.ts';
import type { Site } from './site.ts';
import type { Visit } from './visited.ts';

export interface ActPages {
  readonly ask: Visit;
  readonly carryOut: Visit;
}

export function createActPages(site: Site): ActPages {
  const { sluice, definitions, access, link, below, shared, hasDoctor, cookiePath } = site;
  const { answer, note, to } = site.responses;
  const nameOf = ({ pathname }: URL): string => below(pathname).slice('/do/'.length);
  const noAct = (visitor: Visitor): Response => note(404, 'Not here', 'There is no such act.', visitor);
  const form = (asked: Asked, visitor: Visitor, said?: Said): Response => {
    const content = askedForm(asked, link, access, visitor);
    const frame = { title: askedTitle(asked), link, at: '?', visitor, hasDoctor, said };
    return answer(page(frame, [{ id: 'ask', content, isLive: false }]), said ? 409 : 200);
  };

  const ask: Visit = async (_, visitor, url) => {
    if (visitor.role !== 'operate') return note(403, 'Refused', MAY_NOT_ACT, visitor);
    const act = actNamed(nameOf(url));
    if (!act) return noAct(visitor);
    try {
      const given = Object.fromEntries(url.searchParams);
      return form(await askAct(sluice, definitions, nameOf(url), act, given), visitor);
    } catch (error) {
      return note(409, 'It can’t be done', sentence(error), visitor);
    }
  };

  const carryOut: Visit = async (request, visitor, url) => {
    const fields = await fieldsOf(request);
    const refusal = access.refusal(request, visitor, fields['mark']);
    if (refusal !== undefined) return note(403, 'Refused', refusal, visitor);
    const name = nameOf(url);
    const act = actNamed(name);
    if (!act) return noAct(visitor);
    const as = (who: Parameters<Parameters<typeof doAct>[0]>[0]) => sluice.as({ ...who, via: 'page' });
    const { at, ...said } = await doAct(as, visitor, act, fields, definitions);
    shared.forget();
    // What was typed is not typed again.
    const again = said.isError && (await askAct(sluice, definitions, name, act, fields, fields).catch(() => undefined));
    if (again && (again.preview.inputs ?? []).length > 0) return form(again, visitor, said);
    return to(at === undefined ? link(...act.back(fields)) : link(at), { 'set-cookie': say(said, cookiePath) });
  };

  return { ask, carryOut };
}
