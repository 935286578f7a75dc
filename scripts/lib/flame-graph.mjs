// Reads what `perf script -F comm,tid,ip,sym,dso` prints and writes a flame graph: an HTML file
// with the stacks, and the viewer beside this file (flame-graph.html). Used by scripts/profile.
//   --title TEXT --output FILE [--threads PATTERN]
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** Names longer than this help nobody. */
const LONGEST_NAME = 200;

/**
 * What V8 calls a function in its map (`LazyCompile:~name file:///…/x.js:3:1`, `JS:*name …`) as
 * people say it; undefined when it is none.
 */
export function scriptName(symbol) {
  const found = /^(?:LazyCompile|Function|Script|Eval|JS):([*~^+]?)(.*)$/u.exec(symbol);
  if (found === null) return undefined;
  const [, tier, rest] = found;
  const [name = '', ...place] = rest.split(' ');
  const file = place.join(' ').replace(/^file:\/\//u, '');
  // The last folders say enough.
  const short = file.split('/').slice(-3).join('/');
  const interpreted = tier === '~' ? ' (interpreted)' : '';
  return `${name || '(anonymous)'} ${short}${interpreted}`.trim();
}

/** What a frame is called, and of which kind it is: kernel, engine, script, node or other. */
export function frameOf(symbol, object) {
  const script = scriptName(symbol);
  if (script !== undefined) return { name: script, kind: 'script' };
  const name = symbol.replace(/\+0x[0-9a-f]+$/u, '').slice(0, LONGEST_NAME);
  if (object.includes('kernel') || object.endsWith('.ko')) return { name, kind: 'kernel' };
  if (object.endsWith('rookery.node')) return { name, kind: 'engine' };
  if (/\/perf-\d+\.map$/u.test(object)) {
    if (name === '[unknown]') return { name: '(JavaScript without a name)', kind: 'script' };
    return { name: name.replace(/^(Builtin|BytecodeHandler|Stub):/u, ''), kind: 'node' };
  }
  if (object.endsWith('/node')) return { name, kind: 'node' };
  const file = object.split('/').at(-1) ?? '';
  return { name: name === '[unknown]' ? `[${file}]` : name, kind: 'other' };
}

function newNode(name, kind) {
  return { name, kind, self: 0, total: 0, children: new Map() };
}

/** Adds up stacks, from the root: the thread's name, then its functions, outermost first. */
export class StackTree {
  root = newNode('all', 'other');
  samples = 0;

  add(thread, frames) {
    this.samples++;
    let node = this.root;
    node.total++;
    for (const { name, kind } of [{ name: thread, kind: 'thread' }, ...frames]) {
      let child = node.children.get(name);
      if (child === undefined) {
        child = newNode(name, kind);
        node.children.set(name, child);
      }
      child.total++;
      node = child;
    }
    node.self++;
  }

  /** As the viewer takes it: [name, kind, total, children], and what is too small left out. */
  toJson(least = this.samples / 20_000) {
    const write = ({ name, kind, total, children }) => [
      name,
      kind,
      total,
      [...children.values()]
        .filter((child) => child.total >= least)
        .sort((left, right) => right.total - left.total)
        .map(write),
    ];
    return write(this.root);
  }
}

/** Reads the lines of perf script into a tree. */
export async function readStacks(lines, threads = /(?:)/u) {
  const tree = new StackTree();
  let thread = '';
  let frames = [];
  const finish = () => {
    if (thread !== '' && threads.test(thread)) tree.add(thread, frames.reverse());
    thread = '';
    frames = [];
  };
  for await (const line of lines) {
    if (line.trim() === '') {
      finish();
      continue;
    }
    const frame = /^\s+[0-9a-f]+ (.*) \((.*)\)$/u.exec(line);
    if (frame !== null) {
      frames.push(frameOf(frame[1], frame[2]));
      continue;
    }
    const head = /^\s*(\S.*?)\s+\d+\s*:?\s*$/u.exec(line);
    if (head !== null) {
      finish();
      thread = head[1];
    }
  }
  finish();
  return tree;
}

async function main() {
  const { values } = parseArgs({
    options: {
      title: { type: 'string', default: 'profile' },
      output: { type: 'string' },
      threads: { type: 'string', default: '' },
    },
  });
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  const tree = await readStacks(lines, new RegExp(values.threads, 'u'));
  if (tree.samples === 0) {
    console.error('flame-graph: no samples');
    process.exit(1);
  }
  const page = readFileSync(new URL('flame-graph.html', import.meta.url), 'utf8');
  const data = JSON.stringify({ title: values.title, root: tree.toJson() });
  // The data stands in a script element, which only `</script` would end.
  writeFileSync(
    values.output,
    page.replace('"DATA"', () => data.replaceAll('<', '\\u003c')),
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
