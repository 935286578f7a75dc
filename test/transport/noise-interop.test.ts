// The Noise transport against the npm package noise-handshake, which is written in JavaScript on
// libsodium: as clients of test/native/transport/noise_echo.cc, and both ends of it against the
// protocol's test vectors.

import { strict as assert } from 'node:assert';
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const TIMEOUT_MS = 20_000;

interface KeyPair {
  publicKey: Buffer;
  secretKey: Buffer;
}

interface Handshake {
  e: KeyPair | null;
  rs: Buffer | null;
  complete: boolean;
  hash: Buffer;
  tx: Buffer;
  rx: Buffer;
  initialise(prologue: Buffer, remoteStatic?: Buffer): void;
  send(payload?: Buffer): Buffer;
  recv(message: Buffer): Buffer;
}

interface Cipher {
  encrypt(text: Buffer): Uint8Array;
  decrypt(message: Buffer): Uint8Array;
}

type Pattern = 'XX' | 'IK';

const load = createRequire(import.meta.url);
const Noise = load('noise-handshake') as new (
  pattern: Pattern,
  initiator: boolean,
  keys: KeyPair,
) => Handshake;
const NoiseCipher = load('noise-handshake/cipher') as new (key: Buffer) => Cipher;
const curve = load('noise-handshake/dh') as { generateKeyPair(secret?: Buffer): KeyPair };

interface Message {
  from: 'client' | 'server';
  payload: string;
  wire: string;
}

interface Vector {
  name: string;
  pattern: Pattern;
  server_static_secret: string;
  server_static_public: string;
  server_ephemeral_secret: string;
  client_static_secret: string;
  client_static_public: string;
  client_ephemeral_secret: string;
  certificate: string;
  prologue: string;
  messages: Message[];
  handshake_hash: string;
}

const vectors = (
  JSON.parse(readFileSync('docs/protocol/vectors.json', 'utf8')) as { handshake: Vector[] }
).handshake;

const bytes = (hex: string) => Buffer.from(hex, 'hex');
const hex = (data: Uint8Array) => Buffer.from(data).toString('hex');

