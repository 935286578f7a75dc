// The handlers that a worker has loaded, and which of them answers what. Loading never throws: what
// is wrong is kept as text, for the self-test to report.

import { existsSync, readdirSync } from 'node:fs';
import { extname, join, parse } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { errorText } from '../base/errors.js';
import type { Handler, HandlerFeatures, IqRoute } from '../handlers/handler.js';
import type { Settings } from '../services/settings.js';
import type { ReportProgress } from './work.js';

/** `.js` in the package, `.ts` where the sources run as they are. */
const EXTENSION = extname(fileURLToPath(import.meta.url));

/** A route and the handler behind it. */
export interface RoutedHandler {
  readonly handler: Handler;
  readonly route: IqRoute;
}

/** The loaded handlers. */
export class HandlerTable {
  readonly problems: string[] = [];
  readonly handlers: Handler[] = [];
  private readonly routes = new Map<string, RoutedHandler>();

  constructor(private readonly settings: Settings) {}

  /** Loads the table's files, and those of the overrides folder in their place or beside them. */
  static async load(
    settings: Settings,
    path: string,
    overrides: string,
    report: ReportProgress = () => undefined,
  ): Promise<HandlerTable> {
    const table = new HandlerTable(settings);
    const names = await table.readNames(path);
    const replaced = table.readOverrides(overrides);
    for (const name of new Set([...names, ...replaced.keys()])) {
      const file = replaced.get(name) ?? join(path, `${name}${EXTENSION}`);
      report(`loading ${file}`);
      await table.loadFile(file);
    }
    return table;
  }

  add(handler: Handler): void {
    this.handlers.push(handler);
    for (const route of handler.iq ?? []) {
      const key = `${route.element} ${route.namespace}`;
      const taken = this.routes.get(key);
      if (taken !== undefined) {
        this.problems.push(`${handler.name} and ${taken.handler.name} both answer ${key}`);
      }
      this.routes.set(key, { handler, route });
    }
  }

  /** Which handler answers a payload. */
  find(element: string, namespace: string): RoutedHandler | undefined {
    return this.routes.get(`${element} ${namespace}`);
  }

  /** The features that the handlers offer together. */
  features(): HandlerFeatures {
    const offered = this.handlers.map((handler) => handler.features?.(this.settings) ?? {});
    return {
      server: offered.flatMap(({ server }) => server ?? []),
      account: offered.flatMap(({ account }) => account ?? []),
    };
  }

  private async readNames(path: string): Promise<readonly string[]> {
    const file = join(path, `table${EXTENSION}`);
    try {
      const module: unknown = await import(pathToFileURL(file).href);
      const { handlerFiles } = module as { handlerFiles?: unknown };
      if (Array.isArray(handlerFiles)) return handlerFiles.map(String);
      this.problems.push(`${file} does not export handlerFiles`);
    } catch (error) {
      this.problems.push(`${file}: ${errorText(error)}`);
    }
    return [];
  }

  private readOverrides(folder: string): Map<string, string> {
    if (folder === '') return new Map();
    try {
      if (!existsSync(folder)) throw new Error('there is no such folder');
      const files = readdirSync(folder).filter((file) => /\.(?:js|mjs)$/u.test(file));
      return new Map(files.map((file) => [parse(file).name, join(folder, file)]));
    } catch (error) {
      this.problems.push(`handlers.overrides ${folder}: ${errorText(error)}`);
      return new Map();
    }
  }

  private async loadFile(file: string): Promise<void> {
    try {
      const module: unknown = await import(pathToFileURL(file).href);
      const { handler } = module as { handler?: unknown };
      if (!isHandler(handler)) throw new Error('it does not export a `handler` with a selfTest');
      this.add(handler);
    } catch (error) {
      this.problems.push(`${file}: ${errorText(error)}`);
    }
  }
}

function isHandler(value: unknown): value is Handler {
  if (typeof value !== 'object' || value === null) return false;
  const { name, selfTest } = value as Partial<Handler>;
  return typeof name === 'string' && typeof selfTest === 'function';
}
