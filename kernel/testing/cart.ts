import {
  type Agent,
  type ChainLimits,
  type Command,
  clampParams,
  createAgent,
  type FailsafeAction,
  type Json,
  type KernelEvent,
  type Order,
  type Outputs,
  type PlanStimulus,
  type Policy,
  type Reflex,
  type Rule,
  type Situation,
  type Stimulus,
  step,
  type TerrainModel,
} from '../src/index.ts';

/** A cart on a rail, woken a hundred times a second: the smallest terrain with a tick, for the kernel's own stories. */
export interface Cart {
  readonly xM: number;
  readonly obstacleM: number;
  readonly broken: boolean;
}

export const TICK_US = 10_000;
export const STAND: Command = { kind: 'setpoint', name: 'stand', params: {}, durationUs: 1_000_000 };
export const roll = (speedMps: number, durationUs = 300_000): Command => ({
  kind: 'setpoint',
  name: 'roll',
  params: { speedMps },
  durationUs,
});

const action = (id: string, severity: number, more: Partial<FailsafeAction<Cart>> = {}): FailsafeAction<Cart> => ({
  id,
  severity,
  command: STAND,
  restriction: null,
  stopCategory: null,
  broadcast: false,
  canRun: () => true,
  degradesTo: null,
  ...more,
});

const NEAR: Reflex<Cart> = {
  id: 'near',
  reference: 'stopping distance',
  propose: ({ world }) =>
    world.obstacleM < 2
      ? { restriction: { atMost: { speedMps: 0.3 }, forbid: [] }, rationale: 'something is near' }
      : null,
};

export interface CartOptions {
  readonly chain?: Partial<ChainLimits>;
  readonly rules?: readonly Rule<Situation<Cart>>[];
  /** How far the cart believes it gets in a second of rolling at 1 m/s. */
  readonly optimism?: number;
  /** Whoever planned the rolling promised that the cart stays whole all the while. */
  readonly staysWhole?: boolean;
  /** The model's own excuse for whatever happened. */
  readonly excuses?: TerrainModel<Cart>['excuses'];
}

function cartModel(options: CartOptions = {}): TerrainModel<Cart> {
  const policy: Policy<Situation<Cart>> = { version: '1', hash: 'policy-1', rules: options.rules ?? [] };
  return {
    name: 'cart',
    version: 1,
    rates: { reflexUs: TICK_US, situationEvery: 10, supervisionEvery: 100 },
    chain: {
      primaryTimeoutUs: 1_000_000,
      secondaryTimeoutUs: 500_000,
      recoverUs: 2_000_000,
      strikes: 3,
      strikeWindowUs: 10_000_000,
      suspendUs: 5_000_000,
      ...options.chain,
    },
    channels: { place: ['xMm', 'obstacleMm', 'broken'] },
    failsafe: {
      actions: [action('hold', 10), action('stop', 50, { broadcast: true }), action('brakes', 100)],
      conditions: [
        {
          id: 'broken',
          action: 'stop',
          cause: 'the cart is broken',
          advice: 'Mend it, acknowledge, reset',
          holds: ({ world }) => world.broken,
          clear: 'on_reset',
          holdDelayUs: 0,
          takeover: 'never',
          deferrable: false,
        },
        {
          id: 'stopped',
          action: 'stop',
          cause: 'somebody stopped the cart',
          advice: 'Acknowledge and reset after an emergency stop',
          holds: ({ stop }) => stop === 'emergency',
          clear: 'on_reset',
          holdDelayUs: 0,
          takeover: 'never',
          deferrable: false,
        },
        {
          id: 'normal_stop',
          action: 'hold',
          cause: 'a stop was asked for',
          advice: 'End the stop',
          holds: ({ stop }) => stop === 'normal' || stop === 'protective',
          clear: 'when_clears',
          holdDelayUs: 0,
          takeover: 'never',
          deferrable: false,
        },
        {
          id: 'no_planner',
          action: 'brakes',
          cause: 'no planner is left',
          advice: 'Look at the hub and the edge',
          holds: ({ chain }) => chain === 'mechanical',
          clear: 'when_clears',
          holdDelayUs: 0,
          takeover: 'never',
          deferrable: false,
        },
      ],
      hold: 'hold',
      mechanical: 'brakes',
      deferLimitUs: 5_000_000,
    },
    reflexes: [NEAR],
    policy,
    initial: (config) => ({ xM: (config as { xM: number }).xM, obstacleM: 99, broken: false }),
    fold: (world, stimulus) => {
      if (stimulus.kind !== 'percept' || stimulus.channel !== 'place') return world;
      const [xMm = 0, obstacleMm = 0, broken = 0] = stimulus.values;
      return { xM: xMm / 1000, obstacleM: obstacleMm / 1000, broken: broken === 1 };
    },
    rest: STAND,
    clamp: clampParams,
    hazard: (command) =>
      command.name === 'stand' ? 0 : command.name === 'roll' ? Math.abs(Number(command.params.speedMps)) : 0.5,
    refuses: (_world, task) => (task.kind === 'go' ? null : `a cart cannot '${task.kind}'`),
    taskProgress: (world, task) => {
      const { toM } = task.args as { toM: number };
      return toM < 0 ? 'failed' : world.xM >= toM ? 'done' : 'running';
    },
    intentProgress: (world, intent) => {
      if (intent.name === 'crash') return 'failed';
      return world.xM >= Number(intent.args.toM) ? 'done' : 'running';
    },
    parametrize: (intent, situation, id, idempotencyKey) => {
      if (intent.name === 'advance') return roll(1);
      if (intent.name !== 'tip') return null;
      return { kind: 'action', name: 'tip', params: {}, id, idempotencyKey, deadlineUs: situation.atUs + 2_000_000 };
    },
    swarm: ({ world }) =>
      world.obstacleM < 1
        ? [
            {
              type: 'command',
              source: 'peer:r07',
              authority: 'swarm',
              severity: 0,
              priority: 0,
              sequence: 0,
              rationale: 'yield to r07',
              confidence: 1,
              ruleHash: null,
              command: roll(-0.2),
            },
          ]
        : [],
    expect: (world, command, atUs) =>
      command.name === 'roll'
        ? {
            quantities: [
              {
                name: 'xM',
                value: world.xM + Number(command.params.speedMps) * (options.optimism ?? 1),
                tolerance: 0.1,
              },
              ...(options.staysWhole === true
                ? [{ name: 'broken', value: 0, tolerance: 0, throughout: true } as const]
                : []),
            ],
            dueUs: atUs + 1_000_000,
          }
        : null,
    observe: ({ xM, broken }, names) => {
      const present: Readonly<Record<string, number>> = { xM, broken: broken ? 1 : 0 };
      return Object.fromEntries(names.map((name) => [name, present[name] ?? Number.NaN]));
    },
    ...(options.excuses === undefined ? {} : { excuses: options.excuses }),
    promise: () => 'pending',
  };
}

