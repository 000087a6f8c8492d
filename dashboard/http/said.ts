/** What an act has said, carried to the page that is shown after it, and shown once. */
import { cookieOf } from './access.ts';

export interface Said {
  readonly text: string;
  readonly isError: boolean;
}

const COOKIE = 'sluice_said';
/** Characters; a cookie has 4 kB, and an encoded one may be nine times as long. */
const MOST = 400;

/** @returns a value of `set-cookie`. */
export function say({ text, isError }: Said, path: string): string {
  const value = encodeURIComponent(JSON.stringify({ text: text.slice(0, MOST).toWellFormed(), isError }));
  return `${COOKIE}=${value}; Path=${path}; Max-Age=20; HttpOnly; SameSite=Strict`;
}

export function forget(path: string): string {
  return `${COOKIE}=; Path=${path}; Max-Age=0`;
}

export function saidOf(request: Request): Said | undefined {
  const value = cookieOf(request, COOKIE);
  if (!value) return undefined;
  try {
    const { text, isError } = JSON.parse(decodeURIComponent(value)) as Partial<Said>;
    return typeof text === 'string' ? { text, isError: isError === true } : undefined;
  } catch {
    return undefined; // not ours
  }
}
