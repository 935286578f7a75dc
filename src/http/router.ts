// Finds the route of a request.

import { Problem } from './problem.js';
import type { Route } from './route.js';

/** A route with what its path's variables are in this request, still unchecked. */
export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

function matchPath(pattern: readonly string[], parts: readonly string[]): Match['params'] | null {
  if (pattern.length !== parts.length) return null;
  const params: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const part = parts[index] ?? '';
    if (wanted.startsWith('{')) params[wanted.slice(1, -1)] = part;
    else if (wanted !== part) return null;
  }
  return params;
}

/** All routes. */
export class Router {
  private readonly entries: readonly { pattern: readonly string[]; route: Route }[];

  constructor(routes: readonly Route[]) {
    this.entries = routes.map((route) => ({ pattern: route.path.split('/'), route }));
  }

  /** Undefined when no route has this path; throws a Problem when only others methods have it. */
  find(method: string, path: string): Match | undefined {
    const allow = this.methods(path);
    if (allow.length === 0) return undefined;
    const parts = path.split('/');
    const wanted = method === 'HEAD' ? 'GET' : method;
    for (const { pattern, route } of this.entries) {
      if (route.method !== wanted) continue;
      const params = matchPath(pattern, parts);
      if (params !== null) return { route, params };
    }
    throw new Problem(405, 'method-not-allowed', { allow });
  }

  /** The methods that a path has. */
  methods(path: string): string[] {
    const parts = path.split('/');
    const found = this.entries.filter(({ pattern }) => matchPath(pattern, parts) !== null);
    return found.map(({ route }) => route.method);
  }
}
