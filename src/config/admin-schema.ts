// The keys under `admin`: how operators reach the server over HTTP.

import { isIP } from 'node:net';
import { z } from 'zod';
import { flag, listenOrOff, textList } from './fields.js';

/** The section. */
export const adminSchema = z.strictObject({
  listen: listenOrOff(
    'Where the admin HTTP interface is: operations, metrics, alarms. Whoever uses it ' +
      'needs a token (`rookery token add`). Tokens travel as they are: to reach it from other ' +
      'machines, put a proxy with TLS before it. The command line does not need it.',
    'off',
  ),
  trustedProxies: textList(
    'Addresses of proxies whose `X-Forwarded-For` is believed.',
    'a list of numeric addresses, such as `["127.0.0.1", "::1"]`',
    (value) => (isIP(value) === 0 ? undefined : value),
  ),
  openMetrics: flag(
    'Let `GET /metrics` be read without a token: whoever reaches `admin.listen` then sees ' +
      'figures, but no names.',
    false,
  ),
});
