// Reads the configuration: YAML file, then environment, then defaults. All problems are found in
// one pass and each names its line, so that nobody fixes a file one error at a time.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { type Document, isMap, isScalar, LineCounter, parse, parseDocument } from 'yaml';
import type { z } from 'zod';
import { errorText, UserError } from '../base/errors.js';
import { alarmProblems } from './alarms-schema.js';
import { engineListeners } from './engine-listeners.js';
import { isLoopback, parseListenAddress } from './fields.js';
import { configKeys } from './keys.js';
import { type Config, type ConfigInput, configSchema } from './schema.js';
import { suggest } from './suggest.js';

/** One thing that is wrong, where it stands, and what to write instead. */
export interface ConfigProblem {
  /** `rookery.yaml:12` or `environment ROOKERY_SHARDS`. */
  readonly where: string;
  readonly message: string;
}

function lineOf({ where }: ConfigProblem): number {
  return Number(/:(\d+)$/u.exec(where)?.[1] ?? 0);
}

/** Every problem of a configuration at once. */
export class ConfigError extends UserError {
  constructor(readonly problems: readonly ConfigProblem[]) {
    const inOrder = [...problems].sort((left, right) => lineOf(left) - lineOf(right));
    const lines = inOrder.map(({ where, message }) => `  ${where}: ${message}`);
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super(`The configuration has ${count}:\n${lines.join('\n')}`, '', 2);
  }
}

/** A configuration and where it came from. */
export interface LoadedConfig {
  readonly config: Config;
  /** The file that was read; empty when there was none. */
  readonly file: string;
}

type Tree = { [key: string]: unknown };

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The source of one value, for messages: its line in the file, or its variable. */
class Sources {
  private readonly variables = new Map<string, string>();
  private readonly lines = new LineCounter();
  private document: Document | undefined;

  constructor(private readonly file: string) {}

  parseFile(text: string, problems: ConfigProblem[]): Tree {
    const document = parseDocument(text, { lineCounter: this.lines, prettyErrors: false });
    this.document = document;
    for (const error of document.errors) {
      problems.push({ where: this.position(error.pos[0]), message: error.message });
    }
    const tree: unknown = document.errors.length === 0 ? document.toJS() : undefined;
    if (tree === undefined || tree === null) return {};
    if (isTree(tree)) return tree;
    problems.push({
      where: this.position(0),
      message: 'write keys and values, such as `domain: example.org`',
    });
    return {};
  }

  fromVariable(key: string, variable: string): void {
    this.variables.set(key, variable);
  }

  where(path: readonly PropertyKey[]): string {
    for (let length = path.length; length > 0; length--) {
      const variable = this.variables.get(path.slice(0, length).join('.'));
      if (variable !== undefined) return `environment ${variable}`;
    }
    return this.file === '' ? `option ${path.join('.')}` : this.position(this.offset(path));
  }

  private position(offset: number): string {
    return `${this.file}:${Math.max(1, this.lines.linePos(offset).line)}`;
  }

  private offset(path: readonly PropertyKey[]): number {
    let node: unknown = this.document?.contents;
    let found = 0;
    for (const part of path) {
      if (isMap(node)) {
        const pair = node.items.find(({ key }) => isScalar(key) && key.value === part);
        if (pair === undefined) return found;
        if (isScalar(pair.key) && pair.key.range) found = pair.key.range[0];
        node = pair.value;
      } else {
        const item = this.document?.getIn([...path], true);
        return isScalar(item) && item.range ? item.range[0] : found;
      }
    }
    return found;
  }
}

function setIn(tree: Tree, key: string, value: unknown): void {
  const parts = key.split('.');
  const last = parts.pop() ?? '';
  let at = tree;
  for (const part of parts) {
    const next = at[part];
    const child = isTree(next) ? { ...next } : {};
    at[part] = child;
    at = child;
  }
  at[last] = value;
}

