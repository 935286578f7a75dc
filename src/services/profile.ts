// An account's profile: name, about, picture. It is kept in the account's vCard (XEP-0054) as FN,
// DESC and PHOTO, so that XMPP clients see it and change it; the rest of the card is left alone.

import { type Element, elements, xml } from '../base/xml.js';

export const VCARD = 'vcard-temp';

/** A picture of a type that browsers show and that holds no program. */
export interface Picture {
  readonly type: string;
  readonly data: Buffer;
}

/** What an account says of itself. */
export interface Profile {
  readonly name?: string;
  readonly about?: string;
  readonly picture?: Picture;
}

/** Undefined: stays. Null: goes. */
export interface ProfileChanges {
  readonly name: string | null | undefined;
  readonly about: string | null | undefined;
  readonly picture: Picture | null | undefined;
}

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/u;

/** What the bytes are, by how they begin; a card's own word is not believed. */
function pictureType(data: Buffer): string | undefined {
  const begins = (text: string, at = 0) => data.toString('latin1', at, at + text.length) === text;
  if (begins('\xff\xd8\xff')) return 'image/jpeg';
  if (begins('\x89PNG\r\n\x1a\n')) return 'image/png';
  return begins('RIFF') && begins('WEBP', 8) ? 'image/webp' : undefined;
}

/** Reads a picture in Base64; undefined when it is none. */
export function pictureOf(text: string): Picture | undefined {
  const packed = text.replace(/\s+/gu, '');
  if (!BASE64.test(packed)) return undefined;
  const data = Buffer.from(packed, 'base64');
  const type = pictureType(data);
  return type === undefined ? undefined : { type, data };
}

function textIn(card: Element, name: string): string | undefined {
  const text = card.getChild(name)?.getText() ?? '';
  return text === '' ? undefined : text;
}

/** What of a vCard is the profile. */
export function profileOf(card: Element): Profile {
  const name = textIn(card, 'FN');
  const about = textIn(card, 'DESC');
  const picture = pictureOf(card.getChild('PHOTO')?.getChild('BINVAL')?.getText() ?? '');
  return {
    ...(name === undefined ? {} : { name }),
    ...(about === undefined ? {} : { about }),
    ...(picture === undefined ? {} : { picture }),
  };
}

function photo({ type, data }: Picture): Element {
  const binval = xml('BINVAL', {}, data.toString('base64'));
  return xml('PHOTO', {}, xml('TYPE', {}, type), binval);
}

/** Writes changes into a vCard. */
export function changeCard(card: Element, { name, about, picture }: ProfileChanges): void {
  const put = (field: string, child: Element | null | undefined) => {
    if (child === undefined) return;
    for (const old of elements(card)) if (old.name === field) card.remove(old);
    if (child !== null) card.cnode(child);
  };
  put('FN', name == null ? name : xml('FN', {}, name));
  put('DESC', about == null ? about : xml('DESC', {}, about));
  put('PHOTO', picture == null ? picture : photo(picture));
}

/** A new card. */
export function blankCard(): Element {
  return xml('vCard', { xmlns: VCARD });
}
