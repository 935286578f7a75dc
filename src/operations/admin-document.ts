// What the OpenAPI document of the admin interface says of the whole.

import type { DocumentHead } from '../http/openapi.js';

export const ADMIN_DOCUMENT: DocumentHead = {
  title: 'Rookery administration',
  description:
    'Everything that operators can ask of a server. `rookery token add` makes the bearer tokens; ' +
    '`x-rookery-role` is the least role of an operation (viewer, operator, admin), ' +
    '`x-rookery-confirm` a question that people should be asked before: `{user}` in it is what ' +
    'is given for user, `{/resource}` a slash and that, or nothing. Every error is a problem of ' +
    'RFC 9457, whose `rule` names what refused.',
  security: 'token',
};
