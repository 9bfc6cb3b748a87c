import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Agent,
  type Command,
  catalogueFaults,
  createAgent,
  decodeState,
  encodeState,
  type Json,
  type Outputs,
  type Population,
  population,
  type Restriction,
  type Stimulus,
  step,
  stepMany,
  type TerrainModel,
} from '../src/index.ts';

/** What a terrain brings to its exam. */
export interface TerrainExam<World> {
  readonly name: string;
  readonly model: TerrainModel<World>;
  readonly config: Json;
  /** A stimulus of the terrain, valid or not: the model must bear both. */
  readonly stimulus: fc.Arbitrary<Stimulus>;
  /** Commands the terrain knows, with all that can be wrong in their parameters. */
  readonly command: fc.Arbitrary<Command>;
  /** Restrictions in the terrain's words. */
  readonly restriction: fc.Arbitrary<Restriction>;
  /** Typical time between wakes, microseconds. */
  readonly paceUs: number;
}

const RUNS = 60;

interface Wake {
  readonly atUs: number;
  readonly inbox: readonly Stimulus[];
}

/** The suite every terrain passes: a repository and a city stand on the same kernel as a fleet. */
export function terrainContract<World>(exam: TerrainExam<World>): void {
  const { name, model, config } = exam;
  const begin = (id = 'a1'): Agent<World> =>
    createAgent(model, { id, tenant: 't', role: 'worker', seed: 7, epoch: 1, flags: [], config, atUs: 0 });
  const wakes = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 3 * exam.paceUs }), fc.array(exam.stimulus, { maxLength: 4 })), {
      maxLength: 40,
    })
    .map((steps): readonly Wake[] => {
      let atUs = 0;
      return steps.map(([pauseUs, inbox]) => {
        atUs += pauseUs;
        return { atUs, inbox };
      });
    });
  const seed = 20260101;

  test(`${name}: [K60] the failsafe catalogue is sound`, () => {
    assert.deepEqual(catalogueFaults(model.failsafe), []);
  });

  test(`${name}: [K13] the rest command and every stop survive every restriction`, () => {
    const world = begin().world;
    const stops = [model.rest, ...model.failsafe.actions.flatMap(({ command }) => (command === null ? [] : [command]))];
    fc.assert(
      fc.property(exam.restriction, (restriction) => {
        for (const stop of stops) {
          assert.equal(model.hazard(stop), 0, `${stop.name} has a hazard`);
          assert.notEqual(model.clamp(stop, restriction, world).command, null, `${stop.name} can be forbidden`);
        }
      }),
      { numRuns: RUNS, seed },
    );
  });

  test(`${name}: [K12] [L1] a restriction never makes a command more hazardous, and two bind at least as one`, () => {
    const world = begin().world;
    const hazard = (command: Command | null): number => (command === null ? 0 : model.hazard(command));
    fc.assert(
      fc.property(exam.command, exam.restriction, (command, restriction) => {
        const result = model.clamp(command, restriction, world);
        assert.ok(hazard(result.command) <= hazard(command) || Number.isNaN(hazard(command)));
        if (result.command !== null) {
          assert.deepEqual(
            model.clamp(result.command, restriction, world).command,
            result.command,
            'clamping twice differs',
          );
        }
      }),
      { numRuns: 4 * RUNS, seed },
    );
  });

  test(`${name}: [K1] [L2] the same inputs give the same bytes, and nothing that was given is changed`, () => {
    fc.assert(
      fc.property(wakes, (story) => {
        const frozen = encodeState(begin());
        const first = begin();
        const a = live(model, first, story);
        const b = live(model, begin(), story);
        assert.equal(encodeState(a.agent), encodeState(b.agent));
        assert.equal(encodeState(a.said), encodeState(b.said));
        assert.equal(encodeState(first), frozen, 'the first state was changed in place');
      }),
      { numRuns: RUNS, seed },
    );
  });

  test(`${name}: [K90] an agent restored from its encoded state lives on as if nothing had happened`, () => {
    fc.assert(
      fc.property(wakes, fc.nat(), (story, cut) => {
        const at = story.length === 0 ? 0 : cut % story.length;
        const before = live(model, begin(), story.slice(0, at)).agent;
        const text = encodeState(before);
        const restored = decodeState(text) as Agent<World>;
        assert.equal(encodeState(restored), text);
        const a = live(model, before, story.slice(at));
        const b = live(model, restored, story.slice(at));
        assert.equal(encodeState(a.agent), encodeState(b.agent));
        assert.equal(encodeState(a.said), encodeState(b.said));
      }),
      { numRuns: RUNS, seed },
    );
  });

  test(`${name}: [K7] neither the order of agents nor their partition changes a byte`, () => {
    fc.assert(
      fc.property(wakes, fc.shuffledSubarray(['a1', 'a2', 'a3', 'a4'], { minLength: 4 }), (story, order) => {
        const together = crowd(model, population(order.map(begin)), story);
        const first = crowd(model, population(['a1', 'a3'].map(begin)), story);
        const second = crowd(model, population(['a2', 'a4'].map(begin)), story);
        const split = [...first, ...second].sort((a, b) => (a.id < b.id ? -1 : 1));
        assert.equal(encodeState(together), encodeState(split));
      }),
      { numRuns: RUNS / 2, seed },
    );
  });

  test(`${name}: [K6] the next wake lies ahead, and waking early changes no command`, () => {
    fc.assert(
      fc.property(wakes, (story) => {
        let agent = begin();
        for (const { atUs, inbox } of story) {
          const result = step(model, agent, inbox, atUs);
          assert.ok(result.outputs.wakeAtUs > atUs);
          agent = result.agent;
        }
      }),
      { numRuns: RUNS, seed },
    );
  });
}

function live<World>(
  model: TerrainModel<World>,
  agent: Agent<World>,
  story: readonly Wake[],
): { readonly agent: Agent<World>; readonly said: readonly Outputs[] } {
  const said: Outputs[] = [];
  let present = agent;
  for (const { atUs, inbox } of story) {
    const result = step(model, present, inbox, atUs);
    present = result.agent;
    said.push(result.outputs);
  }
  return { agent: present, said };
}

/** Everybody hears the same stimuli; who is not there does not. */
function crowd<World>(
  model: TerrainModel<World>,
  agents: Population<World>,
  story: readonly Wake[],
): Population<World> {
  let present = agents;
  for (const { atUs, inbox } of story) {
    const heard = new Map(inbox.length === 0 ? [] : present.map(({ id }) => [id, inbox]));
    present = stepMany(model, present, heard, atUs).population;
  }
  return present;
}
