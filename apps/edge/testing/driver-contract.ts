import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Action, Command, Stimulus } from '@sigma/kernel';
import { type Driver, WATCHDOG_US } from '../src/hal/driver.ts';

/** A driver under examination, with a way to see what its bodies really do. */
export interface DriverExam {
  readonly driver: Driver;
  readonly agentId: string;
  /** Agent time now, microseconds. */
  readonly nowUs: () => number;
  readonly moves: Command;
  readonly acts: Action;
  /** What the body did so far, oldest first: names of commands, `rest` and `mechanical` for what no one commanded. */
  readonly did: () => readonly string[];
  readonly end: () => Promise<void>;
}

const TICK_MS = 10;
const FOR_EVER = Number.MAX_SAFE_INTEGER;

/** Asks for frames as the loop does, for so long or until `done`, which is told what has come. */
async function read(
  exam: DriverExam,
  ticks: number,
  done: (stimuli: readonly Stimulus[]) => boolean = () => false,
): Promise<Stimulus[]> {
  const stimuli: Stimulus[] = [];
  for (let i = 0; i < ticks && !done(stimuli); i++) {
    for (const input of exam.driver.read(exam.nowUs())) stimuli.push(...input.stimuli);
    await setTimeout(TICK_MS);
  }
  return stimuli;
}

const did = (exam: DriverExam, name: string): boolean => exam.did().at(-1) === name;
/** Enough for any driver that keeps its promise on a busy machine. */
const PATIENCE_TICKS = 4_500;

/** Writes a command tick by tick until the body does it, so that none that came too late is waited for. */
async function tell(exam: DriverExam, until: (nowUs: number) => number): Promise<void> {
  for (let i = 0; i < PATIENCE_TICKS && !did(exam, exam.moves.name); i++) {
    exam.driver.write(exam.agentId, exam.moves, until(exam.nowUs()));
    await read(exam, 1);
  }
}

/** What every driver promises (see `Driver`). Runs in real time, as drivers do. */
export function driverContract(name: string, open: () => Promise<DriverExam>): void {
  const exam = async (run: (exam: DriverExam) => Promise<void>): Promise<void> => {
    const subject = await open();
    try {
      await run(subject);
    } finally {
      await subject.driver.close();
      await subject.end();
    }
  };

  test(`${name}: frames come, and calls return at once`, () =>
    exam(async (subject) => {
      const stimuli: Stimulus[] = [];
      for (let i = 0; i < PATIENCE_TICKS && stimuli.length === 0; i++) stimuli.push(...(await read(subject, 1)));
      assert.ok(stimuli.some(({ kind }) => kind === 'percept'));
      assert.ok(subject.driver.capabilities(subject.agentId).length > 0);
    }));

  test(`${name}: a set-point ends at its time, although nobody takes it back`, () =>
    exam(async (subject) => {
      const { moves } = subject;
      await tell(subject, (nowUs) => nowUs + 300_000);
      await read(subject, PATIENCE_TICKS, () => did(subject, 'rest'));
      assert.deepEqual(subject.did().slice(-2), [moves.name, 'rest']);
    }));

  test(`${name}: when nobody reads for more than ${WATCHDOG_US / 1000} ms the body brakes, until told anew [L5]`, () =>
    exam(async (subject) => {
      const { moves } = subject;
      await tell(subject, () => FOR_EVER);
      assert.ok(did(subject, moves.name));
      for (let i = 0; i < PATIENCE_TICKS && !did(subject, 'mechanical'); i++) await setTimeout(TICK_MS);
      assert.ok(did(subject, 'mechanical'), 'silence brakes');
      const says = (s: Stimulus): boolean => s.kind === 'signal' && s.name === 'mechanical_stop' && s.value === 1;
      // The body is released by being read; what it says of the stop comes with that frame or with the next.
      const stimuli = await read(subject, PATIENCE_TICKS, (come) => did(subject, 'rest') && come.some(says));
      assert.ok(did(subject, 'rest'), 'reading again releases the brakes, and the old command is forgotten');
      assert.ok(stimuli.some(says), 'it says that it stopped by itself');
      await tell(subject, () => FOR_EVER);
      assert.ok(did(subject, moves.name));
    }));

  test(`${name}: an action that is written twice is done once, and its end is told when asked for`, () =>
    exam(async (subject) => {
      const { driver, agentId, acts, nowUs } = subject;
      const results: Stimulus[] = [];
      const done = () => results.some((s) => s.kind === 'result' && s.actionId === acts.id && s.status === 'done');
      for (let i = 0; i < PATIENCE_TICKS && !done(); i++) {
        driver.write(agentId, acts, nowUs() + 60_000_000);
        results.push(...(await read(subject, 1)));
      }
      driver.write(agentId, { ...acts }, nowUs() + 60_000_001);
      results.push(...(await read(subject, 20)));
      assert.equal(results.filter((s) => s.kind === 'result' && s.status === 'done').length, 1);
      driver.reconcile(agentId, acts.id);
      const told: Stimulus[] = [];
      const answered = () => told.some((s) => s.kind === 'result' && s.actionId === acts.id);
      for (let i = 0; i < PATIENCE_TICKS && !answered(); i++) told.push(...(await read(subject, 1)));
      assert.ok(answered());
    }));
}
