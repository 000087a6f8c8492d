/**
 * Text from outside as every store takes it. Postgres refuses NUL in text and lone surrogates in JSON, and a cut
 * between the two halves of an emoji makes one. Used wherever what a third party said is written down.
 */

/**
 * NUL and lone surrogates become U+FFFD, and the text is cut to its first `most` code points.
 * @param most code points that are kept, ≥ 0. Default: all.
 */
export function cleanText(text: string, most = Number.POSITIVE_INFINITY): string {
  const whole = (text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text).toWellFormed();
  if (whole.length <= most) return whole;
  let end = 0;
  for (let points = 0; points < most && end < whole.length; points++) end += whole.codePointAt(end)! > 0xffff ? 2 : 1;
  return whole.slice(0, end);
}
