/**
 * Percent-encoding as signatures want it: all but letters, digits, `-`, `.`, `_` and `~`. Used by: oauth1.ts,
 * aws-sig-v4.ts, and for parts of paths. What is sent is what is signed, also where a third party signs the path as it
 * came.
 * @see RFC 3986 §2.3
 */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (char) => `%${char.codePointAt(0)!.toString(16).toUpperCase()}`,
  );
}
