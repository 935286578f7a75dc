// Writes docs/METRICS.md from the list of metrics.

import type { Metric } from './metric.js';

function row({ name, kind, labels, help }: Metric): string {
  const shown = labels.map((label) => `\`${label}\``).join(', ');
  return `| \`${name}\` | ${kind} | ${shown} | ${help.replaceAll('|', '\\|')} |`;
}

/** What a name belongs to: its second word, where a few share it. */
function sectionOf({ name }: Metric): string {
  const [, second = ''] = name.split('_');
  return ['shard', 'mailbox', 'queue', 'store'].includes(second) ? second : 'rest';
}

const TITLES: Readonly<Record<string, string>> = {
  shard: 'Shards',
  mailbox: 'Mailboxes',
  queue: 'Queues',
  store: 'Stores',
  rest: 'Server, control plane, process and machine',
};

/** The whole document. */
export function metricsReference(metrics: readonly Metric[]): string {
  const head = '| name | kind | labels | what it is |\n| --- | --- | --- | --- |';
  const sections = Object.entries(TITLES).map(([section, title]) => {
    const rows = metrics.filter((metric) => sectionOf(metric) === section).map(row);
    return `## ${title}\n\n${head}\n${rows.join('\n')}\n`;
  });
  return `# Metrics

<!-- Generated from the list that is also served, by \`npm run generate:metrics\`; do not edit. -->

\`GET /metrics\` on \`admin.listen\` tells Prometheus every figure of the last second. It takes
a token of the role viewer, or none with \`admin.openMetrics\`. Reading it asks no shard for
anything, and however many read it, a second's figures are taken and written once.

\`\`\`yaml
scrape_configs:
  - job_name: rookery
    authorization: { credentials_file: /etc/prometheus/rookery-token }
    static_configs: [{ targets: ["127.0.0.1:5290"] }]
\`\`\`

Names are stable: a figure may be added, none is renamed without a note in the release. Times are
in seconds, sizes in bytes; what ends with \`_total\` only grows until the server restarts. A
histogram has buckets at each doubling (\`le\` is the largest value in the bucket: 2^n − 1
microseconds, or pieces), so that a quantile of it is right to a factor of two; one that has
counted nothing yet is not told.
\`histogram_quantile(0.99, sum by (le) (rate(rookery_shard_handover_seconds_bucket[1m])))\`.
\`rookery sample show\` has eight buckets in each doubling. The rings of all shards towards one are
told as one queue, \`to-shard-N-requests\`.

${sections.join('\n')}`;
}
