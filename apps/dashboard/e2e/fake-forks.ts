import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, type ConnectRouter } from '@connectrpc/connect';
import {
  BrokenRuleSchema,
  CompareForkResponseSchema,
  FlipSchema,
  type Fork,
  ForkSchema,
  ForkService,
  type Trial,
  TrialSchema,
} from '@sigma/proto';
import { FakeRecord } from './fake-record.ts';

const SECOND_US = 1_000_000n;

/** Forks and trials as the hub serves them. One fork is made; what is asked for stays where a scene puts it. */
export class FakeForks {
  available = true;
  readonly forks: Fork[] = [];
  readonly trials: Trial[] = [];
  /** Of what edges the forks that were asked for are: each the one that had this robot, or any. */
  readonly madeBeside: string[] = [];
  /** What the fork that is made holds, with all that it shares. */
  readonly record = new FakeRecord();
  beganUs = 0n;

  /** Forks and a trial in every state, of a recording that began then. */
  furnish(beganUs: number): void {
    this.beganUs = BigInt(beganUs);
    const by = 'person:ada@example.org';
    const shared = { by, createdTimeUs: this.#at(60), atTimeUs: this.#at(12), seconds: 20, agents: 8 };
    const put = (init: MessageInitShape<typeof ForkSchema>) =>
      this.forks.push(create(ForkSchema, { ...shared, ...init }));
    put({ id: 'running', name: 'speed_limit from 10:31:05', state: 'running', progress: 0.42 });
    put({
      ...{ id: 'made', name: 'r02: drive instead', state: 'done', progress: 1, loop: 'closed', tookMs: 2_140 },
      what: 'r02 does what mission wanted (drive), without person_too_close',
      endTimeUs: this.#at(32),
      touched: [
        { agentId: 'r02', fromTimeUs: this.#at(12), divergedTimeUs: this.#at(12) },
        { agentId: 'r05', fromTimeUs: this.#at(15), divergedTimeUs: this.#at(15) },
      ],
    });
    const reason = '10:31:05.000 UTC is not on record: the recording goes from 10:12:40.120 to 10:30:59.980';
    put({ id: 'failed', name: 'a number of the model from 10:31:05', state: 'failed', reason });
    put({ id: 'waiting', name: 'a robot sent elsewhere from 10:29:40', state: 'waiting' });
    const rule = 'id: slow_by_people\nrate: situation\nwhen: person.distance_m < 4.0\n';
    const tried = { rule, by, createdTimeUs: this.#at(50), fromTimeUs: this.#at(0), toTimeUs: this.#at(40) };
    const counts = { agents: 8, wakes: 31_900n, evaluations: 2_412n, flips: FLIPS.length, tookMs: 3_310 };
    this.trials.push(create(TrialSchema, { ...tried, id: 'tried', state: 'done', progress: 1, ...counts }));
    this.trials.push(create(TrialSchema, { ...tried, id: 'trying', state: 'running', progress: 0.63 }));
  }

  routes(router: ConnectRouter): void {
    router.service(ForkService, {
      listForks: () => ({
        forks: this.available ? this.forks : [],
        trials: this.available ? this.trials : [],
        available: this.available,
        reason: this.available
          ? ''
          : 'this hub runs no forks; on the machine that holds the recording, `sigma fork` and `sigma whatif` do it offline',
      }),
      watchFork: async function* (
        this: FakeForks,
        { forkId }: { forkId: string },
        { signal }: { signal: AbortSignal },
      ) {
        const fork = this.#fork(forkId);
        yield { fork };
        if (fork.state === 'running' || fork.state === 'waiting') await ended(signal);
      }.bind(this),
      watchTrial: async function* (
        this: FakeForks,
        { trialId }: { trialId: string },
        { signal }: { signal: AbortSignal },
      ) {
        const trial = this.trials.find(({ id }) => id === trialId);
        if (trial === undefined) throw new ConnectError(`there is no trial '${trialId}'`, Code.NotFound);
        yield { trial, flips: trial.state === 'done' ? FLIPS.map((flip) => this.#flip(flip)) : [] };
        if (trial.state === 'running') await ended(signal);
      }.bind(this),
      compareFork: () => create(CompareForkResponseSchema, this.#comparison()),
      locateForkMoment: ({ timeUs }) => this.record.locate(Number(timeUs)),
      readForkStretches: ({ stretches }) => this.record.readStretches(stretches),
      makeFork: ({ besideAgentId }) => {
        this.madeBeside.push(besideAgentId);
        return { fork: this.#fork('running') };
      },
      tryRule: ({ rule }) => {
        if (!rule.includes('distance_k')) return { trial: this.trials[0] as Trial };
        const problem = "line 3: there is no name 'person.distance_k'; names: person.count, person.distance_m";
        const detail = { desc: BrokenRuleSchema, value: { line: 3, problem } };
        throw new ConnectError(problem, Code.InvalidArgument, undefined, [detail]);
      },
      cancelFork: ({ forkId }) => ({ fork: this.#fork(forkId) }),
      cancelTrial: () => ({}),
      removeFork: () => ({}),
    });
  }

  #fork(forkId: string): Fork {
    const fork = this.forks.find(({ id }) => id === forkId);
    if (fork !== undefined) return fork;
    throw new ConnectError(`there is no fork '${forkId}'; the list of forks has the names`, Code.NotFound);
  }

  #at = (second: number): bigint => this.beganUs + BigInt(second) * SECOND_US;

  #flip([agentId, second, was, would, rationale]: (typeof FLIPS)[number]) {
    const fromTimeUs = this.#at(second);
    const side = (speedMps: number, why: string) => ({
      ...{ authority: 'mission', source: 'plan', rationale: why },
      command: { name: 'drive', params: [{ name: 'speedMps', value: { case: 'number' as const, value: speedMps } }] },
    });
    return create(FlipSchema, {
      ...{ agentId, eventSequence: 12n, decisionSequence: 1n, fromTimeUs, untilTimeUs: fromTimeUs + 3n * SECOND_US },
      was: side(was, rationale),
      would: side(would, rationale),
      rules: [{ rule: 'slow_by_people', change: 'added', verdict: 'fired', line: 3 }],
      ...{ didM: 3 * was, wouldHaveDoneM: 3 * would },
    });
  }

  #comparison(): MessageInitShape<typeof CompareForkResponseSchema> {
    const of = (name: string, recorded: number, forked: number) => ({ name, recorded, forked });
    const outcomes = [
      ...[of('distanceM', 48.3, 51.7), of('energyWh', 1.92, 2.04), of('violations', 1, 0), of('failsafe', 1, 0)],
      ...[of('boundS', 22.1, 3.4), of('tasksDone', 2, 2), of('tasksFailed', 0, 0), of('collisions', 0, 1)],
    ];
    const decision = (rationale: string) => `decision: ${rationale}`;
    const person = 'a person is inside the protective separation distance';
    return {
      ...{ fromTimeUs: this.#at(12), untilTimeUs: this.#at(32), outcomes },
      sources: [
        {
          ...{ source: 'r02', result: 'differs', firstTimeUs: this.#at(12) },
          firstRecorded: decision(person),
          firstForked: decision('advance (3 of 7)'),
        },
        {
          ...{ source: 'r05', result: 'differs', firstTimeUs: this.#at(15) },
          firstRecorded: decision('advance (1 of 4)'),
          firstForked: decision('waits for r02'),
        },
        { source: 'r01', result: 'shared' },
        { source: 'r03', result: 'shared' },
      ],
      uncompared: [
        {
          ...{ agentId: 'r05', side: 'recorded', fromTimeUs: this.#at(21), untilTimeUs: this.#at(26) },
          ...{ firstSequence: 310n, lastSequence: 402n },
        },
      ],
      decisions: [
        {
          ...{ agentId: 'r02', fromTimeUs: this.#at(12), untilTimeUs: this.#at(17) },
          recorded: {
            authority: 'safety',
            source: 'failsafe:human_proximity_override',
            command: { name: 'stop' },
            rationale: person,
          },
          forked: { authority: 'mission', source: 'plan', command: { name: 'drive' }, rationale: 'advance (3 of 7)' },
        },
        {
          ...{ agentId: 'r05', fromTimeUs: this.#at(15), untilTimeUs: this.#at(16) },
          recorded: { authority: 'mission', source: 'plan', command: { name: 'drive' }, rationale: 'advance (1 of 4)' },
          forked: { authority: 'swarm', source: 'traffic', command: { name: 'hold' }, rationale: 'waits for r02' },
        },
      ],
    };
  }
}

/** Agent, second of the recording, m/s as it was and as it would have been, and why it drove. */
const FLIPS: readonly (readonly [string, number, number, number, string])[] = [
  ['r02', 9, 1.2, 0.3, 'advance (2 of 7): deliver, stop 1 of 2, 5 cells granted'],
  ['r05', 14, 0.86, 0.3, 'advance (1 of 4): deliver, stop 2 of 2, 5 cells granted'],
  ['r02', 27, 1.2, 0.3, 'advance (6 of 7): deliver, stop 2 of 2, 3 cells granted'],
];

const ended = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
