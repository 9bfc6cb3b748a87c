import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cartDigest } from './cart-digest.ts';
import { runInBrowser, withoutBrowser } from './engine-browser.ts';
import { runInQuickJS } from './engine-quickjs.ts';

test('[L2] the whole kernel says the same bytes in QuickJS, where inexact Math, clocks and chance are poisoned', async () => {
  const entry = fileURLToPath(new URL('cart-digest.ts', import.meta.url));
  const there = JSON.parse(await runInQuickJS({ entry, call: 'subject.cartDigest()' }));
  assert.equal(there, cartDigest());
});

test('[L2] the whole kernel says the same bytes in the browser', { skip: withoutBrowser }, async () => {
  const entry = fileURLToPath(new URL('cart-digest.ts', import.meta.url));
  assert.equal(await runInBrowser({ entry, call: 'subject.cartDigest()' }), cartDigest());
});
