import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signalEvent, WireReader } from '../../src/index.ts';
import { testOpening } from '../../testing/chains.ts';
import { McapChannels } from './channels.ts';
import { McapFile } from './mcap-file.ts';
import { ChainTranslation } from './translation.ts';

/** The text of a foxglove.Log. */
function textIn(data: Uint8Array): string {
  const reader = new WireReader(data);
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x1a) return reader.string();
    reader.skip(tag);
  }
  return '';
}

test('[R180] each message keeps its bytes, however many are written behind it', () => {
  const channels = new McapChannels(new McapFile({ position: () => 0n, write: async () => {} }));
  const span = { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER };
  const translation = new ChainTranslation(testOpening('tram-1'), null, channels, span, new Map());
  const said = Array.from({ length: 3_000 }, (_, n) => `event ${n} ${'x'.repeat(n % 90)}`);
  const events = said.map((text, n) => ({ ...signalEvent('note', text, n, n), sequence: n + 1 }));
  const messages = translation.messagesOf(events, (_, why) => assert.fail(why));
  const lines = messages.filter(({ channel }) => channel.topic === '/tram-1/log').map(({ data }) => textIn(data));
  assert.deepEqual(
    lines,
    said.map((text) => `note ${JSON.stringify(text)}`),
  );
  assert.ok(messages.reduce((sum, { data }) => sum + data.length, 0) > 3 * 65_536, 'more than stands in one room');
});
