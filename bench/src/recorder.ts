import { benchAppend } from '@sigma/recorder/testing';
import { type BenchLine, relative } from './line.ts';

/** Durable append of 200-byte events next to bare inserts, batch by batch. */
export async function benchRecorder(): Promise<readonly BenchLine[]> {
  const lines: BenchLine[] = [];
  for (const batch of [1, 100, 1_000]) {
    const { ours, bare } = await benchAppend({ batch });
    lines.push(relative(`recorder.append${batch}`, ours, 'events/s', 'bare node:sqlite', bare, '>=', 0.5));
  }
  return lines;
}
