import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { AlertLevel, AlertSchema } from '@sigma/proto';
import { AlertBell, type BellChoice } from './alert-bell.ts';

const alert = (id: string, init: object = {}) =>
  create(AlertSchema, { id, level: AlertLevel.WARNING, text: `r1: ${id}`, raisedTimeUs: 1n, ...init });

function listening(choice: BellChoice) {
  const heard: string[] = [];
  const bell = new AlertBell(choice, {
    ring: (level) => heard.push(`ring ${level}`),
    notify: (title, text) => heard.push(text === '' ? title : `${title} (${text})`),
    remember: (kept) => heard.push(`sound ${kept.sound}`),
  });
  return { bell, heard };
}

test('what stood before the page was opened calls nobody; what comes new calls once', () => {
  const { bell, heard } = listening({ sound: true, notice: true });
  bell.hear([alert('old')]);
  assert.deepEqual(heard, []);
  bell.hear([alert('old'), alert('new')]);
  bell.hear([alert('old'), alert('new')]);
  assert.deepEqual(heard, ['ring warning', 'Warning: r1: new']);
});

test('an advisory, a silenced, an explained and an acknowledged one call nobody; a critical one always does', () => {
  const { bell, heard } = listening({ sound: true, notice: false });
  bell.hear([]);
  bell.hear([
    alert('a', { level: AlertLevel.ADVISORY }),
    alert('b', { silencedUntilTimeUs: 9n }),
    alert('c', { rootId: 'b' }),
    alert('d', { acknowledgedBy: 'ada' }),
    alert('e', { clearedTimeUs: 5n }),
  ]);
  assert.deepEqual(heard, []);
  bell.hear([alert('f', { level: AlertLevel.CRITICAL, silencedUntilTimeUs: 9n })]);
  assert.deepEqual(heard, ['ring critical']);
});

test('a flood is one call, and off is off', () => {
  const { bell, heard } = listening({ sound: false, notice: true });
  bell.hear([]);
  bell.hear(Array.from({ length: 40 }, (_, k) => alert(`n${k}`)));
  assert.deepEqual(heard, ['40 new alerts (They stand in Mission Control.)']);
  bell.choice.set({ sound: false, notice: false });
  bell.hear([alert('more')]);
  assert.deepEqual(heard, ['40 new alerts (They stand in Mission Control.)', 'sound false']);
});

test('a notification names its robot and says it as the page does, for whoever reads it without the page', () => {
  const { bell, heard } = listening({ sound: false, notice: true });
  bell.hear([]);
  const advice = 'Let it cool below 70 degC';
  bell.hear([
    alert('a', { agentId: 'r07', text: 'boardC is 79.8 degC, above 75 degC', advice }),
    alert('b', { agentId: 'r1' }),
    alert('c', { text: 'the archive is full' }),
  ]);
  assert.deepEqual(heard, [
    'Warning: r07: board is 79.8 °C, above 75 °C (Let it cool below 70 °C)',
    'Warning: r1: b',
    'Warning: the archive is full',
  ]);
});
