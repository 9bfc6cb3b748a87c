import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command } from '@sigma/kernel';
import { WATCHDOG_US } from '../../hal/driver.ts';
import type { Bodies } from './bodies.ts';
import { BodyLoop, type FromBody, type ToBody } from './body-loop.ts';
import { Pulse } from './pulse.ts';

const STEP_US = 10_000;
const word = (name: string): Command => ({ kind: 'setpoint', name, params: {}, durationUs: 300_000 });

/** One body on a clock that the test moves, told and asked by hand. */
class BodyStory {
  nowUs = 5_000_000;
  readonly did: { readonly fromUs: number; readonly name: string }[] = [];
  readonly said: Extract<FromBody, { type: 'frames' }>[] = [];
  readonly pulse = new Pulse();
  readonly loop: BodyLoop;
  #mail: ToBody[] = [];

  constructor(beginsUs = 5_000_000) {
    this.nowUs = beginsUs;
    const bodies: Bodies = {
      stepUs: STEP_US,
      capabilities: () => [],
      rest: word('rest'),
      mechanical: word('brakes'),
      step: (fromUs, commands) => {
        const name = commands.get('b1')?.command.name ?? '';
        if (this.did.at(-1)?.name !== name) this.did.push({ fromUs, name });
        return new Map();
      },
      outside: () => new Map(),
      actionStatus: () => null,
      seal: () => null,
    };
    this.loop = new BodyLoop(['b1'], bodies, this.pulse, {
      nowUs: () => this.nowUs,
      receive: () => this.#mail.shift() ?? null,
      say: (message) => message.type === 'frames' && this.said.push(message),
      stepped: () => {},
    });
  }

  tell(name: string, forUs: number): this {
    const { nowUs: atUs } = this;
    this.#mail.push({ type: 'command', agentId: 'b1', command: word(name), untilUs: atUs + forUs, atUs });
    return this;
  }

  /** Time passes. `asked`: the loop above asks for frames every 10 ms; `runs`: this thread gets the processor. */
  pass(us: number, { asked = true, runs = true }: { asked?: boolean; runs?: boolean } = {}): this {
    for (const endUs = this.nowUs + us; this.nowUs < endUs; ) {
      this.nowUs += STEP_US;
      if (asked) this.pulse.beat(this.nowUs);
      if (runs) this.loop.run();
    }
    return this;
  }
}

/** A morning in the life of a body: renewed late, silent for a while, told anew. */
function morning(late: boolean): BodyStory['did'] {
  const story = new BodyStory().pass(50_000);
  const runs = !late;
  story.tell('drive', 300_000).pass(500_000, { runs }).tell('turn', 200_000).pass(400_000, { runs });
  story.tell('lift', 150_000).pass(60_000, { runs }).tell('drive', 90_000).pass(30_000, { runs });
  return story.pass(200_000).did;
}

test('bodies that are computed late do what they would have done in time: nothing is known early, set-points end', () => {
  const did = morning(false);
  assert.deepEqual(
    did.map(({ name }) => name),
    ['rest', 'drive', 'rest', 'turn', 'rest', 'lift', 'drive', 'rest'],
  );
  assert.deepEqual(morning(true), did);
});

test('when nobody has asked for too long the body brakes, at that moment of its own time, however late it is computed [L5]', () => {
  for (const runs of [true, false]) {
    const story = new BodyStory().pass(50_000).tell('drive', 10_000_000).pass(100_000, { runs: true });
    const silentUs = story.nowUs;
    story.pass(400_000, { asked: false, runs });
    if (!runs) story.loop.run();
    assert.deepEqual(story.did.at(-1), { fromUs: silentUs + WATCHDOG_US, name: 'brakes' });
    assert.equal(story.said.at(-1)?.braked, true);
    story.pass(100_000);
    assert.equal(
      story.did.at(-1)?.name,
      'rest',
      'asking again releases the brakes, and what was told before is forgotten',
    );
    story.tell('drive', 100_000).pass(50_000);
    assert.equal(story.did.at(-1)?.name, 'drive');
  }
});

test('bodies that begin between two steps of the grid take their first step behind that moment: their record never runs backwards', () => {
  const [begun] = new BodyStory(993_850).pass(50_000).did;
  assert.deepEqual(begun, { fromUs: 1_000_000, name: 'rest' });
  assert.deepEqual(new BodyStory(990_000).pass(50_000).did[0], { fromUs: 990_000, name: 'rest' });
});

test('a pause that no program survives is lost time, and told once', () => {
  const story = new BodyStory().pass(50_000).pass(1_900_000, { runs: false });
  story.loop.run();
  assert.ok(
    story.said.every(({ lostUs }) => lostUs === 0),
    'two seconds are caught up',
  );
  story.pass(60_000_000, { runs: false });
  const steps = story.said.length;
  story.loop.run();
  const [first, second] = story.said.slice(steps);
  assert.equal(first?.lostUs, 58_000_000);
  assert.equal(second?.lostUs, 0);
  assert.equal(story.said.at(-1)?.atUs, story.nowUs);
});
