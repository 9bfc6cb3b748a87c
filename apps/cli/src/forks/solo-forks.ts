import { randomBytes } from 'node:crypto';
import { join, resolve } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { groundOf, type Site } from '@sigma/fleet-model';
import { type BlockReader, type ForkDesk, ForkRefusal, type TrialWithFlips } from '@sigma/hub';
import {
  type CompareForkResponse,
  CompareForkResponseSchema,
  FlipSchema,
  type Fork,
  ForkSchema,
  type MakeForkRequest,
  TouchedAgentSchema,
  type Trial,
  TrialSchema,
  type TryRuleRequest,
} from '@sigma/proto';
import { LineageError, StoreError, type Timeline } from '@sigma/recorder';
import type { S3Access } from '@sigma/recorder/archive';
import {
  checkPolicyFile,
  type OpenTimeline,
  openWithParents,
  PolicyFileError,
  parsePolicyFile,
  tenantTimeline,
} from '@sigma/sim';
import { timelineBlocks } from './fork-blocks.ts';
import { ForkFolder } from './fork-folder.ts';
import type { ForkJob } from './fork-jobs.ts';
import { ForkRunner, type RunnerNews } from './fork-runner.ts';

export interface SoloForksOptions {
  readonly tenant: string;
  readonly site: Site;
  /** Recording of the fleet beside this hub. */
  readonly recordingPath: string;
  /** Forks lie here, each with what it is. */
  readonly folder: string;
  readonly hubDir: string;
  /** Key of the server that archives in buckets rest on. */
  readonly s3?: S3Access | null;
}

/** What was recorded, which a fork, or a fork of one, goes back to. */
const rootOf = (timeline: Timeline): Timeline => (timeline.parent === null ? timeline : rootOf(timeline.parent));

/** What changes of a fork or a trial while it is made. */
type Change<Message> = Partial<Omit<Message, '$typeName' | '$unknown' | 'id'>>;

const MOST_WAITING = 8;
const MOST_TRIALS = 20;
const MOST_FORKS = 500;
const USUAL_SECONDS = 30;
/** Progress is told no more often than it moves by this. */
const PROGRESS_STEP = 0.02;

/** The desk of a hub that runs beside its fleet: forks of the fleet's recording, one at a time, as files in a folder. */
export class SoloForks implements ForkDesk {
  readonly #options: SoloForksOptions;
  readonly #folder: ForkFolder;
  readonly #runner = new ForkRunner((id, news) => this.#hear(id, news));
  readonly #forks = new Map<string, Fork>();
  readonly #trials = new Map<string, TrialWithFlips>();
  readonly #open = new Map<string, Promise<OpenTimeline>>();
  readonly #heard = new Set<(id: string) => void>();
  /** Ids by the keys that requests came with. */
  readonly #keys = new Map<string, string>();
  readonly #begunMs = new Map<string, number>();

