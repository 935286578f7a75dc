// `rookery check`: everything that would keep the server from starting or serving, found before it
// starts, and what of the machine would hold it back.

import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errorText, UserError } from '../base/errors.js';
import { portProblem } from '../boot/ports.js';
import { engineListeners } from '../config/engine-listeners.js';
import { loadConfig } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { certificateProblems } from '../services/certificate.js';
import { Store } from '../services/store.js';
import { serverRuns } from './admin-client.js';
import { machineFacts } from './machine-checks.js';

interface Check {
  readonly name: string;
  /** Problems; none when all is well. */
  run(): Promise<string[]>;
  /** What to say when all is well. */
  readonly good: string;
}

function checkData(folder: string): string[] {
  let existing = folder;
  while (!existsSync(existing) && dirname(existing) !== existing) existing = dirname(existing);
  try {
    if (!statSync(existing).isDirectory()) return [`${existing} is not a folder`];
    accessSync(existing, constants.R_OK | constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    return [`${existing} cannot be read and written: ${errorText(error)}`];
  }
}

async function checkStore(folder: string): Promise<string[]> {
  if (!existsSync(`${folder}/control`)) return [];
  try {
    const store = Store.open(folder);
    store.table('accounts').count();
    await store.close();
    return [];
  } catch (error) {
    return [`${folder}/control cannot be opened: ${errorText(error)}`];
  }
}

async function checkPorts(config: Config): Promise<string[]> {
  const others = [config.http.listen, config.admin.listen].filter((listen) => listen !== 'off');
  const addresses = [...engineListeners(config).map(({ address }) => address), ...others];
  const problems = await Promise.all(addresses.map(portProblem));
  return problems.filter((problem) => problem !== undefined);
}

/** The program that sends PINs. */
function checkSender({ registration }: Config): string[] {
  const [program = ''] = registration.command;
  if (registration.sender !== 'command' || !program.includes('/')) return [];
  try {
    accessSync(resolve(registration.commandFolder, program), constants.X_OK);
    return [];
  } catch (error) {
    return [`${program} cannot be run: ${errorText(error)}`];
  }
}

function checkCertificate(config: Config): string[] {
  const { cert, key } = config.tls;
  if (!existsSync(cert) && !existsSync(key)) return [];
  return certificateProblems({ cert, key }, config.domain);
}

function checksOf(config: Config, running: boolean): Check[] {
  const made = !existsSync(config.tls.cert) && !existsSync(config.tls.key);
  return [
    {
      name: 'data folder',
      run: () => Promise.resolve(checkData(config.data)),
      good: config.data,
    },
    { name: 'accounts', run: () => checkStore(config.data), good: 'readable' },
    {
      name: 'certificate',
      run: () => Promise.resolve(checkCertificate(config)),
      good: made ? 'none yet; a self-signed one is made at the first start' : config.tls.cert,
    },
    {
      name: 'registration by number',
      run: () => Promise.resolve(checkSender(config)),
      good: config.registration.sender,
    },
    {
      name: 'ports',
      run: () => (running ? Promise.resolve([]) : checkPorts(config)),
      good: running ? 'in use by the running server' : 'free',
    },
  ];
}

/** What a check has found; no problems when all is well. */
export interface CheckResult {
  readonly name: string;
  readonly good: string;
  readonly problems: readonly string[];
}

/** Runs every check. */
export async function checkResults(config: Config): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, run, good } of checksOf(config, serverRuns(config.data))) {
    results.push({ name, good, problems: await run() });
  }
  return results;
}

/** Runs every check, looks at the machine, and prints a line for each. */
export async function check(option: { readonly config?: string }): Promise<void> {
  const { config, file } = loadConfig(option.config);
  console.log(`ok    configuration: ${file === '' ? 'defaults, no file' : file}`);
  let problems = 0;
  for (const result of await checkResults(config)) {
    problems += result.problems.length;
    if (result.problems.length === 0) console.log(`ok    ${result.name}: ${result.good}`);
    for (const problem of result.problems) console.log(`FAIL  ${result.name}: ${problem}`);
  }
  for (const { name, found, advice } of machineFacts(config)) {
    console.log(`${advice === undefined ? 'ok  ' : 'note'}  ${name}: ${found}`);
    if (advice !== undefined) console.log(`      ${advice}`);
  }
  if (problems > 0) throw new UserError(`${problems} of the checks failed.`);
}