function applyEnvironment(
  tree: Tree,
  sources: Sources,
  environment: NodeJS.ProcessEnv,
  problems: ConfigProblem[],
): void {
  const known = new Set(['ROOKERY_CONFIG']);
  for (const key of configKeys) {
    known.add(key.environment);
    const written = environment[key.environment];
    if (written === undefined) continue;
    sources.fromVariable(key.name, key.environment);
    setIn(tree, key.name, environmentValue(written, key.list, typeof key.schema.parse(undefined)));
  }
  for (const name of Object.keys(environment)) {
    if (!name.startsWith('ROOKERY_') || known.has(name)) continue;
    // Only what looks like a slip of the pen: others may have variables with this prefix too.
    const meant = suggest(name, [...known]);
    if (meant === undefined) continue;
    const message = `is not a known name; did you mean ${meant}?`;
    problems.push({ where: `environment ${name}`, message });
  }
}

function environmentValue(written: string, list: boolean, type: string): unknown {
  if (list) {
    return written.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
  }
  if (type === 'string') return written;
  try {
    return parse(written);
  } catch {
    return written;
  }
}

function shown(input: unknown): string {
  const json = JSON.stringify(input);
  if (json === undefined) return 'nothing';
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}

function valueAt(tree: Tree, path: readonly PropertyKey[]): unknown {
  let at: unknown = tree;
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at;
}

function explain(issue: z.core.$ZodIssue, tree: Tree, sources: Sources): ConfigProblem[] {
  const prefix = issue.path.length === 0 ? '' : `${issue.path.join('.')}.`;
  if (issue.code === 'unrecognized_keys') {
    const names = configKeys.map(({ name }) => name);
    const sections = names.map((name) => name.split('.')[0] ?? '');
    return issue.keys.map((key) => {
      const full = prefix + key;
      const meant = suggest(full, [...names, ...sections]) ?? suggestSameWord(key, names);
      const hint =
        meant === undefined ? 'docs/CONFIGURATION.md lists the keys' : `did you mean ${meant}?`;
      return {
        where: sources.where([...issue.path, key]),
        message: `${full} is not a known key; ${hint}`,
      };
    });
  }
  const section = issue.code === 'invalid_type' && issue.expected === 'object';
  const write = section ? 'keys of this section below it, indented' : issue.message;
  const value = shown(valueAt(tree, issue.path));
  const name = issue.path.join('.').replace(/\.(\d+)/gu, '[$1]');
  return [{ where: sources.where(issue.path), message: `${name} is ${value}; write ${write}` }];
}

/** A key that exists, but in another section than where it was written. */
function suggestSameWord(key: string, names: readonly string[]): string | undefined {
  return names.find((name) => name.split('.').at(-1) === key);
}

/** Rules between keys, which the schema of one key cannot see. */
function crossCheck(config: Config, sources: Sources, problems: ConfigProblem[]): void {
  const add = (key: string, message: string): void => {
    problems.push({ where: sources.where(key.split('.')), message: `${key} ${message}` });
  };
  const listeners = engineListeners(config);
  if (listeners.length === 0) {
    add('xmpp.listen', 'and the other listeners are all empty; write at least one address');
  }
  const seen = new Set<string>();
  const others = [
    { key: 'http.listen', address: config.http.listen },
    { key: 'admin.listen', address: config.admin.listen },
  ].filter(({ address }) => address !== 'off');
  for (const { key, address } of [...listeners, ...others]) {
    if (!address.endsWith(':0') && seen.has(address)) {
      add(key, `opens ${address} a second time; write each address once`);
      break;
    }
    seen.add(address);
  }
  crossCheckRegistration(config, add);
  for (const [key, message] of alarmProblems(config.alarms)) add(key, message);
  if (config.limits.maxUnauthenticatedBytes > config.limits.maxStanzaBytes) {
    add('limits.maxUnauthenticatedBytes', 'exceeds limits.maxStanzaBytes; write a smaller number');
  }
  if ((config.tls.cert === '') !== (config.tls.key === '')) {
    const missing = config.tls.cert === '' ? 'tls.cert' : 'tls.key';
    add(missing, 'is not set, but its other half is; write both or neither');
  }
}

