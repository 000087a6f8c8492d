/**
 * Says quickly whether any of some short words stands in a text: most answers hold no secret, and are looked at once. Takes every
 * few characters a group of three and looks it up (Wu and Manber, "A fast algorithm for multi-pattern searching", 1994).
 * Used by: `secret-finder.ts`.
 */

const GROUP = 3;
const LONGEST = 8;
const MASK = 0x3fff;

/** @param words of ASCII letters and digits, each of at least 3. */
export function createAnchorScan(words: readonly string[]): (text: string) => boolean {
  const anchors = [...new Set(words.map((word) => word.slice(0, LONGEST)))];
  if (anchors.length === 0) return () => false;
  const step = Math.min(...anchors.map(({ length }) => length)) - GROUP + 1;
  const isKnown = new Uint8Array(MASK + 1);
  const places = new Map<number, { readonly anchor: string; readonly offset: number }[]>();
  for (const anchor of anchors) {
    for (let offset = 0; offset < step; offset++) {
      const group = groupAt(anchor, offset);
      isKnown[group] = 1;
      places.set(group, [...(places.get(group) ?? []), { anchor, offset }]);
    }
  }
  return (text) => {
    for (let at = 0; at + GROUP <= text.length; at += step) {
      const group = groupAt(text, at);
      if (isKnown[group] === 0) continue;
      if (places.get(group)?.some(({ anchor, offset }) => text.startsWith(anchor, at - offset))) return true;
    }
    return false;
  };
}

function groupAt(text: string, at: number): number {
  return (text.charCodeAt(at) * 961 + text.charCodeAt(at + 1) * 31 + text.charCodeAt(at + 2)) & MASK;
}
