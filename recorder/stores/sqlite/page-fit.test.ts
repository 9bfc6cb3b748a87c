import assert from 'node:assert/strict';
import { test } from 'node:test';
import { draw } from '@sigma/kernel';
import type { SealedBlock } from '../../src/index.ts';
import { PageFit } from './page-fit.ts';

const PAGE = 8192;
const placed = (sizes: readonly number[]) =>
  sizes.map((size, k) => ({ block: { bytes: new Uint8Array(size) } as SealedBlock, ordinal: k + 1 }));

/** Pages that rows of these sizes take one behind the other, as SQLite lays them: no row is split that fits a page. */
function pagesOf(sizes: readonly number[]): number {
  let pages = 0;
  let free = 0;
  for (const size of sizes) {
    if (size + 66 > free) {
      pages++;
      free = PAGE - 8;
    }
    free -= size + 66;
  }
  return pages;
}

test('[R40] every block goes in once, and in fewer pages than as it came', () => {
  const fit = new PageFit(PAGE);
  const [came, went]: [number[], number[]] = [[], []];
  for (let commit = 0; commit < 200; commit++) {
    const sizes = Array.from({ length: 4 + (commit % 9) }, (_, k) => 400 + (draw(7, commit, 0, 0, k) % 2600));
    const blocks = placed(sizes);
    const ordered = fit.inOrder(blocks);
    assert.deepEqual(new Set(ordered), new Set(blocks));
    assert.equal(ordered.length, blocks.length);
    came.push(...sizes);
    went.push(...ordered.map(({ block }) => block.bytes.length));
  }
  assert.ok(pagesOf(went) < 0.94 * pagesOf(came), `${pagesOf(went)} pages instead of ${pagesOf(came)}`);
});

test('a commit of very many blocks goes in as it came', () => {
  const blocks = placed(Array.from({ length: 2000 }, (_, k) => 100 + k));
  assert.equal(new PageFit(PAGE).inOrder(blocks), blocks);
});
