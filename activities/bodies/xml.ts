/**
 * XML as objects: elements become fields, attributes fields with `@`. Strictly well-formed. No entities but the five of XML and those by
 * number, no declarations of a document's own: nothing expands, and nothing is fetched. Used by: `body-data.ts`.
 * @see https://www.w3.org/TR/xml/ §4.6
 */
import sax, { type SAXParser } from 'sax';
import type { AnswerData } from '../../contracts/answers/answer.ts';
import type { XmlFormat } from '../../contracts/answers/body-format.ts';

/** Elements inside one another: more is made to exhaust whoever walks through it. */
const DEEPEST = 200;

/** Not in the types of the package: no entities of HTML either. */
const STRICT: object = { strictEntities: true };

interface Open {
  readonly name: string;
  readonly path: string;
  readonly fields: Map<string, unknown>;
  text: string;
  hasElements: boolean;
}

class Refused extends Error {}

export function readXml(text: string, { lists = [], prefixes = true }: Omit<XmlFormat, 'kind'> = {}): AnswerData {
  try {
    return { ok: true, value: parseXml(text, listsByParent(lists), prefixes ? asWritten : withoutPrefix) };
  } catch (error) {
    const [message = ''] = (error as Error).message.split('\n');
    return { ok: false, reason: error instanceof Refused ? message : `is no XML (${message})` };
  }
}

/** Names of the elements that are lists, by the path of the element that they are in. */
type Lists = ReadonlyMap<string, readonly string[]>;

function listsByParent(lists: readonly string[]): Lists {
  const byParent = new Map<string, string[]>();
  for (const list of lists) {
    const dot = list.lastIndexOf('.');
    const parent = list.slice(0, Math.max(0, dot));
    byParent.set(parent, [...(byParent.get(parent) ?? []), list.slice(dot + 1)]);
  }
  return byParent;
}

/** The name of an element or attribute as a field; undefined: it is none. */
type Naming = (written: string) => string | undefined;
const asWritten: Naming = (written) => written;
/** What declares prefixes means nothing without them. */
const withoutPrefix: Naming = (written) =>
  /^xmlns(?:$|:)/.test(written) ? undefined : written.slice(written.indexOf(':') + 1) || written;

function parseXml(text: string, lists: Lists, named: Naming): unknown {
  const root: Open = { name: '', path: '', fields: new Map(), text: '', hasElements: false };
  const open: Open[] = [root];
  const here = (): Open => open.at(-1) as Open;
  const reader = sax.parser(true, STRICT);
  const on: Partial<SAXParser> = {
    onerror: (error) => {
      throw error;
    },
    ondoctype: (declared) => {
      if (declared.includes('[')) throw new Refused('is XML that declares entities of its own, which are not read');
    },
    onopentag: ({ name: written, attributes }) => {
      if (open.length > DEEPEST) throw new Refused(`is XML of more than ${DEEPEST} elements inside one another`);
      const parent = here();
      parent.hasElements = true;
      const name = named(written) ?? written;
      const path = parent.path === '' ? name : `${parent.path}.${name}`;
      const fields = new Map<string, unknown>();
      for (const [key, value] of Object.entries(attributes)) {
        const field = named(key);
        if (field !== undefined) fields.set(`@${field}`, value);
      }
      open.push({ name, path, fields, text: '', hasElements: false });
    },
    ontext: (part) => {
      here().text += part;
    },
    oncdata: (part) => {
      here().text += part;
    },
    onclosetag: () => {
      const element = open.pop() as Open;
      const { path, fields } = here();
      addTo(fields, element.name, valueOf(element, lists), lists.get(path)?.includes(element.name) ?? false);
    },
  };
  Object.assign(reader, on);
  reader.write(text).close();
  if (!root.hasElements) throw new Refused('is empty, and no XML');
  return Object.fromEntries(root.fields);
}

function valueOf({ path, fields, text, hasElements }: Open, lists: Lists): unknown {
  for (const name of lists.get(path) ?? []) if (!fields.has(name)) fields.set(name, []);
  if (!hasElements && fields.size === 0) return text;
  if (text.trim() !== '') fields.set('#text', text);
  // Entries, not assignments: an element may be called `__proto__`.
  return Object.fromEntries(fields);
}

function addTo(fields: Map<string, unknown>, name: string, value: unknown, isList: boolean): void {
  const before = fields.get(name);
  if (Array.isArray(before)) before.push(value);
  else if (before !== undefined) fields.set(name, [before, value]);
  else fields.set(name, isList ? [value] : value);
}
