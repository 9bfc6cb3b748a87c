import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';

/** As of a hub that has run for a while: a young generation that has grown to most of the room that there is. */
const GROWN = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64'];

/** What a hub does beside a drain: bytes of the wire that live for a moment, and small things beside them. */
const DRAIN = `
  const lives = Array.from({ length: 200_000 }, (_, i) => ({ i }));
  gc();
  gc();
  let full = 0;
  let begun = false;
  const observer = new PerformanceObserver((list) => {
    if (begun) full += list.getEntries().filter(({ detail }) => detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR).length;
  });
  observer.observe({ entryTypes: ['gc'] });
  const turn = () => new Promise(setImmediate);
  await turn();
  begun = true;
  const flying = [];
  for (let i = 0; i < 2500; i++) {
    flying[i % 32] = [new Uint8Array(64 * 1024), Array.from({ length: 1600 }, (_, k) => ({ k }))];
    await turn();
  }
  for (let i = 0; i < 10; i++) await turn();
  console.log(JSON.stringify({ full, lives: lives.length }));
`;

const MODULE = new URL('./late-marking.ts', import.meta.url).href;

/** @returns full collections while 160 MB pass */
function fullCollections(late: boolean): number {
  const first = `import { markLate } from '${MODULE}';\nif (${late}) markLate();`;
  const script = `import { constants, PerformanceObserver } from 'node:perf_hooks';\n${first}\n${DRAIN}`;
  const said = execFileSync(process.execPath, [...GROWN, '--input-type=module', '-e', script], { encoding: 'utf8' });
  return (JSON.parse(said) as { readonly full: number }).full;
}

test('[R125] what passes through a hub does not make it collect its whole heap: frames of the moment wait for that', () => {
  assert.equal(fullCollections(true), 0);
  // By itself it does; a V8 that does not any more needs no such word.
  assert.ok(fullCollections(false) > 0);
});
