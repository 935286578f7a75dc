// Types of flame-graph.mjs, for its test.
export type FlameNode = [name: string, kind: string, total: number, children: FlameNode[]];
export class StackTree {
  samples: number;
  add(thread: string, frames: readonly { name: string; kind: string }[]): void;
  toJson(least?: number): FlameNode;
}
export function scriptName(symbol: string): string | undefined;
export function frameOf(symbol: string, object: string): { name: string; kind: string };
export function readStacks(lines: AsyncIterable<string>, threads?: RegExp): Promise<StackTree>;
