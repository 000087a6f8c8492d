/** The fields of a form that was sent. */

const MOST_BYTES = 100_000;

/** @throws TypeError when it is larger than any form of ours. */
export async function fieldsOf(request: Request): Promise<Record<string, string>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += (chunk as Uint8Array).length;
    if (size > MOST_BYTES) throw new TypeError('The form is larger than any that this page has.');
    chunks.push(chunk as Uint8Array);
  }
  return Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString('utf8')));
}
