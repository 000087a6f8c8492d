/**
 * The samples of the docs as modules that a compiler checks. A sample may be a part of something: members of options are put into
 * what takes them, `…` stands for what is left out, and names come from what the sample imports, from the scene, or from `sluice`.
 * Used by: `test/quick/repository/doc-samples.test.ts`.
 */

export interface DocSample {
  /** `docs/guides/actions.md:17`: where its code begins. */
  readonly place: string;
  readonly code: string;
}

export function samplesOf(page: string, text: string): DocSample[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(({ 1: code = '', index }) => ({
    place: `${page}:${text.slice(0, index).split('\n').length + 1}`,
    code,
  }));
}

/** Names that a module exports, as its source lists them. */
export function exportsOf(source: string): string[] {
  const listed = [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = '']) => list.split(','));
  const made = [...source.matchAll(/^export const (\w+|\[[^\]]*\])/gm)].flatMap(([, names = '']) => names.split(','));
  return [...listed, ...made].map((name) => /(\w+)\W*$/.exec(name)?.[1] ?? '').filter((name) => name !== '');
}

/** What takes the members of options that a sample shows: the first whose member is among them. */
const TAKERS: readonly (readonly [member: RegExp, open: string])[] = [
  [/^auth:/m, 'defineProvider({ ...provided,'],
  [/^perform:/m, "social.action('sample', { ...performed,"],
  [/^(?:conflicts|made|output|compensate|whenUnknown):|idempotencyKey/m, "social.action('sample', { ...acted,"],
  [/^incremental:/m, 'takesNode({'],
  [/^(?:paginate|request|classify):/m, "social.endpoint('sample', { ...asked,"],
];

/** @param modules names that a sample need not import, by module; of two with the same name the first is meant. */
export function moduleOf({ code }: DocSample, modules: ReadonlyMap<string, readonly string[]>): string {
  const imports: string[] = [];
  const body = withoutGaps(code).replaceAll(/^import [\s\S]*?;$/gm, (line) => {
    // Files of the reader's own are the scene's.
    imports.push(line.replace(/'\.{1,2}\/[^']*'/, "'scene'"));
    return '';
  });
  const declared = [...body.matchAll(/\b(?:const|let|function|class)\s+(\w+|\{[^}]*\})/g)].map(([, names]) => names);
  const imported = imports.map((line) => line.replace(/ from .*/s, ''));
  const taken = new Set([...declared, ...imported].join(' ').match(/\w+/g));
  const given = [...modules].map(([module, names]) => {
    const free = names.filter((name) => !taken.has(name));
    for (const name of free) taken.add(name);
    return `import { ${free.join(', ')} } from '${module}';`;
  });
  return [...given, ...imports, ...partsOf(body), 'export {};', ''].join('\n');
}

function withoutGaps(code: string): string {
  return code
    .replaceAll(/, … \} from/g, ' } from')
    .replaceAll('=> { … }', '=> leftOut')
    .replaceAll('=> { …', '=> { void leftOut;')
    .replaceAll(/(?<=[(,] )…(?=\))|(?<=\()…(?=\))/g, 'leftOut')
    .replaceAll(/\) …/g, ') ;')
    .replaceAll(/(?<=[({,\n]\s*)…/g, '...leftOut');
}

function partsOf(body: string): string[] {
  if (body.startsWith('{ method:'))
    return body.split('\n').map((line) => line.replace(/^(\{.*\})/, 'takesRequest($1);'));
  // An empty line is between two spellings, and so is a line that names again what the one before it has.
  return body.split(/\n\n(?=\w+: )|\n(?=paginate: \{ kind: 'link'.*next:)/).map((part) => {
    if (!/^\s*(?:\/\/.*\s*)*\w+: /.test(part)) return part;
    const [, open = 'takesNode({'] = TAKERS.find(([member]) => member.test(part)) ?? [];
    return `${open}\n${part}\n});`;
  });
}
