/**
 * Bytes as they come, taken by number or as they are, and given back. Used by: `unzip-stream.ts`, `untar-stream.ts`, `activities/bodies/unpack-stream.ts`,
 * `activities/bodies/read-pieces.ts`.
 */

/** The bytes ended before what must follow. */
export class CutShort extends Error {}

export class ByteSource {
  private readonly chunks: AsyncIterator<Buffer>;
  private rest: Buffer = Buffer.alloc(0);

  constructor(stream: AsyncIterable<Buffer>) {
    this.chunks = stream[Symbol.asyncIterator]();
  }

  /** Whatever is there next; undefined at the end. */
  async chunk(): Promise<Buffer | undefined> {
    const { rest } = this;
    this.rest = Buffer.alloc(0);
    if (rest.length > 0) return rest;
    for (;;) {
      const { value, done } = await this.chunks.next();
      if (done) return undefined;
      if (value.length > 0) return value;
    }
  }

  giveBack(bytes: Buffer): void {
    this.rest = Buffer.concat([bytes, this.rest]);
  }

  /** As many as there are, up to so many, without taking them. */
  async peek(count: number): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (let length = 0; length < count;) {
      const chunk = await this.chunk();
      if (!chunk) break;
      chunks.push(chunk);
      length += chunk.length;
    }
    this.giveBack(Buffer.concat(chunks));
    return this.rest.subarray(0, count);
  }

  /** @throws CutShort when there are not so many. */
  async take(count: number): Promise<Buffer> {
    const taken = await this.peek(count);
    if (taken.length < count) throw new CutShort('the archive ends in the middle');
    this.rest = this.rest.subarray(count);
    return taken;
  }

  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  /** What is left. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
    try {
      for (let chunk = await this.chunk(); chunk; chunk = await this.chunk()) yield chunk;
    } finally {
      await this.close();
    }
  }
}
