// The OpenAPI documents, without a server: they say what the interfaces take and answer; what these
// work with is not asked.

import { version } from '../base/version.js';
import type { ApiParts } from '../http/api-parts.js';
import { openApiDocument } from '../http/openapi.js';
import type { Route } from '../http/route.js';
import { ADMIN_DOCUMENT } from '../operations/admin-document.js';
import type { OperationContext } from '../operations/context.js';
import { registryRoutes } from '../operations/routes.js';
import { apiRoutes } from './http-service.js';

/** The routes of both interfaces. */
export function documentedRoutes(): { api: Route[]; admin: Route[] } {
  return {
    api: apiRoutes({} as ApiParts),
    admin: registryRoutes(() => ({}) as OperationContext),
  };
}

/** The documents, by their names in docs/. */
export function documents(): Record<string, ReturnType<typeof openApiDocument>> {
  const { api, admin } = documentedRoutes();
  return {
    'openapi.json': openApiDocument(api, version),
    'admin-openapi.json': openApiDocument(admin, version, ADMIN_DOCUMENT),
  };
}
