// Finds the records that are whole in a (damaged) file of the store, without the server's code: the
// layout is that of native/store/record_frame.h.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const HEADER_BYTES = 28;
const MESSAGE_KIND = 1;

const table = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
  return value >>> 0;
});

function crc32c(parts: readonly Buffer[]): number {
  let crc = 0xffffffff;
  for (const part of parts) {
    for (const byte of part) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** The salt that stands in front of every record of this data folder. */
export function saltOf(storesFolder: string): Buffer {
  const text = readFileSync(join(storesFolder, 'format'), 'latin1');
  const hex = /^rookery-store \d+ ([0-9a-f]{16})/u.exec(text.replaceAll('\n', ' '))?.[1];
  if (hex === undefined) throw new Error(`no salt in ${text}`);
  return Buffer.from(hex, 'hex').reverse();
}

/** The payloads of all messages whose record is whole somewhere in the file. */
export function wholeMessages(file: Buffer, salt: Buffer): string[] {
  const payloads: string[] = [];
  for (let at = file.indexOf(salt); at >= 0; at = file.indexOf(salt, at + 1)) {
    if (at + HEADER_BYTES > file.length) break;
    const payloadBytes = file.readUInt32LE(at + 20);
    const userBytes = file.readUInt16LE(at + 24);
    const end = at + HEADER_BYTES + userBytes + payloadBytes;
    if (end > file.length || file[at + 27] !== MESSAGE_KIND) continue;
    const crc = crc32c([file.subarray(at, at + 16), file.subarray(at + 20, end)]);
    if (crc !== file.readUInt32LE(at + 16)) continue;
    payloads.push(file.toString('utf8', at + HEADER_BYTES + userBytes, end));
  }
  return payloads;
}
