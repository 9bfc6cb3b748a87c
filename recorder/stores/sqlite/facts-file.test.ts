import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { SealedBlock } from '../../src/chain-writer.ts';
import type { FactsTerrain, KeptStretch } from '../../src/fork/facts.ts';
import { type ChainHead, gatherFacts, type Sha256 } from '../../src/index.ts';
import { sealStub } from '../../src/sync/gap.ts';
import { MemoryStore } from '../../testing/memory-store.ts';
import { type Tram, tramModel } from '../../testing/tram.ts';
import { tramDay } from '../../testing/tram-day.ts';
import { FactsFile } from './facts-file.ts';

const sha256: Sha256 = (bytes) => new Uint8Array(hash('sha256', bytes, 'buffer'));
const folder = mkdtempSync(join(tmpdir(), 'sigma-facts-'));
after(() => rmSync(folder, { recursive: true }));

const NAMES = ['nearest'];
const facts: FactsTerrain<Tram> = {
  facts: [{ name: 'nearest', kind: 'number' }],
  read: ({ world }) => [world.nearestMm],
};
const { blocks, opening } = tramDay({ seed: 3, wakes: 400, sha256 });

/** The day, without the blocks from one to the other, inclusive. */
async function dayWithout(from: number, to: number) {
  const store = new MemoryStore();
  const gone = blocks.slice(from, to + 1);
  if (gone.length === 0) store.rows.push(...blocks);
  else {
    const [first, last] = [gone[0], gone.at(-1)] as [SealedBlock, SealedBlock];
    const { tenant, source, epoch, firstSequence, previousHash } = first;
    const dropped = gone.map(({ hash: of, count }) => ({ hash: of, count }));
    const stub = sealStub({ tenant, source, epoch, firstSequence, previousHash, dropped, lastAtUs: last.lastAtUs });
    store.rows.push(...blocks.slice(0, from), stub, ...blocks.slice(to + 1));
  }
  const [head] = await store.heads();
  return { store, head: head as ChainHead };
}

async function gathered(of: Awaited<ReturnType<typeof dayWithout>>): Promise<readonly KeptStretch[]> {
  const stretches: KeptStretch[] = [];
  for await (const one of gatherFacts(of.store, of.head, opening, tramModel(), facts)) stretches.push(one);
  return stretches;
}

async function kept(name: string, stretches: readonly KeptStretch[], of: Awaited<ReturnType<typeof dayWithout>>) {
  const file = new FactsFile(join(folder, name), NAMES);
  assert.ok(file.keep([{ chain: of.head, basis: opening, stretches }]));
  file.close();
  const found: KeptStretch[] = [];
  for await (const one of (await file.load(of.store, of.head, opening))?.stretches() ?? []) found.push(one);
  return found;
}

test('[R117] [R127] facts of a life stay when the end of what they tell of was dropped: its hashes are still known', async () => {
  const stretches = await gathered(await dayWithout(0, -1));
  const lastBlock = blocks.findIndex(
    ({ hash: of }) => Buffer.compare(of, stretches.at(-1)?.blockHash ?? new Uint8Array()) === 0,
  );
  assert.ok(lastBlock > 5);
  assert.deepEqual(await kept('lived', stretches, await dayWithout(lastBlock - 2, lastBlock)), stretches);
  const altered = stretches.map((one, k) =>
    k === stretches.length - 1 ? { ...one, blockHash: new Uint8Array(32) } : one,
  );
  const found = await kept('altered', altered, await dayWithout(lastBlock - 2, lastBlock));
  assert.ok(found.length < stretches.length, 'facts of another life are not believed');
});

test('[R117] [R127] what is gathered around a gap is kept on both sides of it', async () => {
  const gap = await dayWithout(14, 18);
  const stretches = await gathered(gap);
  const apart = stretches.findIndex((one, k) => k > 0 && one.snapshot > (stretches[k - 1] as KeptStretch).end);
  assert.ok(apart > 0 && apart < stretches.length - 1);
  assert.deepEqual(await kept('gap', stretches, gap), stretches);
});