function crossCheckRegistration(
  { http, registration }: Config,
  add: (key: string, message: string) => void,
): void {
  const listen = parseListenAddress(http.listen);
  const { sender, webhook, command, allowDevelopmentSender } = registration;
  if (sender === 'webhook' && webhook.url === '') {
    add('registration.webhook.url', 'is not set; the sender `webhook` needs it');
  }
  if (sender === 'webhook' && webhook.secret === '') {
    add('registration.webhook.secret', 'is not set; the sender `webhook` needs it');
  }
  if (sender === 'command' && (command[0] ?? '') === '') {
    add('registration.command', 'is empty; the sender `command` needs a program');
  }
  if (sender !== 'development' || allowDevelopmentSender) return;
  if (listen === undefined || isLoopback(listen)) return;
  add(
    'registration.sender',
    'is `development`, which lets everybody who reaches http.listen register any number; ' +
      'write another sender, or `http.listen: 127.0.0.1:5280`, or set ' +
      'registration.allowDevelopmentSender',
  );
}

function withAbsolutePaths(config: Config, folder: string): Config {
  const absolute = (name: string): string => (isAbsolute(name) ? name : resolve(folder, name));
  const optional = (name: string): string => (name === '' ? '' : absolute(name));
  const data = absolute(config.data);
  const { cert, key } = config.tls;
  return {
    ...config,
    data,
    tls: {
      ...config.tls,
      cert: cert === '' ? join(data, 'tls', 'cert.pem') : absolute(cert),
      key: key === '' ? join(data, 'tls', 'key.pem') : absolute(key),
    },
    registration: {
      ...config.registration,
      commandFolder: optional(config.registration.commandFolder) || data,
    },
    handlers: {
      path: optional(config.handlers.path),
      overrides: optional(config.handlers.overrides),
      loadSeconds: config.handlers.loadSeconds,
    },
  };
}

function validate(tree: Tree, sources: Sources, problems: ConfigProblem[], folder: string): Config {
  const result = configSchema.safeParse(tree);
  if (result.success) {
    crossCheck(result.data, sources, problems);
    if (problems.length === 0) return withAbsolutePaths(result.data, folder);
  } else {
    for (const issue of result.error.issues) problems.push(...explain(issue, tree, sources));
  }
  throw new ConfigError(problems);
}

/** Validates a configuration given as an object, as programs do. Paths are relative to `folder`. */
export function configFromObject(input: ConfigInput, folder = process.cwd()): Config {
  return validate({ ...input }, new Sources(''), [], folder);
}

/** Validates the text of a configuration file with the environment over it. */
export function configFromText(text: string, file: string, environment: NodeJS.ProcessEnv): Config {
  const problems: ConfigProblem[] = [];
  const sources = new Sources(file);
  const tree = sources.parseFile(text, problems);
  applyEnvironment(tree, sources, environment, problems);
  return validate(tree, sources, problems, dirname(resolve(file)));
}

/**
 * Loads the file named, or by ROOKERY_CONFIG, or ./rookery.yaml when it exists, or only the
 * environment and the defaults. Relative paths in it are relative to the file's folder.
 */
export function loadConfig(
  named: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): LoadedConfig {
  const asked = named ?? environment.ROOKERY_CONFIG;
  const file = asked ?? (existsSync('rookery.yaml') ? 'rookery.yaml' : '');
  if (file === '') return { config: configFromText('', 'rookery.yaml', environment), file };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(
      `Cannot read the configuration ${file}: ${errorText(error)}`,
      'Check --config.',
      2,
    );
  }
  return { config: configFromText(text, file, environment), file: resolve(file) };
}
