// The forms that a value of the compact encoding can have (docs/PROTOCOL.md, section 5.1).

/** The first byte of a value. Below `SHORT_TEXT` it is an index of a word, 0 the empty text. */
export const FORM = {
  shortText: 0xa0,
  longWord: 0xc0,
  text: 0xd0,
  number: 0xd1,
  lowerHex: 0xd2,
  upperHex: 0xd3,
  uuid: 0xd4,
  base64: 0xd5,
  address: 0xd6,
  fullAddress: 0xd7,
  ownDomain: 0xd8,
  ownAddress: 0xd9,
  ownFullAddress: 0xda,
  decimal: 0xdb,
} as const;

/** The four-bit numbers as characters. */
export const NUMBER_DIGITS = '0123456789-.+:TZ';
export const LOWER_HEX_DIGITS = '0123456789abcdef';
export const UPPER_HEX_DIGITS = '0123456789ABCDEF';
export const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

export const LONGEST_SHORT_TEXT = 32;

/** Indexes from here on take two bytes. */
export const SHORT_WORDS = 160;
export const SHORT_NAMES = 240;

/** Names and attributes of the dictionary begin at this index. */
export const FIRST_NAME = 2;

/** In an element's head, instead of a number of attributes: it follows as a varint. */
export const COUNTED = 63;

/** What an element contains, in the lowest two bits of its head. */
export const KIND = { empty: 0, text: 1, elements: 2, mixed: 3 } as const;

export const LARGEST_VARINT = 0xffffffff;
