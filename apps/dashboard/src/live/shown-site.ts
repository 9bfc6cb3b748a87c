import type { SiteView } from './site-view.ts';
import { TOPICS, type Topic } from './topics.ts';

/**
 * The one site that the page shows: a view that passes everything on to the view of the moment, and tells every topic
 * when that is exchanged. Panels and the site view hold it for as long as the page lives.
 */
export class ShownSite implements SiteView {
  #shown: SiteView;
  #exchanges = 0;
  readonly #listeners = new Map<Topic, Set<() => void>>(TOPICS.map((topic) => [topic, new Set()]));
  #ends: (() => void)[] = [];

  constructor(shown: SiteView) {
    this.#shown = shown;
    this.#listen();
  }

  get shown(): SiteView {
    return this.#shown;
  }

  show(view: SiteView): void {
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
    return this.#shown.people;
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
    return this.#shown.sample(nowMs);
  }
  ageMs(row: number, nowMs: number) {
    return this.#shown.ageMs(row, nowMs);
  }
  silenceMs(nowMs: number) {
    return this.#shown.silenceMs(nowMs);
  }
}
