// In-band registration (XEP-0077): strangers make accounts where the configuration allows it; users
// change their password and delete their account.

import assert from 'node:assert/strict';
import { StanzaError } from '../base/stanza-error.js';
import { type Element, xml } from '../base/xml.js';
import { normaliseLocalpart } from '../engine/jid.js';
import { removeAccount } from '../services/account-removal.js';
import { deriveCredentials, preparePassword } from '../services/scram.js';
import type { Services } from '../services/services.js';
import type { Handler, HandlerContext, IqCall, RegisterCall } from './handler.js';

const REGISTER = 'jabber:iq:register';
/** What registration by number may name an account. */
const NUMBER = /^[1-9][0-9]{4,14}$/u;

function form(): Element {
  return xml(
    'query',
    { xmlns: REGISTER },
    xml('instructions', {}, 'Choose a name and a password.'),
    xml('username'),
    xml('password'),
  );
}

function passwordIn(payload: Element): string {
  const password = preparePassword(payload.getChildText('password') ?? '');
  if (password === undefined)
    throw new StanzaError('not-acceptable', 'This password cannot be used.');
  return password;
}

async function makeAccount(
  { address, payload }: RegisterCall,
  { services, before }: HandlerContext,
): Promise<undefined> {
  const user = normaliseLocalpart(payload.getChildText('username') ?? '');
  if (user === undefined) throw new StanzaError('not-acceptable', 'This name cannot be used.');
  const { accounts, registrations, settings, store } = services;
  if (settings.numbersRegister && NUMBER.test(user)) {
    throw new StanzaError('not-acceptable', 'A number registers with a PIN, not with a password.');
  }
  const password = passwordIn(payload);
  if (accounts.exists(user)) throw new StanzaError('conflict', 'This name is taken.');
  const { registrationsPerHour, scramIterations } = settings;
  const admitted = await store.transaction(() =>
    registrations.admit(address, registrationsPerHour),
  );
  if (!admitted)
    throw new StanzaError('resource-constraint', 'Too many accounts from this address.');
  const credentials = await deriveCredentials(password, scramIterations);
  const [outcome] = await accounts.write([{ user, credentials }], 'add');
  if (outcome !== 'added') throw new StanzaError('conflict', 'This name is taken.');
  before({ kind: 'RefreshAccount', user });
}

async function changePassword(call: IqCall, context: HandlerContext): Promise<undefined> {
  const { services, before } = context;
  if (services.settings.externalAuth) throw new StanzaError('not-allowed');
  const name = normaliseLocalpart(call.payload.getChildText('username') ?? '');
  if (name !== call.user) throw new StanzaError('bad-request', 'This is not your account.');
  const credentials = await deriveCredentials(
    passwordIn(call.payload),
    services.settings.scramIterations,
  );
  await services.accounts.write([{ user: call.user, credentials }], 'change');
  before({ kind: 'RefreshAccount', user: call.user });
}

async function cancel(
  call: IqCall,
  services: Services,
  context: HandlerContext,
): Promise<undefined> {
  const effects = await removeAccount(services, call.user);
  // The answer goes first: the end of the account ends the session that waits for it.
  context.after(...(effects ?? []));
}

export const handler: Handler = {
  name: 'register',
  iq: [{ namespace: REGISTER, element: 'query', targets: ['server', 'account'] }],

  features: (settings) => (settings.registrationEnabled ? { server: [REGISTER] } : {}),

  handleIq(call, context) {
    const { services } = context;
    if (call.type === 'get') {
      const known = form();
      known.getChild('username')?.t(call.user);
      return known.cnode(xml('registered')).up();
    }
    if (call.payload.getChild('remove') !== undefined) return cancel(call, services, context);
    return changePassword(call, context);
  },

  handleRegister(call, context) {
    const { settings } = context.services;
    if (!settings.registrationEnabled || settings.externalAuth)
      throw new StanzaError('not-allowed');
    return call.type === 'get' ? form() : makeAccount(call, context);
  },

  async selfTest(bench) {
    const own = await bench.iq('get', `<query xmlns="${REGISTER}"/>`);
    assert.equal(own.answer.getChild('query')?.getChildText('username'), 'ann');
    const fields = '<username>Carl</username><password>pw</password>';
    const { effects } = await bench.register('set', `<query xmlns="${REGISTER}">${fields}</query>`);
    assert.ok(effects.some(({ kind }) => kind === 'RefreshAccount'));
    assert.equal(bench.services.accounts.exists('carl'), true);
  },
};
