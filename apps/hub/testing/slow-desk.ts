import { create } from '@bufbuild/protobuf';
import { CompareForkResponseSchema, type Fork, ForkSchema, type Trial, TrialSchema } from '@sigma/proto';
import type { ChainHead } from '@sigma/recorder';
import { type ForkDesk, ForkRefusal } from '../src/queries/fork-desk.ts';

/** A desk that keeps what it is asked for, and moves on when it is told to. */
export class SlowDesk implements ForkDesk {
  readonly all = new Map<string, Fork>();
  readonly tried = new Map<string, Trial>();
  readonly #heard = new Set<(id: string) => void>();
  readonly heads: ChainHead[] = [];

  get watchers(): number {
    return this.#heard.size;
  }
  forks = () => [...this.all.values()];
  trials = () => [...this.tried.values()];
  fork = (id: string) => this.all.get(id);
  trial = (id: string) => {
    const trial = this.tried.get(id);
    return trial === undefined ? undefined : { trial, flips: [] };
  };
  make({ rule, seconds }: Parameters<ForkDesk['make']>[0], by: string, nowUs: number): Fork {
    if (rule === 'broken') throw new ForkRefusal('invalid', 'line 2: there is no such name', 2);
    const id = `fork-${this.all.size + 1}`;
    this.put(create(ForkSchema, { id, by, seconds, createdTimeUs: BigInt(nowUs), state: 'waiting' }));
    return this.all.get(id) as Fork;
  }
  put(fork: Fork): void {
    this.all.set(fork.id, fork);
    for (const heard of [...this.#heard]) heard(fork.id);
  }
  cancel(id: string): void {
    this.put({ ...(this.all.get(id) as Fork), state: 'cancelled' });
  }
  remove(id: string): void {
    if (id === 'fork-1') throw new ForkRefusal('not yet', 'another is forked from it');
    this.all.delete(id);
  }
  comparison = () =>
    create(CompareForkResponseSchema, { decisions: [{ agentId: 'r1' }, { agentId: 'r2' }, { agentId: 'r3' }] });
  open = async () => ({
    path: 'fork',
    heads: async () => this.heads,
    async *blocks() {},
    snapshotBefore: async () => null,
  });
  tryRule(): Trial {
    const trial = create(TrialSchema, { id: 'trial-1', state: 'running' });
    this.tried.set(trial.id, trial);
    return trial;
  }
  cancelTrial(id: string): void {
    this.tried.set(id, { ...(this.tried.get(id) as Trial), state: 'cancelled' });
    for (const heard of [...this.#heard]) heard(id);
  }
  onChange(heard: (id: string) => void): () => void {
    this.#heard.add(heard);
    return () => void this.#heard.delete(heard);
  }
}
