// How a record that crosses between TypeScript and C++ lies in a batch: a writer that grows, and a
// reader. boundary.gen.ts builds the records on this; the other side is native/boundary/record.h.

const HEADER_BYTES = 8;
const ALIGNMENT_BYTES = 8;
const MAX_RECORD_BYTES = 0xffffffff;

/**
 * Appends records to one growing buffer. A record is begin(), its fields in order, end(). After
 * clear() the same memory is used again.
 */
export class RecordWriter {
  #buffer: Buffer;
  #length = 0;
  #start = 0;

  constructor(initialBytes = 4096) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(initialBytes, HEADER_BYTES));
  }

  /** The bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** What was written, without a copy: valid until the writer is used again. */
  written(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  begin(kind: number, shard = 0): void {
    this.#reserve(HEADER_BYTES);
    this.#start = this.#length;
    this.#buffer.writeUInt16LE(kind, this.#start + 4);
    this.#buffer.writeUInt16LE(shard, this.#start + 6);
    this.#length += HEADER_BYTES;
  }

  end(): void {
    const used = this.#length - this.#start;
    const padding = (ALIGNMENT_BYTES - (used % ALIGNMENT_BYTES)) % ALIGNMENT_BYTES;
    this.#reserve(padding);
    this.#buffer.fill(0, this.#length, this.#length + padding);
    this.#length += padding;
    this.#buffer.writeUInt32LE(this.#length - this.#start, this.#start);
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#length = this.#buffer.writeUInt8(value, this.#length);
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#length = this.#buffer.writeUInt16LE(value, this.#length);
  }

  u32(value: number): void {
    this.#reserve(4);
    this.#length = this.#buffer.writeUInt32LE(value, this.#length);
  }

  u64(value: bigint): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeBigUInt64LE(value, this.#length);
  }

  str(value: string): void {
    // Three bytes are the most that UTF-8 needs for one UTF-16 unit.
    this.#reserve(4 + value.length * 3);
    const bytes = this.#buffer.write(value, this.#length + 4, 'utf8');
    this.#buffer.writeUInt32LE(bytes, this.#length);
    this.#length += 4 + bytes;
  }

  bytes(value: Uint8Array): void {
    this.#reserve(4 + value.length);
    this.#buffer.writeUInt32LE(value.length, this.#length);
    this.#buffer.set(value, this.#length + 4);
    this.#length += 4 + value.length;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    if (needed > MAX_RECORD_BYTES) throw new RangeError('the batch is larger than 4 GiB');
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#length);
    this.#buffer = grown;
  }
}

/**
 * Walks over a batch. next() steps to a record; then its fields are read in order. Everything is
 * copied out, so the batch may be detached afterwards.
 */
export class RecordReader {
  readonly #batch: Buffer;
  #next = 0;
  #at = 0;
  kind = 0;
  shard = 0;

  constructor(batch: Uint8Array) {
    this.#batch = Buffer.from(batch.buffer, batch.byteOffset, batch.byteLength);
  }

  /** False at the end of the batch. */
  next(): boolean {
    const start = this.#next;
    const left = this.#batch.length - start;
    if (left === 0) return false;
    if (left < HEADER_BYTES) throw new RangeError(`${left} bytes are no record (at ${start})`);
    const bytes = this.#batch.readUInt32LE(start);
    if (bytes < HEADER_BYTES || bytes > left || bytes % ALIGNMENT_BYTES !== 0) {
      throw new RangeError(`a record of ${bytes} bytes where ${left} are left (at ${start})`);
    }
    this.kind = this.#batch.readUInt16LE(start + 4);
    this.shard = this.#batch.readUInt16LE(start + 6);
    this.#at = start + HEADER_BYTES;
    this.#next = start + bytes;
    return true;
  }

  u8(): number {
    return this.#batch.readUInt8(this.#take(1));
  }

  u16(): number {
    return this.#batch.readUInt16LE(this.#take(2));
  }

  u32(): number {
    return this.#batch.readUInt32LE(this.#take(4));
  }

  u64(): bigint {
    return this.#batch.readBigUInt64LE(this.#take(8));
  }

  str(): string {
    const bytes = this.u32();
    const start = this.#take(bytes);
    return this.#batch.toString('utf8', start, start + bytes);
  }

  bytes(): Uint8Array {
    const bytes = this.u32();
    const start = this.#take(bytes);
    return new Uint8Array(this.#batch.subarray(start, start + bytes));
  }

  #take(bytes: number): number {
    const start = this.#at;
    if (start + bytes > this.#next) {
      throw new RangeError(`a field ends behind its record (at ${start})`);
    }
    this.#at = start + bytes;
    return start;
  }
}
