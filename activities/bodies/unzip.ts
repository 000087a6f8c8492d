/**
 * A zip archive with one file in it, as exports come: the file. Where there are several nothing says which one is meant.
 * Used by: `decompress.ts`.
 */
import { fromBuffer, type Entry, type ZipFile } from 'yauzl';
import type { Unpacked } from './decompress.ts';

/** Names that are shown. */
const SHOWN = 5;
/** Entries that are looked at: no more than these can be folders around one file. */
const MOST_ENTRIES = 100;

/** @param mostOf how many bytes may come out of so many packed ones. */
export async function unzip(bytes: Buffer, mostOf: (packed: number) => number): Promise<Unpacked> {
  try {
    const zip = await opened(bytes);
    const files = (await entriesOf(zip)).filter(({ fileName }) => !fileName.endsWith('/'));
    const [file] = files;
    if (!file || files.length > 1) {
      const names = files.slice(0, SHOWN).map(({ fileName }) => JSON.stringify(fileName.slice(0, 60)));
      return refused(
        `the body is a zip of ${files.length || 'no'} files, not of one${names.length > 0 ? `: ${names.join(', ')}` : ''}`,
      );
    }
    const most = mostOf(file.compressedSize);
    // It is held against what really comes out.
    if (file.uncompressedSize > most)
      return { ok: false, isTooLarge: true, reason: `more than ${most} bytes when it is unpacked` };
    return { ok: true, bytes: await contentOf(zip, file) };
  } catch (error) {
    return refused(`the body is no zip that can be read: ${(error as Error).message}`);
  }
}

const refused = (reason: string): Unpacked => ({ ok: false, isTooLarge: false, reason });

function opened(bytes: Buffer): Promise<ZipFile> {
  return new Promise((resolve, reject) => {
    fromBuffer(bytes, { lazyEntries: true, validateEntrySizes: true }, (error, zip) =>
      error ? reject(error) : resolve(zip),
    );
  });
}

function entriesOf(zip: ZipFile): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    zip.on('error', reject);
    zip.on('end', () => resolve(entries));
    zip.on('entry', (entry: Entry) => {
      entries.push(entry);
      if (entries.length < MOST_ENTRIES) zip.readEntry();
      else resolve(entries);
    });
    zip.readEntry();
  });
}

function contentOf(zip: ZipFile, file: Entry): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(file, (error, stream) => {
      if (error) return reject(error);
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('error', reject);
      stream.on('end', () => resolve(Buffer.concat(chunks)));
    });
  });
}
