import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runInQuickJS } from '@sigma/kernel/testing';
import { engineStory } from '../testing/engine-story.ts';

test('[F02] [L2] a second engine, where inexact Math functions throw, lives the same story bit for bit', async () => {
  const entry = fileURLToPath(new URL('../testing/engine-story.ts', import.meta.url));
  const there = JSON.parse(await runInQuickJS({ entry, call: 'subject.engineStory()' }));
  assert.equal(there, engineStory());
});
