// What the benchmark drivers share: they start the real server, run the load tools against it,
// print
// the measured figures beside their budgets, and leave them as JSON where they are wanted
// (ROOKERY_BENCH_FIGURES=folder).

import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
const LOOK_MS = 5000;
const QUIET_LOOKS = 4;
const MOST_LOOKS = 24;
const NOISE_KIB = 256;
const folder = process.env.ROOKERY_BENCH_FOLDER ?? 'build-bench';

/** Smallest, middle and largest of several rounds. */
export interface Spread {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

/** One line of the table: a figure and what it may be at most (or, for rates, at least). */
export interface Figure {
  readonly what: string;
  readonly unit: string;
  readonly value: number;
  readonly spread?: Spread;
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** Runs a scenario of the load generator; see runTool. */
export async function runLoad<T>(
  scenario: string,
  options: Readonly<Record<string, string | number>>,
): Promise<{ result: T; good: boolean }> {
  return await runTool<T>('rookery-load', options, scenario);
}

/** Runs a load tool to its end and returns the JSON that it printed, and whether it was content. */
export async function runTool<T>(
  tool: string,
  options: Readonly<Record<string, string | number>>,
  ...scenario: readonly string[]
): Promise<{ result: T; good: boolean }> {
  const pairs = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const words = [...scenario, ...pairs];
  try {
    const { stdout, stderr } = await run(join(folder, tool), words, { maxBuffer: 1 << 24 });
    if (stderr !== '' && scenario.length === 0) process.stderr.write(stderr);
    return { result: JSON.parse(stdout) as T, good: true };
  } catch (error) {
    const failed = error as { stdout?: string; stderr?: string };
    process.stderr.write(failed.stderr ?? '');
    if (!failed.stdout?.startsWith('{')) throw error;
    return { result: JSON.parse(failed.stdout) as T, good: false };
  }
}

/**
 * Resolves when a process's resident memory has not changed for a while, or after two minutes. V8
 * gives back what it needed to start while connections come, which would hide their memory.
 */
export async function settled(pid: number): Promise<void> {
  let quiet = 0;
  let before = 0;
  for (let look = 0; look < MOST_LOOKS && quiet < QUIET_LOOKS; look++) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const now = Number(/^VmRSS:\s+(\d+)/mu.exec(status)?.[1]);
    quiet = Math.abs(now - before) < NOISE_KIB ? quiet + 1 : 0;
    before = now;
    await sleep(LOOK_MS);
  }
}

/** Starts the bare relay on a port; it ends by itself, or with stop(). */
export async function startRelay(port: number, seconds: number): Promise<ChildProcess> {
  const words = ['--listen', `127.0.0.1:${port}`, '--threads', '2', '--seconds', String(seconds)];
  const relay = spawn(join(folder, 'relay_bench'), words, { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise<void>((resolve, reject) => {
    relay.once('error', reject);
    relay.once('exit', () => reject(new Error('the relay ended')));
    relay.stdout.once('data', () => resolve());
  });
  return relay;
}

const round = (value: number): string =>
  value >= 1000 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));

function isWithin({ value, atMost, atLeast }: Figure): boolean {
  return value <= (atMost ?? Number.POSITIVE_INFINITY) && value >= (atLeast ?? 0);
}

function row(figure: Figure): Record<string, string> {
  const { what, unit, value, spread, atMost, atLeast } = figure;
  const budget = atMost !== undefined ? `≤ ${atMost}` : atLeast !== undefined ? `≥ ${atLeast}` : '';
  const range = spread === undefined ? '' : `${round(spread.min)} … ${round(spread.max)}`;
  const verdict = budget === '' ? '' : isWithin(figure) ? 'yes' : 'NO';
  return { what, value: `${round(value)} ${unit}`, range, budget, met: verdict };
}

/** Prints the table, keeps the figures where wanted, and sets the exit code. */
export function report(name: string, figures: readonly Figure[], raw: unknown): void {
  const rows = figures.map(row);
  const titles = ['what', 'value', 'range', 'budget', 'met'];
  const widths = titles.map((t) => Math.max(t.length, ...rows.map((r) => r[t]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ');
  console.log(line(titles));
  for (const cells of rows) console.log(line(titles.map((title) => cells[title] ?? '')));
  if (!figures.every(isWithin)) process.exitCode = 1;
  const kept = process.env.ROOKERY_BENCH_FIGURES;
  if (kept === undefined) return;
  mkdirSync(kept, { recursive: true });
  const file = join(kept, `${name}.json`);
  writeFileSync(file, `${JSON.stringify({ ...circumstances(), figures, raw }, undefined, 2)}\n`);
}

function circumstances(): object {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim();
  return {
    measured: new Date().toISOString().slice(0, 16),
    commit,
    machine: `${cpus()[0]?.model}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: readFileSync('/proc/version', 'utf8').split(' ')[2],
    node: process.version,
  };
}

/** A number from the environment. */
export function setting(name: string, fallback: number): number {
  return Number(process.env[name] ?? fallback);
}

/** u0, u1 …: the accounts that the load tools use. */
export function accountNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `u${index}`);
}
