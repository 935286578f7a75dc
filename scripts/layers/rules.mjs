// The rules of check-layers. Each takes the tree and the data and gives its problems as lines.

const isGenerated = (path) => path.includes('.gen.');

/** native/queue/ring.h -> ['native', 'queue']; src/index.ts -> ['src', '.']. */
function placeOf(path) {
  const parts = path.split('/');
  return [parts[0], parts.length > 2 ? parts[1] : '.'];
}

export function checkLayers(tree, rules) {
  const problems = [];
  for (const [path, { uses }] of tree) {
    const [side, folder] = placeOf(path);
    const order = rules[side];
    if (!Array.isArray(order)) continue;
    const rank = order.findIndex((group) => group.includes(folder));
    if (rank < 0) {
      problems.push(`${path}: the folder ${folder} is not in layers.json`);
      continue;
    }
    for (const used of uses) {
      const [usedSide, usedFolder] = placeOf(used);
      if (used === 'package.json') continue; // Its version may be read from anywhere.
      if (usedSide !== side) {
        problems.push(`${path}: uses ${used}, which is not of ${side}/`);
      } else if (usedFolder !== folder) {
        const usedRank = order.findIndex((group) => group.includes(usedFolder));
        if (usedRank >= rank) problems.push(`${path}: uses ${used}, which stands to its right`);
      }
    }
  }
  return problems;
}

export function checkSoleIncluders(tree, { soleIncluders }) {
  const problems = [];
  for (const [header, place] of Object.entries(soleIncluders)) {
    const pattern = new RegExp(`^\\s*#\\s*include\\s*[<"]${header.replace('.', '\\.')}[>"]`, 'm');
    const found = [...tree].filter(([, { text }]) => pattern.test(text)).map(([path]) => path);
    if (found.length > 1) problems.push(`${header} is included by ${found.join(' and ')}`);
    for (const path of found) {
      if (!path.startsWith(place)) problems.push(`${path}: only ${place} may include ${header}`);
    }
  }
  return problems;
}

/** Shell, Python and others open a comment with #, the rest with // or a block. */
function opensWithComment(path, text) {
  const body = text.replace(/^#!.*\n/, '');
  return /\.(cc|h|tsx?|mjs|cjs|bt)$/.test(path) || /^#!.*node/.test(text)
    ? /^\s*(\/\/|\/\*)/.test(body)
    : /^\s*(#|""")/.test(body);
}

export function checkForm(tree, { limits }) {
  const problems = [];
  for (const [path, { text }] of tree) {
    if (!opensWithComment(path, text)) problems.push(`${path}: does not open with a comment`);
    if (isGenerated(path)) continue;
    const lines = text.trimEnd().split('\n');
    if (lines.length > limits.lines) {
      problems.push(`${path}: ${lines.length} lines, ${limits.lines} are the limit`);
    }
    lines.forEach((line, index) => {
      if ([...line].length > limits.columns) {
        problems.push(`${path}:${index + 1}: ${[...line].length} columns`);
      }
    });
  }
  return problems;
}

function matches(pattern, path) {
  const source = pattern
    .split('*')
    .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
    .join('[^/]*');
  return new RegExp(`^${source}$`).test(path);
}

/** Executables, tests and benchmarks are run, not imported. */
function isRun(path, text, entries) {
  if (entries.some((pattern) => matches(pattern, path))) return true;
  if (path.startsWith('test/')) {
    return /(\.test\.ts|_test\.cc|_fuzz\.cc|_bench\.cc|\.py)$/.test(path) || /\bmain\(/.test(text);
  }
  return path.startsWith('.ci/') || /^#!/.test(text) || /\.(bash|cjs|bt|py)$/.test(path);
}

/** A source belongs to the header of its name, and is used when that is. */
function checkCppUsed(tree, path, used, text, rules) {
  if (path.endsWith('.h')) return used.has(path);
  if (isRun(path, text, rules.entries)) return true;
  const headers = tree.get(path).uses.filter((name) => name.endsWith('.h'));
  const own = path.slice(0, -'.cc'.length);
  // Either its own header, or a part of a class whose header it opens with.
  const header = headers.find((name) => name === `${own}.h`) ?? headers[0];
  return header !== undefined && used.has(header);
}

export function checkUsed(tree, rules) {
  const used = new Set();
  for (const [path, { uses }] of tree) {
    for (const name of uses) {
      // A header is not in use because its own source includes it.
      if (name.replace(/\.h$/, '') !== path.replace(/\.cc$/, '')) used.add(name);
    }
  }
  const problems = [];
  for (const [path, { text }] of tree) {
    const fine = /\.(cc|h)$/.test(path)
      ? checkCppUsed(tree, path, used, text, rules)
      : isRun(path, text, rules.entries) || used.has(path);
    if (!fine) problems.push(`${path}: nobody uses it`);
  }
  return problems;
}
