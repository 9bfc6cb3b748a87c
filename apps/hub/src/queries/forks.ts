import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import {
  BrokenRuleSchema,
  type CompareForkResponse,
  CompareForkResponseSchema,
  type Fork,
  type ForkService,
  LocateMomentRequestSchema,
  ReadStretchesRequestSchema,
} from '@sigma/proto';
import { callerOf, limitOf, type Roles } from './context.ts';
import { type ForkDesk, ForkRefusal } from './fork-desk.ts';
import { type BlockReader, blockQueries } from './records.ts';

const NO_DESK =
  'this hub runs no forks; on the machine that holds the recording, `sigma fork` and `sigma whatif` do it offline';
const CODES: Readonly<Record<ForkRefusal['kind'], Code>> = {
  missing: Code.NotFound,
  invalid: Code.InvalidArgument,
  busy: Code.ResourceExhausted,
  'not yet': Code.FailedPrecondition,
  damaged: Code.DataLoss,
};
const MOST_RULE_BYTES = 100_000;
const MOST_SECONDS = 600;
const MOST_LISTED = 5_000;

type ForkRoles = Pick<Roles, 'tenant' | 'clock' | 'forks'>;

/** Forks and trials, asked of the desk that the composition brought. */
export function forkQueries(roles: ForkRoles): ServiceImpl<typeof ForkService> {
  const desk = (): ForkDesk => {
    if (roles.forks !== null) return roles.forks;
    throw new ConnectError(NO_DESK, Code.FailedPrecondition);
  };
  const forkNamed = (id: string): Fork => {
    const fork = desk().fork(id);
    if (fork !== undefined) return fork;
    throw new ConnectError(`there is no fork '${id.slice(0, 63)}'; the list of forks has the names`, Code.NotFound);
  };
  const trialNamed = (id: string) => {
    const found = desk().trial(id);
    if (found !== undefined) return found;
    throw new ConnectError(`there is no trial '${id.slice(0, 63)}'; a hub forgets them when it ends`, Code.NotFound);
  };
  const shown = new ShownForks(roles);
  return {
    listForks: () => ({
      forks: [...(roles.forks?.forks() ?? [])],
      trials: [...(roles.forks?.trials() ?? [])],
      available: roles.forks !== null,
      reason: roles.forks === null ? NO_DESK : '',
    }),
    makeFork: (request, context) => {
      mustBeShort(request.rule);
      const { seconds } = request;
      if (!(seconds >= 0 && seconds <= MOST_SECONDS))
        throw new ConnectError(`a fork goes on for 1 to ${MOST_SECONDS} seconds`, Code.InvalidArgument);
      return { fork: saying(() => desk().make(request, callerOf(context), roles.clock.nowUs())) };
    },
    watchFork: ({ forkId }, { signal }) =>
      changes(desk(), forkId, signal, () => {
        const fork = forkNamed(forkId);
        return { message: { fork }, over: isOver(fork.state) };
      }),
    cancelFork: ({ forkId }) => {
      forkNamed(forkId);
      desk().cancel(forkId);
      return { fork: forkNamed(forkId) };
    },
    removeFork: ({ forkId }) => {
      forkNamed(forkId);
      saying(() => desk().remove(forkId));
      return {};
    },
    compareFork: ({ forkId, limit }) => {
      forkNamed(forkId);
      return cut(
        saying(() => desk().comparison(forkId)),
        limitOf(limit, 200, MOST_LISTED),
      );
    },
    locateForkMoment: async ({ forkId, timeUs, recorded }, context) => {
      const blocks = await shown.of(forkNamed(forkId).id, recorded);
      const asked = create(LocateMomentRequestSchema, { timeUs });
      const { chains, fromTimeUs, toTimeUs } = await blocks.locateMoment(asked, context);
      return { chains: chains ?? [], fromTimeUs: fromTimeUs ?? 0n, toTimeUs: toTimeUs ?? 0n };
    },
    async *readForkStretches({ forkId, stretches, recorded }, context) {
      const read = await shown.of(forkNamed(forkId).id, recorded);
      const asked = create(ReadStretchesRequestSchema, { stretches });
      for await (const { source = '', epoch = 0, blocks = [] } of read.readStretches(asked, context))
        yield { source, epoch, blocks };
    },
    tryRule: (request, context) => {
      mustBeShort(request.rule);
      return { trial: saying(() => desk().tryRule(request, callerOf(context), roles.clock.nowUs())) };
    },
    watchTrial: ({ trialId, limit }, { signal }) => {
      const most = limitOf(limit, 500, MOST_LISTED);
      return changes(desk(), trialId, signal, () => {
        const { trial, flips } = trialNamed(trialId);
        return { message: { trial, flips: flips.slice(0, most) }, over: isOver(trial.state) };
      });
    },
    cancelTrial: ({ trialId }) => {
      trialNamed(trialId);
      desk().cancelTrial(trialId);
      return { trial: trialNamed(trialId).trial };
    },
  };
}

