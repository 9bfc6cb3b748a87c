// Loaded by every test file before its own sources: node:test without a finalizer for each promise.
//
// To tell which test something belongs to (an error that nobody caught, a test that is declared within a suite), node:test
// keeps for every resource (async_hooks), promises among them, the test that it was made in, and has the garbage collector
// say when it may forget: in files that read records an eighth of the time goes there. Here two bytes are kept of each
// instead, for good, and node:test is told of a resource when it asks which one runs now.

import { createRequire } from 'node:module';

type Hooks = typeof import('node:async_hooks');
type Init = (id: number, type: string, trigger: number, resource: object) => void;

const CHUNK_BITS = 20;
const IN_CHUNK = 2 ** CHUNK_BITS - 1;

/** Tests by the number of a resource; resources are numbered one after the other, from 1. */
class TestOfResource {
  readonly #tests: object[] = [];
  /** Of each resource the number of its test, 0 where it has none. */
  readonly #chunks: Uint16Array[] = [];

  /** What a test runs in, or what something that ran in one has made. */
  made(id: number, type: string, trigger: number, resource: object): void {
    const test = type === 'Test' ? this.#tests.push(resource) : this.#numberOf(trigger);
    if (test === 0) return;
    const chunk = this.#chunks[id >> CHUNK_BITS] ?? new Uint16Array(IN_CHUNK + 1);
    this.#chunks[id >> CHUNK_BITS] = chunk;
    chunk[id & IN_CHUNK] = test;
  }

  of(id: number): object | null {
    return this.#tests[this.#numberOf(id) - 1] ?? null;
  }

  #numberOf(id: number): number {
    return this.#chunks[id >> CHUNK_BITS]?.[id & IN_CHUNK] ?? 0;
  }
}

// The one that node:test takes both from, which no import of the module gives.
const hooks = createRequire(import.meta.url)('node:async_hooks') as Hooks;
const { createHook, executionAsyncId } = hooks;
const known = new TestOfResource();
let tell: Init = () => undefined;

hooks.createHook = (callbacks) => {
  const { init } = callbacks as { readonly init?: Init };
  if (init === undefined || !(new Error().stack ?? '').includes('node:internal/test_runner/'))
    return createHook(callbacks);
  tell = init;
  return createHook({ init: (id, type, trigger, resource) => known.made(id, type, trigger, resource) });
};

hooks.executionAsyncId = () => {
  const id = executionAsyncId();
  const test = known.of(id);
  if (test !== null) tell(id, 'Test', 0, test);
  return id;
};
