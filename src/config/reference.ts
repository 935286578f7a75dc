// Writes docs/CONFIGURATION.md from the schema.

import { type ConfigKey, configKeys } from './keys.js';

function defaultOf(key: ConfigKey): string {
  if (key.defaultText !== undefined) return key.defaultText;
  const value: unknown = key.schema.parse(undefined);
  return `\`${Array.isArray(value) ? JSON.stringify(value) : String(value)}\``;
}

function row(key: ConfigKey): string {
  const write = key.write.replaceAll('|', '\\|');
  return `| \`${key.name}\` | ${key.doc} | ${write} | ${defaultOf(key)} |`;
}

/** The whole reference document. */
export function configurationReference(): string {
  const sections = new Map<string, ConfigKey[]>();
  for (const key of configKeys) {
    const section = key.name.includes('.') ? (key.name.split('.')[0] ?? '') : '';
    sections.set(section, [...(sections.get(section) ?? []), key]);
  }
  const head = '| key | meaning | write | default |\n| --- | --- | --- | --- |';
  const tables = [...sections].map(([section, keys]) => {
    const title = section === '' ? 'The server' : `\`${section}\``;
    return `## ${title}\n\n${head}\n${keys.map(row).join('\n')}\n`;
  });
  return `# Configuration

<!-- Generated from src/config/schema.ts by \`npm run generate:configuration\`; do not edit. -->

A YAML file, named by \`--config FILE\`, by the environment variable \`ROOKERY_CONFIG\`, or
\`rookery.yaml\` in the current folder. Every key may be left out. \`rookery check\` reports all
problems of a configuration at once, each with its line.

Every key can be given in the environment instead, which wins over the file: \`ROOKERY_\`, then the
key in capitals with words parted by \`_\`, so that \`xmpp.directTls\` is
\`ROOKERY_XMPP_DIRECT_TLS\`. Lists are parted by commas.

Relative names of files are relative to the configuration file's folder (without a file: to the
current folder).

\`\`\`yaml
domain: example.org
data: /var/lib/rookery
xmpp:
  listen: ["*:5222", "[::]:5222"]
  directTls: ["*:5223", "[::]:5223"]
tls:
  cert: /etc/rookery/cert.pem
  key: /etc/rookery/key.pem
\`\`\`

${tables.join('\n')}`;
}
