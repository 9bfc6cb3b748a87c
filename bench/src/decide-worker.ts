// The robots of the decide bench: real links, checked signatures, bodies that simply arrive where they are sent.

import { parentPort, workerData } from 'node:worker_threads';
import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { isSignedBy } from '@sigma/hub';
import {
  AgentLinkService,
  type ConnectRequest,
  ConnectRequestSchema,
  type Order,
  OrderSchema,
  type Plan,
  type SignedOrder,
} from '@sigma/proto';
import { percentiles } from '@sigma/sim';

export interface DecideSetup {
  readonly url: string;
  readonly joinToken: string;
  readonly robots: readonly { readonly id: string; readonly body: string; readonly xM: number; readonly yM: number }[];
  readonly seconds: number;
}

export interface DecideTimes {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly count: number;
  readonly frames: number;
  readonly forged: number;
}

type Frame = Exclude<MessageInitShape<typeof ConnectRequestSchema>['frame'], undefined>;

const REPORT_MS = 100;
const BEAT_MS = 500;
/** A robot needs this long for the cells it was granted. */
const DRIVE_MS = 1_500;
/** Links are up and the first wave of missions is given out. */
const WARM_UP_MS = 5_000;

const FIELDS = ['xM', 'yM', 'headingRad', 'speedMps', 'battery', 'halted'];

class Robot {
  readonly #send: (frame: Frame) => void;
  readonly #id: string;
  readonly #body: string;
  #xM: number;
  #yM: number;
  #sequence = 0n;
  #inputs = 0n;
  #task: Order['order'] = { case: undefined };
  #plan: Plan | null = null;
  /** Reports that called for a plan: input sequence to the moment they left. */
  readonly #asked = new Map<bigint, number>();
  #arriveMs = Number.POSITIVE_INFINITY;

  constructor({ id, body, xM, yM }: DecideSetup['robots'][number], send: (frame: Frame) => void) {
    this.#id = id;
    this.#body = body;
    this.#xM = xM;
    this.#yM = yM;
    this.#send = send;
  }

  report(nowMs: number): void {
    if (nowMs >= this.#arriveMs) this.#arrive(nowMs);
    else this.#telemetry();
  }

  /** @returns milliseconds since the report that this plan names, or null */
  hear({ order }: Order, nowMs: number): number | null {
    if (order.case === 'assign') {
      this.#task = order;
      this.#plan = null;
      this.#ask('the task needs a plan', nowMs);
      return null;
    }
    if (order.case !== 'plan' || this.#task.case !== 'assign') return null;
    this.#plan = order.value;
    this.#arriveMs = nowMs + DRIVE_MS;
    this.#status();
    const basis = order.value.basis?.inputSequence ?? -1n;
    const askedMs = this.#asked.get(basis);
    this.#asked.delete(basis);
    return askedMs === undefined ? null : nowMs - askedMs;
  }

  /** The body stands where the plan ends, and wants the next one. */
  #arrive(nowMs: number): void {
    this.#arriveMs = Number.POSITIVE_INFINITY;
    const last = this.#plan?.intents.findLast(({ name }) => name === 'advance');
    for (const { name, value } of last?.args ?? []) {
      if (value.case === 'number' && name === 'xM') this.#xM = value.value;
      if (value.case === 'number' && name === 'yM') this.#yM = value.value;
    }
    this.#ask('the plan is finished', nowMs);
  }

  #ask(reason: string, nowMs: number): void {
    const { order: task } = { order: this.#task };
    if (task.case !== 'assign' || task.value.task === undefined) return;
    this.#telemetry();
    this.#asked.set(this.#inputs, nowMs);
    const planRevision = this.#plan?.revision ?? 0n;
    const basis = { epoch: 1, inputSequence: this.#inputs };
    this.#send({ case: 'ask', value: { agentId: this.#id, task: task.value.task, reason, basis, planRevision } });
  }

  #telemetry(): void {
    this.#inputs += 10n;
    const timeUs = BigInt(Date.now()) * 1000n;
    const values = [this.#xM, this.#yM, 0, 0, 0.9, 0];
    const frame = { agentId: this.#id, channel: 'state', sequence: ++this.#sequence, timeUs, atUs: timeUs, values };
    this.#send({ case: 'telemetry', value: { ...frame, inputSequence: this.#inputs, epoch: 1 } });
  }

  #status(): void {
    const taskId = this.#task.case === 'assign' ? (this.#task.value.task?.id ?? '') : '';
    this.#send({
      case: 'status',
      value: {
        agentId: this.#id,
        epoch: 1,
        role: 'robot',
        body: this.#body,
        mode: 'automatic',
        chain: 'primary',
        stop: 'none',
        taskId,
        taskStatus: taskId === '' ? '' : 'active',
        planRevision: this.#plan?.revision ?? 0n,
      },
    });
  }

