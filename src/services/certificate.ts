// The certificate: made on the first start when there is none, and examined by `rookery check`.

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { dirname } from 'node:path';
import { errorText, UserError } from '../base/errors.js';

const VALID_DAYS = 3650;
const DAY_MS = 86_400_000;
const SOON_DAYS = 14;

/** Makes a self-signed pair for the domain when both files are missing. True when it did. */
export async function ensureCertificate(
  files: { readonly cert: string; readonly key: string },
  domain: string,
): Promise<boolean> {
  const certThere = existsSync(files.cert);
  const keyThere = existsSync(files.key);
  if (certThere && keyThere) return false;
  if (certThere !== keyThere) {
    const [have, lack] = certThere ? [files.cert, files.key] : [files.key, files.cert];
    throw new UserError(
      `${have} exists, but ${lack} does not.`,
      'Put the missing half there, or remove both to have a self-signed pair made.',
      2,
    );
  }
  // Needed once in the life of a server, and heavy: loaded only then.
  const { generate } = await import('selfsigned');
  const host = domain.replace(/^\[|\]$/gu, '');
  const name =
    isIP(host) === 0 ? { type: 2 as const, value: host } : { type: 7 as const, ip: host };
  const now = Date.now();
  const pair = await generate([{ name: 'commonName', value: host.slice(0, 64) }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - DAY_MS),
    notAfterDate: new Date(now + VALID_DAYS * DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [name] },
    ],
  });
  mkdirSync(dirname(files.key), { recursive: true, mode: 0o700 });
  mkdirSync(dirname(files.cert), { recursive: true, mode: 0o700 });
  writeFileSync(files.key, pair.private, { mode: 0o600, flag: 'wx' });
  writeFileSync(files.cert, pair.cert, { mode: 0o644, flag: 'wx' });
  return true;
}

/** When a certificate ends, in milliseconds since 1970; 0 when it cannot be read. */
export function certificateEnd(cert: string): number {
  try {
    return Date.parse(new X509Certificate(readFileSync(cert)).validTo);
  } catch {
    return 0;
  }
}

/** What is wrong with a pair of files, in sentences; empty when nothing is. */
export function certificateProblems(
  files: { readonly cert: string; readonly key: string },
  domain: string,
  now = Date.now(),
): string[] {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(readFileSync(files.cert));
  } catch (error) {
    return [`tls.cert ${files.cert} cannot be read as a certificate: ${errorText(error)}`];
  }
  const problems: string[] = [];
  try {
    const key = createPrivateKey(readFileSync(files.key));
    if (!certificate.checkPrivateKey(key)) {
      problems.push(`tls.key ${files.key} is not the key of tls.cert ${files.cert}`);
    }
  } catch (error) {
    problems.push(`tls.key ${files.key} cannot be read as a private key: ${errorText(error)}`);
  }
  const end = Date.parse(certificate.validTo);
  if (end < now) problems.push(`tls.cert ${files.cert} ended on ${certificate.validTo}`);
  else if (end < now + SOON_DAYS * DAY_MS) {
    problems.push(`tls.cert ${files.cert} ends soon, on ${certificate.validTo}`);
  }
  if (Date.parse(certificate.validFrom) > now) {
    problems.push(`tls.cert ${files.cert} is not valid before ${certificate.validFrom}`);
  }
  const host = domain.replace(/^\[|\]$/gu, '');
  const matches = isIP(host) === 0 ? certificate.checkHost(host) : certificate.checkIP(host);
  if (matches === undefined) problems.push(`tls.cert ${files.cert} is not for ${domain}`);
  return problems;
}
