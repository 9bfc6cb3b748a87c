import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamEvent } from './event-stream.ts';
import { openTerminal } from './terminal.ts';

function opened(): {
  readonly terminal: ReturnType<typeof openTerminal>;
  readonly told: StreamEvent[];
  clock: { ms: number };
} {
  const told: StreamEvent[] = [];
  const clock = { ms: 0 };
  const streams = { out: { write: () => true }, error: { write: () => true } };
  return {
    terminal: openTerminal(
      streams,
      (event) => told.push(event),
      'sigma account create',
      true,
      () => clock.ms,
    ),
    told,
    clock,
  };
}

test('[R189] the event stream hears of the progress of any command, once a second, with --json too', () => {
  const { terminal, told, clock } = opened();
  for (; clock.ms < 3_000; clock.ms += 100) terminal.progress(`${clock.ms} of 3000`);
  assert.deepEqual(
    told,
    [0, 1_000, 2_000].map((ms) => ({ type: 'sigma.command.progress', text: `${ms} of 3000` })),
  );
});

test('[R189] a command that tells its progress in fields is not told a second time in words', () => {
  const { terminal, told, clock } = opened();
  terminal.event({ type: 'sigma.export.progress', events: 1 });
  for (; clock.ms < 3_000; clock.ms += 500) terminal.progress('half of it');
  assert.deepEqual(told, [{ type: 'sigma.export.progress', events: 1 }]);
});

test('[R189] the event stream is told the result of any command, and of one that holds a secret all but that', () => {
  const { terminal, told } = opened();
  terminal.result({ role: 'viewer', type: 'ours' }, '');
  terminal.result({ role: 'viewer', password: 'hunter2' }, '', { role: 'viewer' });
  const type = 'sigma.account.create.result';
  assert.deepEqual(told, [
    { type, role: 'viewer' },
    { type, role: 'viewer' },
  ]);
});