  begin(): void {
    this.#status();
    this.#telemetry();
  }
}

async function run({ url, joinToken, robots: planned, seconds }: DecideSetup): Promise<DecideTimes> {
  const waiting: ConnectRequest[] = [];
  let wake = (): void => undefined;
  let frames = 0;
  let forged = 0;
  let linked = false;
  let orderKey: Uint8Array = new Uint8Array();
  const tookMs: number[] = [];
  const send = (frame: Frame): void => {
    if (frame.case === 'telemetry') frames++;
    waiting.push(create(ConnectRequestSchema, { frame }));
    wake();
  };
  const robots = new Map(planned.map((robot) => [robot.id, new Robot(robot, send)]));
  const end = new AbortController();
  async function* requests(): AsyncGenerator<ConnectRequest> {
    yield create(ConnectRequestSchema, { frame: { case: 'hello', value: helloOf(planned) } });
    while (!end.signal.aborted) {
      const next = waiting.shift();
      if (next !== undefined) yield next;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  }
  const startedMs = performance.now();
  const take = (signed: SignedOrder): void => {
    if (!isSignedBy(orderKey, signed.order, signed.signature)) {
      forged++;
      return;
    }
    const order = fromBinary(OrderSchema, signed.order);
    const nowMs = performance.now();
    const ms = robots.get(order.agentId)?.hear(order, nowMs) ?? null;
    if (ms !== null && nowMs - startedMs > WARM_UP_MS) tookMs.push(ms);
  };
  const reports = setInterval(() => {
    if (linked) for (const robot of robots.values()) robot.report(performance.now());
  }, REPORT_MS);
  const beats = setInterval(
    () => send({ case: 'heartbeat', value: { sequence: BigInt(frames), timeUs: 0n, heard: 0n } }),
    BEAT_MS,
  );
  setTimeout(() => end.abort(), WARM_UP_MS + seconds * 1000);
  const link = createClient(AgentLinkService, createGrpcTransport({ baseUrl: url }));
  try {
    for await (const { frame } of link.connect(requests(), {
      headers: { authorization: `Bearer ${joinToken}` },
      signal: end.signal,
    })) {
      if (frame.case === 'order') take(frame.value);
      else if (frame.case === 'refused') throw new Error(`the hub refuses the robots: ${frame.value.reason}`);
      else if (frame.case === 'welcome') {
        orderKey = frame.value.orderKey;
        linked = true;
        for (const robot of robots.values()) robot.begin();
        parentPort?.postMessage('linked');
      }
    }
  } catch (error) {
    if (!end.signal.aborted) throw error;
  } finally {
    clearInterval(reports);
    clearInterval(beats);
    wake();
  }
  const { p50, p99, count } = percentiles(tookMs);
  return { p50Ms: p50, p99Ms: p99, count, frames, forged };
}

const helloOf = (robots: DecideSetup['robots']) => ({
  tenant: 'bench',
  edgeId: 'bench',
  software: 'bench',
  timeUs: 0n,
  agents: robots.map(({ id, body }) => ({
    agentId: id,
    epoch: 1,
    role: 'robot',
    body,
    epochTimeUs: 0n,
    capabilities: ['drive', 'scan', 'load', 'unload', 'dock'],
  })),
  channels: [{ channel: 'state', fields: FIELDS.map((name) => ({ name, unit: '' })) }],
});

parentPort?.postMessage(await run(workerData as DecideSetup));
