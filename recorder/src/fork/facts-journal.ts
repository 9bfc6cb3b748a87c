import type { Agent, Decision, Outputs, Stimulus, TerrainModel } from '@sigma/kernel';
import type { SealedBlock } from '../chain-writer.ts';
import { EVENT_TYPE, type EventDraft } from '../event.ts';
import { decisionNumber } from './decision-events.ts';
import { FactCollector } from './fact-collector.ts';
import type { FactsTerrain, KeptStretch } from './facts.ts';

/** A journal as a runner keeps it; `AgentJournal` is one. */
export interface LifeJournal {
  wake(atUs: number, inbox: readonly Stimulus[], outputs: Outputs): void;
  note(event: (timeUs: number) => EventDraft): void;
  snapshot(agent: Agent<unknown>): void;
  cut(timeUs: number): readonly EventDraft[];
}

/**
 * A journal that gathers facts beside what it keeps (SPEC R117), for a life that begins with it. The runner runs `model`,
 * and hands back what it sealed; stretches come out by `take`. A fault in gathering ends it, and nothing else.
 */
export class FactsJournal<World> implements LifeJournal {
  readonly model: TerrainModel<World>;
  readonly #inner: LifeJournal;
  #collector: FactCollector<World> | null;
  #decision: Decision | null = null;
  /** Where the stretch that is being gathered begins. */
  #snapshot = 0;
  #fromHash: Uint8Array = new Uint8Array();
  #stretches: KeptStretch[] = [];
  /** Wakes since the last snapshot that was sealed. */
  #wakes = 0;

  constructor(inner: LifeJournal, lived: TerrainModel<World>, terrain: FactsTerrain<World>) {
    this.#inner = inner;
    this.#collector = new FactCollector(lived, terrain);
    this.model = this.#collector.model;
  }

  wake(atUs: number, inbox: readonly Stimulus[], outputs: Outputs): void {
    this.#inner.wake(atUs, inbox, outputs);
    const { command, restriction, decision } = outputs;
    if (decision !== null) this.#decision = decision;
    // Where nothing is sealed any more (the recorder is lost), nothing is gathered for ever.
    if (++this.#wakes > MOST_WAKES) this.#collector = null;
    this.#trying((collector) => collector.concluded({ command, restriction, decision: this.#decision }));
  }

  note(event: (timeUs: number) => EventDraft): void {
    this.#inner.note(event);
  }

  snapshot(agent: Agent<unknown>): void {
    this.#inner.snapshot(agent);
  }

  cut(timeUs: number): readonly EventDraft[] {
    return this.#inner.cut(timeUs);
  }

  /** What the last cut was sealed into. No wake comes between the two, so that a snapshot ends what was gathered so far. */
  sealed({ firstSequence, count, hash, snapshots }: SealedBlock, events: readonly EventDraft[]): void {
    this.#trying((collector) => {
      for (let k = 0; k < events.length; k++) {
        const { type, data } = events[k] as EventDraft;
        const sequence = firstSequence + k;
        if (type === EVENT_TYPE.decision) collector.decided(decisionNumber(data), sequence);
        if (type !== EVENT_TYPE.snapshot) continue;
        const untilUs = snapshots.find((mark) => mark.sequence === sequence)?.atUs ?? 0;
        const ends = { end: sequence, untilUs, blockEnd: firstSequence + count - 1, blockHash: hash };
        this.#stretches.push({ snapshot: this.#snapshot, ...ends, fromHash: this.#fromHash, bytes: collector.take() });
        this.#snapshot = sequence;
        this.#wakes = 0;
        this.#fromHash = hash;
      }
    });
  }

  /** Stretches that have ended since it was last asked. */
  take(): readonly KeptStretch[] {
    return this.#stretches.length === 0 ? NONE : this.#stretches.splice(0);
  }

  #trying(use: (collector: FactCollector<World>) => void): void {
    if (this.#collector === null) return;
    try {
      use(this.#collector);
    } catch {
      // Facts can be gathered again from the record at any time: the life beside which they are gathered goes on.
      this.#collector = null;
    }
  }
}

const NONE: readonly KeptStretch[] = [];
/** A stretch of more wakes than these is none. */
const MOST_WAKES = 50_000;