  /** @throws Error when the folder cannot be made or read */
  constructor(options: SoloForksOptions) {
    this.#options = options;
    this.#folder = new ForkFolder(options.folder);
    for (const fork of this.#folder.read()) this.#forks.set(fork.id, fork);
    for (const fork of this.forks()) {
      this.#forks.set(fork.id, { ...fork, earlierRun: this.#isOfEarlierRun(fork) });
      if (fork.state === 'waiting' || fork.state === 'running') this.#interrupted(fork.id);
    }
  }

  forks(): readonly Fork[] {
    return [...this.#forks.values()].sort((a, b) => Number(b.createdTimeUs - a.createdTimeUs));
  }

  trials(): readonly Trial[] {
    return [...this.#trials.values()].map(({ trial }) => trial).reverse();
  }

  fork(id: string): Fork | undefined {
    return this.#forks.get(id);
  }

  trial(id: string): TrialWithFlips | undefined {
    return this.#trials.get(id);
  }

  make(request: MakeForkRequest, by: string, nowUs: number): Fork {
    const before = this.#keys.get(`${by} ${request.idempotencyKey}`);
    const known = before === undefined ? undefined : this.#forks.get(before);
    if (request.idempotencyKey !== '' && known !== undefined) return known;
    this.#mustBeFree();
    const { ofForkId, alternative, rule, start } = request;
    const recording = this.#recordingOf(ofForkId);
    if (start.case === undefined) throw new ForkRefusal('invalid', 'a fork begins at a moment or at an event');
    if (alternative > 0 && start.case !== 'event')
      throw new ForkRefusal('invalid', 'an alternative belongs to a decision: name its event');
    this.#checkRule(rule);
    const id = `fork-${Math.floor(nowUs / 1000).toString(36)}${randomBytes(3).toString('hex')}`;
    const seconds = request.seconds || USUAL_SECONDS;
    const fork = create(ForkSchema, {
      ...{ id, by, rule, ofForkId, seconds, alternative, state: 'waiting', parent: recording },
      name: request.name.slice(0, 120),
      createdTimeUs: BigInt(nowUs),
      earlierRun: ofForkId !== '' && this.#forks.get(ofForkId)?.earlierRun === true,
      atTimeUs: start.case === 'atTimeUs' ? start.value : 0n,
      path: this.#folder.recordingOf(id),
      ...(start.case === 'event' ? { event: start.value } : {}),
    });
    this.#put(fork);
    if (request.idempotencyKey !== '') this.#keys.set(`${by} ${request.idempotencyKey}`, id);
    this.#runner.start(id, this.#jobOf(request, recording, fork));
    return this.#forks.get(id) as Fork;
  }

  cancel(id: string): void {
    const fork = this.#forks.get(id);
    if (fork === undefined || (fork.state !== 'waiting' && fork.state !== 'running')) return;
    this.#runner.cancel(id);
    this.#folder.dropRecording(id);
    this.#change(id, { state: 'cancelled', reason: 'somebody ended it', progress: 0 });
  }

  remove(id: string): void {
    const child = this.forks().find(({ ofForkId }) => ofForkId === id);
    if (child !== undefined)
      throw new ForkRefusal('not yet', `${child.name || child.id} is forked from it; delete that first`);
    this.#runner.cancel(id);
    this.#shut(id);
    this.#folder.remove(id);
    this.#forks.delete(id);
    this.#tellAll(id);
  }

  comparison(id: string): CompareForkResponse {
    this.#mustBeMade(id);
    try {
      return this.#folder.comparison(id);
    } catch {
      const { parent, path } = this.#forks.get(id) as Fork;
      throw new ForkRefusal('damaged', `how it compares cannot be read any more; \`sigma compare ${parent} ${path}\``);
    }
  }

  async open(id: string, recorded: boolean): Promise<BlockReader> {
    this.#mustBeMade(id);
    const { hubDir, s3 = null } = this.#options;
    let known = this.#open.get(id);
    if (known === undefined) {
      known = openWithParents(this.#folder.recordingOf(id), hubDir, { s3 });
      known.catch(() => this.#open.delete(id));
      this.#open.set(id, known);
    }
    try {
      const { timeline } = await known;
      const shown = recorded ? rootOf(timeline) : timeline;
      return timelineBlocks(tenantTimeline(shown, this.#options.tenant));
    } catch (error) {
      if (error instanceof LineageError || error instanceof StoreError) throw new ForkRefusal('damaged', error.message);
      throw error;
    }
  }

  tryRule({ rule, fromTimeUs, toTimeUs, agentIds }: TryRuleRequest, by: string, nowUs: number): Trial {
    this.#mustBeFree();
    if (rule.trim() === '') throw new ForkRefusal('invalid', 'there is no rule to try', 1);
    this.#checkRule(rule);
    const id = `trial-${Math.floor(nowUs / 1000).toString(36)}${randomBytes(3).toString('hex')}`;
    const trial = create(TrialSchema, {
      ...{ id, rule, by, fromTimeUs, toTimeUs, state: 'waiting' },
      createdTimeUs: BigInt(nowUs),
    });
    this.#trials.set(id, { trial, flips: [] });
    const [oldest] = this.#trials.keys();
    if (this.#trials.size > MOST_TRIALS && oldest !== undefined) this.#trials.delete(oldest);
    const { tenant, recordingPath: recording, hubDir, s3 = null } = this.#options;
    const span = { fromTimeUs: Number(fromTimeUs), toTimeUs: Number(toTimeUs) };
    this.#runner.start(id, { type: 'trial', tenant, recording, hubDir, s3, rule, agents: agentIds, ...span });
    return (this.#trials.get(id) as TrialWithFlips).trial;
  }

  cancelTrial(id: string): void {
    const state = this.#trials.get(id)?.trial.state;
    if (state !== 'waiting' && state !== 'running') return;
    this.#runner.cancel(id);
    this.#changeTrial(id, { state: 'cancelled', reason: 'somebody ended it' });
  }

  onChange(heard: (id: string) => void): () => void {
    this.#heard.add(heard);
    return () => void this.#heard.delete(heard);
  }

  /** Ends what runs, and says so of it. */
  async close(): Promise<void> {
    this.#runner.close();
    for (const { id, state } of this.#forks.values())
      if (state === 'waiting' || state === 'running') this.#interrupted(id);
    for (const id of this.#open.keys()) this.#shut(id);
  }

  #jobOf(request: MakeForkRequest, recording: string, { id, seconds }: Fork): ForkJob {
    const { start, besideAgentId: beside, alternative, rule, parameters, without, tasks, agentIds } = request;
    const { tenant, hubDir, s3 = null } = this.#options;
    const at =
      start.case === 'event'
        ? {
            event: {
              source: start.value.source,
              epoch: start.value.epoch,
              sequence: Number(start.value.sequence),
            },
          }
        : { atTimeUs: Number(start.value) };
    return {
      ...{ type: 'fork', tenant, recording, hubDir, s3, rule, beside, alternative, without },
      out: this.#folder.recordingOf(id),
      start: at,
      agents: agentIds,
      parameters: Object.fromEntries(parameters.map(({ name, value }) => [name, value])),
      tasks: tasks.map(({ agentId, kind, argsJson, priority }) => ({ agent: agentId, kind, argsJson, priority })),
      forUs: Math.round(Math.max(1, seconds) * 1e6),
    };
  }

  /** Whether it goes back to another recording than the one that is being written now. */
  #isOfEarlierRun({ parent, ofForkId }: Fork): boolean {
    const before = ofForkId === '' ? undefined : this.#forks.get(ofForkId);
    if (before !== undefined) return this.#isOfEarlierRun(before);
    return resolve(parent) !== resolve(this.#options.recordingPath);
  }

  #mustBeFree(): void {
    if (this.#runner.waiting >= MOST_WAITING)
      throw new ForkRefusal('busy', `${MOST_WAITING} others wait already; cancel one, or ask again in a minute`);
    if (this.#forks.size >= MOST_FORKS)
      throw new ForkRefusal('busy', `${MOST_FORKS} forks are kept here; delete some that nobody needs`);
  }

  #mustBeMade(id: string): void {
    const fork = this.#forks.get(id);
    if (fork === undefined) throw new ForkRefusal('missing', `there is no fork '${id.slice(0, 63)}'`);
    if (fork.state !== 'done') throw new ForkRefusal('not yet', `it is not made: ${fork.reason || fork.state}`);
    if (!this.#folder.hasRecording(id))
      throw new ForkRefusal('damaged', `its recording ${fork.path} is not there any more; fork again`);
  }

  #recordingOf(ofForkId: string): string {
    if (ofForkId === '') return this.#options.recordingPath;
    this.#mustBeMade(ofForkId);
    return this.#folder.recordingOf(ofForkId);
  }

  /** A broken rule is found before anybody waits for it. */
  #checkRule(rule: string): void {
    if (rule.trim() === '') return;
    try {
      checkPolicyFile(parsePolicyFile('rule', rule), groundOf(this.#options.site));
    } catch (error) {
      if (!(error instanceof PolicyFileError)) throw error;
      const words = error.message.replace(/^rule(:\d+)?: /, '');
      throw new ForkRefusal('invalid', error.line === 0 ? words : `line ${error.line}: ${words}`, error.line);
    }
  }

  #hear(id: string, news: RunnerNews): void {
    if (this.#trials.has(id)) this.#hearOfTrial(id, news);
    else if (this.#forks.has(id)) this.#hearOfFork(id, news);
  }

  #hearOfFork(id: string, news: RunnerNews): void {
    if (news.type === 'begun') {
      this.#begunMs.set(id, performance.now());
      this.#change(id, { state: 'running' });
    } else if (news.type === 'progress') {
      const { progress } = this.#forks.get(id) as Fork;
      if (news.done >= progress + PROGRESS_STEP) this.#show(id, { progress: news.done });
    } else if (news.type === 'forked') {
      this.#folder.keepComparison(id, create(CompareForkResponseSchema, news.comparison));
      const touched = news.made.touched.map((one) => create(TouchedAgentSchema, one));
      this.#change(id, { ...news.made, touched, state: 'done', progress: 1, tookMs: this.#tookMs(id) });
    } else if (news.type === 'failed' || news.type === 'ended') {
      this.#folder.dropRecording(id);
      this.#change(id, { state: 'failed', reason: news.words, tookMs: this.#tookMs(id) });
    }
  }

  #hearOfTrial(id: string, news: RunnerNews): void {
    const { trial } = this.#trials.get(id) as TrialWithFlips;
    if (news.type === 'begun') {
      this.#begunMs.set(id, performance.now());
      this.#changeTrial(id, { state: 'running' });
    } else if (news.type === 'progress') {
      if (news.done >= trial.progress + PROGRESS_STEP) this.#changeTrial(id, { progress: news.done });
    } else if (news.type === 'tried') {
      const { flips, fromTimeUs, toTimeUs, wakes, evaluations, ...rest } = news.tried;
      const tried = flips.map((flip) => create(FlipSchema, flip));
      this.#trials.set(id, { trial, flips: tried });
      this.#changeTrial(id, {
        ...{ ...rest, leftOut: [...rest.leftOut], state: 'done', progress: 1, tookMs: this.#tookMs(id) },
        fromTimeUs: BigInt(Math.round(fromTimeUs)),
        toTimeUs: BigInt(Math.round(toTimeUs)),
        wakes: BigInt(wakes),
        evaluations: BigInt(evaluations),
        flips: tried.length,
      });
    } else if (news.type === 'failed' || news.type === 'ended') {
      this.#changeTrial(id, { state: 'failed', reason: news.words, tookMs: this.#tookMs(id) });
    }
  }

  #tookMs(id: string): number {
    const begun = this.#begunMs.get(id);
    this.#begunMs.delete(id);
    return begun === undefined ? 0 : Math.round(performance.now() - begun);
  }

  #interrupted(id: string): void {
    this.#folder.dropRecording(id);
    const reason = 'the hub ended while it was made; fork again';
    this.#change(id, { state: 'interrupted', reason, progress: 0 });
  }

  /** Changes what is kept. */
  #change(id: string, change: Change<Fork>): void {
    this.#show(id, change);
    this.#folder.keep(this.#forks.get(id) as Fork);
  }

  #put(fork: Fork): void {
    this.#forks.set(fork.id, fork);
    this.#folder.keep(fork);
    this.#tellAll(fork.id);
  }

  #show(id: string, change: Change<Fork>): void {
    this.#forks.set(id, { ...(this.#forks.get(id) as Fork), ...change });
    this.#tellAll(id);
  }

  #changeTrial(id: string, change: Change<Trial>): void {
    const { trial, flips } = this.#trials.get(id) as TrialWithFlips;
    this.#trials.set(id, { trial: { ...trial, ...change }, flips });
    this.#tellAll(id);
  }

  #shut(id: string): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    void open?.then(({ close }) => close()).catch(() => undefined);
  }

  #tellAll(id: string): void {
    for (const heard of [...this.#heard]) heard(id);
  }
}

/** Where forks lie: beside the recordings that they were made of. */
export const forkFolderIn = (dataDir: string): string => join(dataDir, 'recordings', 'forks');