const isOver = (state: string): boolean => state !== 'waiting' && state !== 'running';

function mustBeShort(rule: string): void {
  if (rule.length > MOST_RULE_BYTES)
    throw new ConnectError(`a rule has at most ${MOST_RULE_BYTES} characters`, Code.InvalidArgument);
}

/** What the desk refuses, as an answer; where a rule is broken, with the place. */
function saying<Result>(use: () => Result): Result {
  try {
    return use();
  } catch (error) {
    throw refusalOf(error);
  }
}

function refusalOf(error: unknown): unknown {
  if (!(error instanceof ForkRefusal)) return error;
  const { message, kind, line } = error;
  const details = line === 0 ? [] : [{ desc: BrokenRuleSchema, value: { line, problem: message } }];
  return new ConnectError(message, CODES[kind], undefined, details);
}

const cut = (comparison: CompareForkResponse, limit: number): CompareForkResponse =>
  create(CompareForkResponseSchema, {
    ...comparison,
    decisions: comparison.decisions.slice(0, limit),
    decisionsLeftOut: comparison.decisionsLeftOut + Math.max(0, comparison.decisions.length - limit),
  });

/** Says how it stands now, and again whenever that changes, until it is over or nobody listens any more. */
async function* changes<Message>(
  desk: ForkDesk,
  id: string,
  signal: AbortSignal,
  look: () => { readonly message: Message; readonly over: boolean },
): AsyncGenerator<Message> {
  let changed = true;
  let tell: () => void = () => undefined;
  const stop = desk.onChange((of) => {
    if (of !== id) return;
    changed = true;
    tell();
  });
  const woken = (): void => tell();
  signal.addEventListener('abort', woken);
  try {
    while (!signal.aborted) {
      if (!changed) {
        await new Promise<void>((resolve) => {
          tell = resolve;
        });
        continue;
      }
      changed = false;
      const { message, over } = look();
      yield message;
      if (over) return;
    }
  } finally {
    signal.removeEventListener('abort', woken);
    stop();
  }
}

/** Forks that somebody looks at, opened once. */
class ShownForks {
  readonly #roles: ForkRoles;
  readonly #known = new Map<string, Promise<ReturnType<typeof blockQueries>>>();

  constructor(roles: ForkRoles) {
    this.#roles = roles;
  }

  async of(id: string, recorded: boolean): Promise<ReturnType<typeof blockQueries>> {
    const key = `${recorded ? 'recorded' : 'fork'} ${id}`;
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.#open(id, recorded);
      known.catch(() => this.#known.delete(key));
      this.#known.set(key, known);
    }
    return known;
  }

  async #open(id: string, recorded: boolean) {
    const { tenant, forks } = this.#roles;
    let blocks: BlockReader;
    try {
      blocks = await (forks as ForkDesk).open(id, recorded);
    } catch (error) {
      throw refusalOf(error);
    }
    return blockQueries({ tenant, blocks });
  }
}