function framed(message: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** The newest build of the server's end, wherever the native tests were built. */
function echoPath(): string {
  const found = readdirSync('.')
    .filter((name) => name.startsWith('build'))
    .map((name) => join(name, 'noise_echo'))
    .filter((path) => existsSync(path))
    .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  assert(found, 'noise_echo is not built: configure CMake with -DROOKERY_TESTS=ON');
  return found;
}

/** The server's end of one connection; what it writes comes out as frames. */
class Server {
  readonly child: ChildProcessWithoutNullStreams;
  private heard = Buffer.alloc(0);

  constructor(vector: Vector, step = 65_536) {
    const { server_static_secret: key, certificate } = vector;
    this.child = spawn(echoPath(), [key, certificate, String(step)], { stdio: 'pipe' });
    this.child.stdin.on('error', () => undefined);
    this.child.stdout.on('data', (part: Buffer) => {
      this.heard = Buffer.concat([this.heard, part]);
      this.child.emit('heard');
    });
  }

  send(data: Buffer): void {
    this.child.stdin.write(data);
  }

  /** The message of the next frame; of a refusal its code. */
  async frame(): Promise<Buffer> {
    const size = (await this.take(2)).readUInt16BE();
    return this.take(size === 0 ? 1 : size);
  }

  async end(): Promise<number | null> {
    this.child.stdin.end();
    if (this.child.exitCode === null) {
      await once(this.child, 'exit', { signal: AbortSignal.timeout(TIMEOUT_MS) });
    }
    return this.child.exitCode;
  }

  private async take(size: number): Promise<Buffer> {
    while (this.heard.length < size) {
      await once(this.child, 'heard', { signal: AbortSignal.timeout(TIMEOUT_MS) });
    }
    const taken = this.heard.subarray(0, size);
    this.heard = this.heard.subarray(size);
    return taken;
  }
}

/** A client of either pattern that has logged in. */
class Client {
  readonly keys = curve.generateKeyPair();
  answer: Buffer = Buffer.alloc(0);
  certificate: Buffer = Buffer.alloc(0);
  serverKey: Buffer = Buffer.alloc(0);
  private sending: Cipher | undefined;
  private receiving: Cipher | undefined;

  constructor(
    private readonly server: Server,
    private readonly vector: Vector,
    private readonly pattern: Pattern,
  ) {}

  async logIn(login: Buffer, early: Buffer[] = []): Promise<void> {
    const prologue = Buffer.from([0x52, 0x4b, 0x59, 1, 1, this.pattern === 'XX' ? 0 : 1]);
    const noise = new Noise(this.pattern, true, this.keys);
    const known = this.pattern === 'IK' ? bytes(this.vector.server_static_public) : undefined;
    noise.initialise(prologue, known);
    const first = noise.send(this.pattern === 'IK' ? login : undefined);
    this.server.send(Buffer.concat([prologue, framed(first)]));
    const payload = noise.recv(await this.server.frame());
    this.serverKey = Buffer.from(noise.rs ?? '');
    const last = this.pattern === 'XX' ? framed(noise.send(login)) : Buffer.alloc(0);
    assert(noise.complete);
    this.sending = new NoiseCipher(noise.tx);
    this.receiving = new NoiseCipher(noise.rx);
    this.server.send(Buffer.concat([last, ...early.map((text) => this.seal(text))]));
    if (this.pattern === 'XX') {
      this.certificate = payload;
      this.answer = await this.read();
    } else {
      this.answer = payload;
    }
  }

  seal(text: Buffer): Buffer {
    assert(this.sending);
    return framed(this.sending.encrypt(text));
  }

  async read(): Promise<Buffer> {
    assert(this.receiving);
    return Buffer.from(this.receiving.decrypt(await this.server.frame()));
  }
}

describe('Noise with noise-handshake as the client', () => {
  const vector = vectors[0];
  assert(vector);

  for (const pattern of ['XX', 'IK'] as const) {
    for (const step of [65_536, 7]) {
      it(`${pattern}, ${step} bytes at a time`, async () => {
        const server = new Server(vector, step);
        const client = new Client(server, vector, pattern);
        await client.logIn(Buffer.from('log me in'), [Buffer.from('early')]);
        assert.equal(client.answer.toString(), `welcome log me in ${hex(client.keys.publicKey)}`);
        assert.equal(hex(client.serverKey), vector.server_static_public);
        if (pattern === 'XX') assert.equal(hex(client.certificate), vector.certificate);
        assert.equal((await client.read()).toString(), 'early');
        // More frames than one byte of the nonce can count, and the largest of them all.
        const texts = Array.from({ length: 300 }, (_, index) => Buffer.from(`packet ${index}`));
        texts.push(randomBytes(65_519));
        server.send(Buffer.concat(texts.map((text) => client.seal(text))));
        const expected = Buffer.concat(texts);
        let heard = Buffer.alloc(0);
        while (heard.length < expected.length) heard = Buffer.concat([heard, await client.read()]);
        assert(heard.equals(expected));
        assert.equal(await server.end(), 0);
      });
    }

    it(`${pattern}: a frame that was changed on its way ends the connection`, async () => {
      const server = new Server(vector);
      const client = new Client(server, vector, pattern);
      await client.logIn(Buffer.from('log me in'));
      const wire = client.seal(Buffer.from('text'));
      wire[4] = (wire[4] ?? 0) ^ 1;
      server.send(wire);
      await once(server.child, 'exit', { signal: AbortSignal.timeout(TIMEOUT_MS) });
      assert.equal(server.child.exitCode, 1);
    });
  }

  it('IK to a server with another key is refused', async () => {
    const server = new Server(vector);
    const noise = new Noise('IK', true, curve.generateKeyPair());
    const prologue = bytes('524b59010101');
    noise.initialise(prologue, bytes(vector.client_static_public));
    server.send(Buffer.concat([prologue, framed(noise.send(Buffer.from('login')))]));
    assert.deepEqual(await server.frame(), Buffer.of(4));
    assert.equal(await server.end(), 1);
  });
});

describe('Test vectors of the handshake with noise-handshake', () => {
  for (const vector of vectors) {
    it(vector.name, () => {
      const client = new Noise(
        vector.pattern,
        true,
        curve.generateKeyPair(bytes(vector.client_static_secret)),
      );
      const server = new Noise(
        vector.pattern,
        false,
        curve.generateKeyPair(bytes(vector.server_static_secret)),
      );
      client.e = curve.generateKeyPair(bytes(vector.client_ephemeral_secret));
      server.e = curve.generateKeyPair(bytes(vector.server_ephemeral_secret));
      client.initialise(bytes(vector.prologue), bytes(vector.server_static_public));
      server.initialise(bytes(vector.prologue));
      const messages = [...vector.messages];
      while (!client.complete || !server.complete) {
        const message = messages.shift();
        assert(message);
        const [writer, reader] = message.from === 'client' ? [client, server] : [server, client];
        const wire = writer.send(bytes(message.payload));
        assert.equal(hex(framed(wire)), message.wire);
        assert.equal(hex(reader.recv(wire)), message.payload);
      }
      assert.equal(hex(client.hash), vector.handshake_hash);
      const ciphers = {
        client: [new NoiseCipher(client.tx), new NoiseCipher(server.rx)],
        server: [new NoiseCipher(server.tx), new NoiseCipher(client.rx)],
      } as const;
      assert(messages.length > 0);
      for (const { from, payload, wire } of messages) {
        const [sealer, opener] = ciphers[from];
        assert.equal(hex(framed(sealer.encrypt(bytes(payload)))), wire);
        assert.equal(hex(opener.decrypt(bytes(wire).subarray(2))), payload);
      }
    });
  }
});
