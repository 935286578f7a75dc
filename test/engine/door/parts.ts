// What the plays of the door and their workers share.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type EngineConfig,
  encodeCommand,
  encodeEngineConfig,
} from '../../../src/engine/boundary.gen.js';
import { RecordWriter } from '../../../src/engine/record-buffer.js';

export function ignore(): void {
  // For callbacks of which nothing is expected.
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rookery-door-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function exampleConfig(): EngineConfig {
  return {
    domain: 'example.org',
    data: temporaryFolder(),
    shards: 2,
    stores: 1,
    pinShards: 0,
    xmppListen: '127.0.0.1:0',
    xmppDirectTls: '',
    compactListen: '',
    websocketListen: '',
    websocketDirectTls: '',
    websocketOrigins: '*',
    websocketUrl: '',
    starttls: 2,
    plainAuthWithoutTls: 1,
    tlsCert: '',
    tlsKey: '',
    tlsTakeover: 1,
    noiseStaticKey: new Uint8Array(),
    noiseCertificate: new Uint8Array(),
    externalAuth: 0,
    registration: 0,
    maxStanzaBytes: 262_144,
    maxDepth: 64,
    maxAttributes: 64,
    unauthenticatedSeconds: 30,
    maxUnauthenticated: 1000,
    maxUnauthenticatedBytes: 16_384,
    scramIterations: 4096,
    scramSaltBytes: 16,
    madeUpSaltSecret: new Uint8Array(32),
    maxPasswordChecks: 64,
    maxConnectionsPerAddress: 1000,
    acceptsPerSecond: 1000,
    loginsPerSecond: 1000,
    failedLoginsPerMinute: 100,
    maxSessionsPerUser: 10,
    maxMailboxMessages: 1000,
    maxMailboxBytes: 10_000_000n,
    mailboxDays: 30,
    maxUncommittedBytes: 67_108_864n,
    maxUnacknowledgedStanzas: 100,
    maxOutputBytes: 1_000_000,
    resumeSeconds: 60,
    commitDelayUs: 1000,
    journalBytes: 65_536,
  };
}

export function configRecord(): Uint8Array {
  const writer = new RecordWriter();
  encodeEngineConfig(writer, exampleConfig());
  return writer.written();
}

export function removeRecord(user: string): Uint8Array {
  const writer = new RecordWriter();
  encodeCommand(writer, { kind: 'RemoveAccount', user });
  return writer.written();
}

/** What the call throws, or that it does not. */
export function attempt(name: string, call: () => unknown): void {
  try {
    call();
    console.log(`${name}: fine`);
  } catch (error) {
    console.log(`${name}: ${(error as Error).name}: ${(error as Error).message}`);
  }
}