/** Small verbs for stories about one cart. Time passes only where the story says so. */
export class CartStory {
  agent: Agent<Cart>;
  readonly model: TerrainModel<Cart>;
  outputs: Outputs;
  readonly events: KernelEvent[] = [];
  atUs = 0;
  xM = 0;
  obstacleM = 99;
  broken = false;
  /** The cart's real speed for a commanded one. */
  grip = 1;
  planners: readonly ('primary' | 'secondary')[] = ['primary', 'secondary'];
  #sequence = 0;
  #revision = 0;

  constructor(options: CartOptions = {}) {
    this.model = cartModel(options);
    this.agent = createAgent(this.model, {
      id: 'c1',
      tenant: 't',
      role: 'cart',
      seed: 1,
      epoch: 1,
      flags: [],
      config: { xM: 0 },
      atUs: 0,
    });
    this.outputs = this.#step([]);
  }

  #step(inbox: readonly Stimulus[]): Outputs {
    const { agent, outputs } = step(this.model, this.agent, inbox, this.atUs);
    this.agent = agent;
    this.events.push(...outputs.events);
    this.outputs = outputs;
    return outputs;
  }

  /** One wake, ten milliseconds later, with what the cart senses and whatever else arrives. */
  tick(...arrivals: readonly Stimulus[]): this {
    this.atUs += TICK_US;
    const { command } = this.outputs;
    if (command.name === 'roll' && !this.broken) this.xM += Number(command.params.speedMps) * this.grip * 0.01;
    const values = Int32Array.of(Math.round(this.xM * 1000), Math.round(this.obstacleM * 1000), this.broken ? 1 : 0);
    const beats = this.planners.map((from) => ({ kind: 'beat' as const, from }));
    this.#step([{ kind: 'percept', channel: 'place', values }, ...beats, ...arrivals]);
    return this;
  }

  run(seconds: number): this {
    for (let i = 0; i < Math.round(seconds * 100); i++) this.tick();
    return this;
  }

  order(order: Order, more: { sequence?: number; issuer?: string; expiresAtUs?: number } = {}): this {
    const { sequence = ++this.#sequence, issuer = 'core', expiresAtUs = this.atUs + 1_000_000 } = more;
    return this.tick({ kind: 'order', issuer, sequence, expiresAtUs, order });
  }

  assign(id: string, toM: number, priority = 1, kind = 'go'): this {
    return this.order({ type: 'assign', task: { id, missionId: 'm1', kind, args: { toM } as Json, priority } });
  }

  plan(taskId: string, intents: PlanStimulus['intents'], more: Partial<PlanStimulus> = {}): this {
    const revision = ++this.#revision;
    const basis = { epoch: 1, inputSequence: this.agent.inputSequence };
    return this.tick({
      kind: 'plan',
      from: 'primary',
      taskId,
      revision,
      intents,
      confidence: 0.9,
      rationale: 'as ordered',
      basis,
      alternatives: [],
      ...more,
    });
  }

  advance(taskId: string, toM: number, more: Partial<PlanStimulus> = {}): this {
    return this.plan(taskId, [{ name: 'advance', args: { toM } }], more);
  }

  /** Events of a type since the last call. */
  take<Type extends KernelEvent['type']>(type: Type): Extract<KernelEvent, { type: Type }>[] {
    const found = this.events.filter((event) => event.type === type) as Extract<KernelEvent, { type: Type }>[];
    this.events.length = 0;
    return found;
  }

  get speedMps(): number {
    return Number(this.outputs.command.params.speedMps ?? 0);
  }

  status(taskId: string): string | undefined {
    return this.agent.tasks.find(({ task }) => task.id === taskId)?.status;
  }
}
