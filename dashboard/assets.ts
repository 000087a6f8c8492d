/** The files that a page needs besides itself: styles, the script, the icon. Read once. */
import { readFile } from 'node:fs/promises';

const TYPES: Readonly<Record<string, string>> = {
  'page.css': 'text/css; charset=utf-8',
  'live.js': 'text/javascript; charset=utf-8',
  'icon.svg': 'image/svg+xml',
};

export interface Asset {
  readonly text: string;
  readonly type: string;
}

const read = new Map<string, Promise<string>>();

/** @returns undefined for a name that is none. */
export async function readAsset(name: string): Promise<Asset | undefined> {
  const type = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  if (type === undefined) return undefined;
  const text = read.get(name) ?? readFile(new URL(`./assets/${name}`, import.meta.url), 'utf8');
  read.set(name, text);
  return { text: await text, type };
}
