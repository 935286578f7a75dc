// Profiles (docs/PROTOCOL.md section 6.5): name, about and picture of an account, in few bytes.
// What is read and written here is the vCard of the account.

import assert from 'node:assert/strict';
import { StanzaError } from '../base/stanza-error.js';
import { type Element, elements, parseXml, xml } from '../base/xml.js';
import {
  blankCard,
  changeCard,
  type Picture,
  type Profile,
  type ProfileChanges,
  pictureOf,
  profileOf,
} from '../services/profile.js';
import type { Handler, HandlerContext, IqCall } from './handler.js';

const PROFILE = 'urn:rookery:profile:1';
const MAX_NAME_CHARACTERS = 100;
const MAX_ABOUT_CHARACTERS = 500;
const MAX_PICTURE_BYTES = 65_536;

function storedProfile(user: string, { services }: HandlerContext): Profile {
  const stored = services.documents.vcard(user);
  return stored === undefined ? {} : profileOf(parseXml(stored));
}

/** The profile without what is hidden from the one who asks. */
function shown(profile: Profile, call: IqCall, { services }: HandlerContext): Profile {
  if (call.target === 'account') return profile;
  const { name, about, picture } = profile;
  const shows = (aspect: 'about' | 'profile-picture') =>
    services.privacy.shows(call.targetUser, aspect, call.own);
  return {
    ...(name === undefined ? {} : { name }),
    ...(about === undefined || !shows('about') ? {} : { about }),
    ...(picture === undefined || !shows('profile-picture') ? {} : { picture }),
  };
}

function get(call: IqCall, context: HandlerContext): Element {
  const { name, about, picture } = shown(storedProfile(call.targetUser, context), call, context);
  const children = [
    name === undefined ? undefined : xml('name', {}, name),
    about === undefined ? undefined : xml('about', {}, about),
    picture === undefined
      ? undefined
      : xml('picture', { type: picture.type }, picture.data.toString('base64')),
  ];
  // One's own profile may be empty; that of another is then not told from a missing account.
  if (call.target === 'other' && children.every((child) => child === undefined)) {
    throw new StanzaError('service-unavailable');
  }
  return xml('profile', { xmlns: PROFILE }, ...children);
}

function textIn(payload: Element, name: string, maxCharacters: number): string | null | undefined {
  const text = payload.getChild(name, PROFILE)?.getText().trim();
  if (text === undefined) return undefined;
  if ([...text].length > maxCharacters) {
    throw new StanzaError('policy-violation', `At most ${maxCharacters} characters (${name}).`);
  }
  return text === '' ? null : text;
}

function pictureIn(payload: Element): Picture | null | undefined {
  const text = payload.getChild('picture', PROFILE)?.getText();
  if (text === undefined) return undefined;
  if (text.trim() === '') return null;
  const picture = pictureOf(text);
  if (picture === undefined) throw new StanzaError('not-acceptable', 'No JPEG, PNG or WebP.');
  if (picture.data.length > MAX_PICTURE_BYTES) {
    throw new StanzaError('policy-violation', `At most ${MAX_PICTURE_BYTES} bytes (picture).`);
  }
  return picture;
}

async function set(call: IqCall, { services }: HandlerContext): Promise<undefined> {
  if (call.target !== 'account') throw new StanzaError('forbidden');
  const known = ['name', 'about', 'picture'];
  if (elements(call.payload).some((child) => !known.includes(child.name))) {
    throw new StanzaError('bad-request');
  }
  const changes: ProfileChanges = {
    name: textIn(call.payload, 'name', MAX_NAME_CHARACTERS),
    about: textIn(call.payload, 'about', MAX_ABOUT_CHARACTERS),
    picture: pictureIn(call.payload),
  };
  const { store, documents, settings } = services;
  const fits = await store.transaction(() => {
    const stored = documents.vcard(call.user);
    const card = stored === undefined ? blankCard() : parseXml(stored);
    changeCard(card, changes);
    const text = card.toString();
    if (Buffer.byteLength(text) > settings.limits.maxVcardBytes) return false;
    documents.saveVcard(call.user, text);
    return true;
  });
  if (!fits) throw new StanzaError('policy-violation', 'The vCard becomes too large.');
}

export const handler: Handler = {
  name: 'profile',
  iq: [{ namespace: PROFILE, element: 'profile', targets: ['account', 'other'] }],
  features: () => ({ server: [PROFILE], account: [PROFILE] }),

  handleIq(call, context) {
    return call.type === 'get' ? get(call, context) : set(call, context);
  },

  async selfTest(bench) {
    const change = '<name>Ann &amp; co</name><about>Here</about>';
    await bench.iq('set', `<profile xmlns="${PROFILE}">${change}</profile>`);
    const { answer } = await bench.iq('get', `<profile xmlns="${PROFILE}"/>`);
    const profile = answer.getChild('profile', PROFILE);
    assert.equal(profile?.getChildText('name'), 'Ann & co');
    assert.equal(profile?.getChildText('about'), 'Here');
    const other = await bench.iq('get', `<profile xmlns="${PROFILE}"/>`, { to: 'bob@example.org' });
    assert.equal(other.answer.attrs.type, 'error');
  },
};
