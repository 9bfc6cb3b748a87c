import { copyOf, type PoseColumns } from './poses.ts';
import type { SiteView } from './site-view.ts';
import { TOPICS, type Topic } from './topics.ts';

/** Where everybody is: one row of the columns an agent of that roster. */
interface Picture {
  readonly roster: number;
  readonly poses: PoseColumns;
  readonly people: Float32Array;
}

/**
 * The one site that the page shows: a view that passes everything on to the view of the moment, and tells every topic
 * when that is exchanged. Panels and the site view hold it for as long as the page lives.
 */
export class ShownSite implements SiteView {
  #shown: SiteView;
  #exchanges = 0;
  readonly #listeners = new Map<Topic, Set<() => void>>(TOPICS.map((topic) => [topic, new Set()]));
  #ends: (() => void)[] = [];
  /** What the last frame was drawn from. */
  #drawn: Picture | undefined;
  /** A copy of it, until the next exchange. */
  #held: Picture | undefined;

  constructor(shown: SiteView) {
    this.#shown = shown;
    this.#listen();
  }

  get shown(): SiteView {
    return this.#shown;
  }

  /** From now on everybody stands where the last frame drew him, until the view is exchanged. */
  hold(): void {
    const drawn = this.#drawn ?? { roster: this.roster, poses: this.newest, people: this.people };
    this.#held = { ...drawn, poses: copyOf(drawn.poses) };
  }

  show(view: SiteView): void {
    this.#drawn = undefined;
    this.#held = undefined;
    if (view === this.#shown) return;
    for (const end of this.#ends) end();
    this.#shown = view;
    this.#exchanges++;
    this.#listen();
    for (const topic of TOPICS) this.#tell(topic);
  }

  #listen(): void {
    this.#ends = TOPICS.map((topic) => this.#shown.subscribe(topic, () => this.#tell(topic)));
  }

  #tell(topic: Topic): void {
    for (const listener of [...(this.#listeners.get(topic) ?? [])]) listener();
  }

  /** A whole number for each view and version: an exchange changes it even when both views count alike. */
  version(topic: Topic): number {
    return this.#exchanges * 2 ** 32 + this.#shown.version(topic);
  }

  subscribe(topic: Topic, listener: () => void): () => void {
    const listeners = this.#listeners.get(topic) as Set<() => void>;
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  get ids() {
    return this.#shown.ids;
  }
  get roster() {
    return this.#exchanges * 2 ** 32 + this.#shown.roster;
  }
  get messages() {
    return this.#exchanges * 2 ** 32 + this.#shown.messages;
  }
  get timeUs() {
    return this.#shown.timeUs;
  }
  get people() {
    return this.#held?.roster === this.roster ? this.#held.people : this.#shown.people;
  }
  get newest() {
    return this.#shown.newest;
  }
  row(id: string) {
    return this.#shown.row(id);
  }
  agent(id: string) {
    return this.#shown.agent(id);
  }
  agents() {
    return this.#shown.agents();
  }
  mission(id: string) {
    return this.#shown.mission(id);
  }
  missions() {
    return this.#shown.missions();
  }
  alerts() {
    return this.#shown.alerts();
  }
  decisions(id: string) {
    return this.#shown.decisions(id);
  }
  allDecisions() {
    return this.#shown.allDecisions();
  }
  path(id: string) {
    return this.#shown.path(id);
  }
  scan(id: string) {
    return this.#shown.scan(id);
  }
  fences() {
    return this.#shown.fences();
  }
  sample(nowMs: number) {
    const { roster, people } = this;
    if (this.#held?.roster === roster) return this.#held.poses;
    const poses = this.#shown.sample(nowMs);
    this.#drawn = { roster, poses, people };
    return poses;
  }
  ageMs(row: number, nowMs: number) {
    return this.#shown.ageMs(row, nowMs);
  }
  silenceMs(nowMs: number) {
    return this.#shown.silenceMs(nowMs);
  }
}
