// The configuration in the engine's terms.

import { join } from 'node:path';
import type { Config } from '../config/schema.js';
import { type EngineConfig, Starttls } from '../engine/boundary.gen.js';
import type { NoiseIdentity } from '../services/noise-identity.js';

/** Translates; `externalAuth`: the embedding program checks passwords. */
export function engineConfig(
  config: Config,
  externalAuth: boolean,
  noise: NoiseIdentity,
): EngineConfig {
  const { limits, xmpp, tls, store } = config;
  return {
    domain: config.domain,
    data: join(config.data, 'mailboxes'),
    shards: config.shards,
    stores: store.threads,
    pinShards: Number(config.pinShards),
    xmppListen: xmpp.listen.join('\n'),
    xmppDirectTls: xmpp.directTls.join('\n'),
    starttls: Starttls[xmpp.starttls],
    plainAuthWithoutTls: Number(xmpp.plainAuthWithoutTls),
    tlsCert: tls.cert,
    tlsKey: tls.key,
    tlsTakeover: Number(tls.takeover),
    noiseStaticKey: noise.staticKey,
    noiseCertificate: noise.certificate,
    externalAuth: Number(externalAuth),
    registration: Number(config.registration.enabled),
    maxStanzaBytes: limits.maxStanzaBytes,
    maxDepth: limits.maxDepth,
    maxAttributes: limits.maxAttributes,
    unauthenticatedSeconds: limits.unauthenticatedSeconds,
    maxUnauthenticated: limits.maxUnauthenticated,
    maxUnauthenticatedBytes: limits.maxUnauthenticatedBytes,
    maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
    acceptsPerSecond: limits.acceptsPerSecond,
    loginsPerSecond: limits.loginsPerSecond,
    failedLoginsPerMinute: limits.failedLoginsPerMinute,
    maxSessionsPerUser: limits.maxSessionsPerUser,
    maxMailboxMessages: limits.maxMailboxMessages,
    maxMailboxBytes: BigInt(limits.maxMailboxBytes),
    mailboxDays: limits.mailboxDays,
    maxUnacknowledgedStanzas: limits.maxUnacknowledgedStanzas,
    maxOutputBytes: limits.maxOutputBytes,
    resumeSeconds: limits.resumeSeconds,
    commitDelayUs: store.commitDelayUs,
  };
}
