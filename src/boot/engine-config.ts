// The configuration in the engine's terms.

import { join } from 'node:path';
import type { Config } from '../config/schema.js';
import { type EngineConfig, Starttls } from '../engine/boundary.gen.js';
import type { NoiseIdentity } from '../services/noise-identity.js';
import { SALT_BYTES } from '../services/scram.js';

/** What the engine must be told beside the configuration. */
export interface EngineConfigExtras {
  /** The embedding program checks passwords. */
  readonly externalAuth: boolean;
  /** Keeps what is made up for accounts that do not exist the same over restarts. */
  readonly madeUpSaltSecret: Uint8Array;
  readonly noise: NoiseIdentity;
}

/** Translates. */
export function engineConfig(config: Config, extras: EngineConfigExtras): EngineConfig {
  const { limits, xmpp, websocket, tls, store, accounts } = config;
  return {
    domain: config.domain,
    data: join(config.data, 'mailboxes'),
    shards: config.shards,
    stores: store.threads,
    pinShards: Number(config.pinShards),
    xmppListen: xmpp.listen.join('\n'),
    xmppDirectTls: xmpp.directTls.join('\n'),
    compactListen: config.compact.listen.join('\n'),
    websocketListen: websocket.listen.join('\n'),
    websocketDirectTls: websocket.directTls.join('\n'),
    websocketOrigins: websocket.origins.join('\n'),
    websocketUrl: websocket.url,
    starttls: Starttls[xmpp.starttls],
    plainAuthWithoutTls: Number(xmpp.plainAuthWithoutTls),
    tlsCert: tls.cert,
    tlsKey: tls.key,
    tlsTakeover: Number(tls.takeover),
    noiseStaticKey: extras.noise.staticKey,
    noiseCertificate: extras.noise.certificate,
    externalAuth: Number(extras.externalAuth),
    registration: Number(config.registration.enabled),
    maxStanzaBytes: limits.maxStanzaBytes,
    maxDepth: limits.maxDepth,
    maxAttributes: limits.maxAttributes,
    unauthenticatedSeconds: limits.unauthenticatedSeconds,
    maxUnauthenticated: limits.maxUnauthenticated,
    maxUnauthenticatedBytes: limits.maxUnauthenticatedBytes,
    scramIterations: accounts.scramIterations,
    scramSaltBytes: SALT_BYTES,
    madeUpSaltSecret: extras.madeUpSaltSecret,
    maxPasswordChecks: limits.maxPasswordChecks,
    maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
    acceptsPerSecond: limits.acceptsPerSecond,
    loginsPerSecond: limits.loginsPerSecond,
    failedLoginsPerMinute: limits.failedLoginsPerMinute,
    maxSessionsPerUser: limits.maxSessionsPerUser,
    maxMailboxMessages: limits.maxMailboxMessages,
    maxMailboxBytes: BigInt(limits.maxMailboxBytes),
    mailboxDays: limits.mailboxDays,
    maxUncommittedBytes: BigInt(limits.maxUncommittedBytes),
    maxUnacknowledgedStanzas: limits.maxUnacknowledgedStanzas,
    maxOutputBytes: limits.maxOutputBytes,
    resumeSeconds: limits.resumeSeconds,
    commitDelayUs: store.commitDelayUs,
    journalBytes: config.journal.bytesPerShard,
  };
}
