// `rookery report`: everything that a report of a bug needs, in one file, without secrets and
// without what people say or are called.

import { writeFileSync } from 'node:fs';
import { cpus, release, type } from 'node:os';
import { errorText } from '../base/errors.js';
import { version } from '../base/version.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { alarmHistory } from '../operations/alarm-operations.js';
import { sampleShow } from '../operations/sample-operations.js';
import { serverStatus } from '../operations/server-operations.js';
import { callServer, serverRuns } from './admin-client.js';
import { checkResults } from './check.js';
import { machineFacts } from './machine-checks.js';

const SECRET_KEY = /secret|password|token|key$/iu;
const URL_KEY = /url$/iu;

/** An address without the name, password or token that it may hold. */
function bareUrl(text: string): string {
  if (!URL.canParse(text)) return text;
  const { protocol, host, pathname, search, username } = new URL(text);
  const removed = search !== '' || username !== '' ? ' (removed: name, password, query)' : '';
  return `${protocol}//${host}${pathname}${removed}`;
}

/** The same without what only the server may know. */
export function withoutSecrets(value: unknown, name = ''): unknown {
  if (typeof value === 'string' && value !== '' && SECRET_KEY.test(name)) return '(removed)';
  if (typeof value === 'string' && URL_KEY.test(name)) return bareUrl(value);
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, withoutSecrets(inner, key)]),
  );
}

/** What an inquiry gives, or why it gives nothing: half a report is better than none. */
async function attempt(inquiry: () => unknown): Promise<unknown> {
  try {
    return await inquiry();
  } catch (error) {
    return { failed: errorText(error) };
  }
}

async function ofServer({ data }: Config): Promise<unknown> {
  if (!serverRuns(data)) return 'no server runs';
  return {
    status: await attempt(() => callServer(data, serverStatus, {})),
    sample: await attempt(() => callServer(data, sampleShow, {})),
    alarms: await attempt(() => callServer(data, alarmHistory, {})),
  };
}

/** Writes the file and says what is in it. */
export async function report(option: {
  readonly config?: string;
  readonly output?: string;
}): Promise<void> {
  const at = new Date().toISOString();
  const { config, file } = loadConfig(option.config);
  const written = {
    made: at,
    version,
    node: process.version,
    machine: {
      system: `${type()} ${release()} ${process.arch}`,
      processor: cpus()[0]?.model ?? 'unknown',
      facts: await attempt(() => machineFacts(config)),
    },
    configuration: { file: file === '' ? 'none' : file, values: withoutSecrets(config) },
    checks: await attempt(() => checkResults(config)),
    server: await ofServer(config),
  };
  const output = option.output ?? `rookery-report-${at.slice(0, 19).replaceAll(':', '')}.json`;
  writeFileSync(output, `${JSON.stringify(written, undefined, 2)}\n`, { mode: 0o600 });
  console.log(
    `${output}: machine, configuration without secrets, checks, status, figures, alarms.`,
  );
  console.log('Read it before you send it to anybody.');
}
