import { TOPICS, type Topic } from './topics.ts';

/**
 * Versions and listeners of every topic. Changes are gathered: whatever is touched between two runs of `schedule` is
 * told once, so that components render a few times a second however fast the stream speaks.
 */
export class TopicBoard {
  readonly #versions = new Map<Topic, number>(TOPICS.map((topic) => [topic, 0]));
  readonly #listeners = new Map<Topic, Set<() => void>>(TOPICS.map((topic) => [topic, new Set()]));
  readonly #changed = new Set<Topic>();
  #scheduled = false;
  readonly #schedule: (run: () => void) => void;

  /** `schedule` runs a function a little later, or at once. */
  constructor(schedule: (run: () => void) => void) {
    this.#schedule = schedule;
  }

  version(topic: Topic): number {
    return this.#versions.get(topic) as number;
  }

  subscribe(topic: Topic, listener: () => void): () => void {
    const listeners = this.#listeners.get(topic) as Set<() => void>;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  touch(topic: Topic): void {
    this.#changed.add(topic);
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(() => this.publish());
  }

  /** Tells every listener of the topics that changed since the last time. */
  publish(): void {
    this.#scheduled = false;
    const changed = [...this.#changed];
    this.#changed.clear();
    for (const topic of changed) this.#versions.set(topic, this.version(topic) + 1);
    for (const topic of changed) for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener();
  }
}
