// Cuts the byte stream of the compact protocol into packets (docs/PROTOCOL.md, section 3). Runs in
// Node and in browsers.
import { CompactError } from './element.js';
import { LARGEST_VARINT } from './value.js';

const LONGEST_LENGTH = 5;

/** Takes the stream in chunks as they come, and keeps what is not yet a whole packet. */
export class PacketSplitter {
  readonly #maxBytes: number;
  #pending = new Uint8Array(0);

  /** `maxBytes` is the most of one packet; a longer one throws before anything of it is kept. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The packets that this chunk completes; one without bytes is a keep-alive. */
  push(chunk: Uint8Array): Uint8Array[] {
    const bytes = this.#joined(chunk);
    const packets: Uint8Array[] = [];
    let at = 0;
    for (let next = this.#next(bytes, at); next !== undefined; next = this.#next(bytes, at)) {
      packets.push(bytes.subarray(next.begin, next.end));
      at = next.end;
    }
    this.#pending = bytes.slice(at);
    return packets;
  }

  #joined(chunk: Uint8Array): Uint8Array {
    if (this.#pending.length === 0) return chunk;
    const bytes = new Uint8Array(this.#pending.length + chunk.length);
    bytes.set(this.#pending);
    bytes.set(chunk, this.#pending.length);
    return bytes;
  }

  #next(bytes: Uint8Array, start: number): { begin: number; end: number } | undefined {
    let length = 0;
    for (let index = 0; index < LONGEST_LENGTH; index += 1) {
      const byte = bytes[start + index];
      if (byte === undefined) return undefined;
      length += (byte & 0x7f) * 2 ** (7 * index);
      if (length > LARGEST_VARINT) throw new CompactError('bad-varint');
      if (length > this.#maxBytes) throw new CompactError('too-large');
      if ((byte & 0x80) !== 0) continue;
      if (byte === 0 && index > 0) throw new CompactError('bad-varint');
      const begin = start + index + 1;
      return begin + length <= bytes.length ? { begin, end: begin + length } : undefined;
    }
    throw new CompactError('bad-varint');
  }
}
