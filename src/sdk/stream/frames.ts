// Frames of the compact protocol (docs/PROTOCOL.md section 2.2): a 16-bit length, then a Noise
// message; length zero is a refusal and has a code behind it.

import { joined } from '../noise/bytes.js';

const LENGTH_BYTES = 2;
/** The most bytes of one Noise message. */
export const MAX_FRAME_BYTES = 65_535;

/** Why the server hung up before a login. */
export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(
    /** The code of docs/PROTOCOL.md section 2.2. */
    readonly code: number,
  ) {
    super(REASONS[code] ?? `the server refused the connection with the unknown code ${code}`);
  }
}

const REASONS: Record<number, string> = {
  1: 'the server does not speak this version of the protocol: update this program',
  2: 'the server does not know this dictionary: update the server or use an older client',
  3: 'the server does not know this handshake pattern',
  4: 'the handshake failed: the key of the server may have changed',
  5: 'the server is too busy, or too many connections come from this address: try again later',
  6: 'the server closed the connection because the login took too long',
};

/** A Noise message with its length before it. */
export function frame(message: Uint8Array): Uint8Array {
  if (message.length === 0 || message.length > MAX_FRAME_BYTES) {
    throw new RangeError(`a frame has 1 to ${MAX_FRAME_BYTES} bytes, not ${message.length}`);
  }
  return joined(Uint8Array.of(message.length >> 8, message.length & 0xff), message);
}

/** Finds frames in bytes that come in any pieces. */
export class FrameReader {
  private rest: Uint8Array = new Uint8Array(0);

  /** Takes bytes and gives the complete messages. Throws Refused when the server refuses. */
  take(bytes: Uint8Array): Uint8Array[] {
    let all = this.rest.length === 0 ? bytes : joined(this.rest, bytes);
    const found: Uint8Array[] = [];
    while (all.length > LENGTH_BYTES) {
      const length = ((all[0] ?? 0) << 8) | (all[1] ?? 0);
      if (length === 0) throw new Refused(all[2] ?? 0);
      const end = LENGTH_BYTES + length;
      if (all.length < end) break;
      found.push(all.subarray(LENGTH_BYTES, end));
      all = all.subarray(end);
    }
    this.rest = all.slice();
    return found;
  }
}
