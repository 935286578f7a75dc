// Writes docs/ALARMS.md from the rules and from the defaults of their levels.

import type { Config } from '../../config/schema.js';
import { alarmRules } from './rules.js';

function row(config: Config, index: number): string {
  const rule = alarmRules[index];
  if (rule === undefined) return '';
  const { warning, critical, clear } = rule.levels(config);
  const sign = rule.isFloor ? '≤' : '≥';
  const levels = `${sign} ${warning} | ${sign} ${critical} | ${rule.isFloor ? '≥' : '≤'} ${clear}`;
  return `| \`${rule.name}\` | ${rule.summary} | ${rule.unit} | ${levels} |`;
}

/** The whole document; `config` has the defaults. */
export function alarmsReference(config: Config): string {
  const rows = alarmRules.map((_, index) => row(config, index)).join('\n');
  const advice = alarmRules
    .map(({ name, advice: words }) => `- **\`${name}\`**: ${words}`)
    .join('\n');
  return `# Alarms

<!-- Generated from the rules, by \`npm run generate:alarms\`; do not edit. -->

Every second each rule looks at the newest sample. An alarm is raised when its warning level was
reached for \`alarms.holdSeconds\` (${config.alarms.holdSeconds}), becomes critical at the critical
level, and is cleared when the value was at the clear level or better for \`alarms.clearSeconds\`
(${config.alarms.clearSeconds}). Between the levels nothing changes, so that a value on the edge
does not ring every second. A rule has one alarm for each thing that it looks at: each queue, shard,
store, descriptor table. \`alarms.RULE.warning\`, \`.critical\` and \`.clear\` set the levels,
\`alarms.off\` switches rules off.

| rule | what is wrong | unit | warning | critical | clear |
| --- | --- | --- | --- | --- | --- |
${rows}

(\`mailboxAge\` follows \`limits.mailboxDays\`, of which the table has the default.)

## Who is told

Of every change (\`raised\`, \`escalated\`, \`cleared\`, \`acknowledged\`), at the same moment:

- the **log**: component \`alarm\`; a warning is a \`warn\`, a critical one an \`error\`, its end
  an \`info\`;
- the **webhook** \`alarms.webhook.url\`: a POST of
  \`{"event", "alarm", "server": {"domain", "version"}}\`, signed with \`alarms.webhook.secret\`
  (\`X-Rookery-Signature: t=SECONDS,v1=HMAC\`, HMAC-SHA-256 in hexadecimal of the seconds, a dot
  and the body), in order, with the same \`Idempotency-Key\` at every attempt;
- **whoever** follows \`rookery alarm stream\` or the samples;
- the **history**, which outlives restarts: \`rookery alarm history\`. It keeps the last thousand.

\`rookery alarm list\` shows what is raised. \`rookery alarm acknowledge ID\` tells the others that
somebody sees to it; an alarm that becomes critical afterwards asks again. A restart clears all;
what is still wrong is raised anew. \`rookery_alarm\` is the metric; \`GET /api/v1/alarm/list\` and
its neighbours are the API.

## What to do

${advice}
`;
}
