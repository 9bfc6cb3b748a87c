import { Code, ConnectError, type ServiceImpl } from '@connectrpc/connect';
import type { ChannelSchema, IngestService, TelemetryFrame } from '@sigma/proto';
import { newTally, refusedCount, type Tally } from '../roles/ingest/ingest.ts';
import type { Roles } from './context.ts';

const MOST_BATCH = 10_000;
const MOST_FIELDS = 1_024;
/** Frames between two turns of the event loop, so that a file does not hold up the live fleet. */
const TURN = 200;

export function ingestQueries(roles: Roles): ServiceImpl<typeof IngestService> {
  const breathe = (): Promise<void> => new Promise((resolve) => roles.clock.soon(resolve));
  const answer = (tally: Tally, agents: ReadonlySet<string>, sinceUs: number) => {
    const alerts = [...roles.alerts.known.values()].filter(
      (alert) => agents.has(alert.agentId) && alert.raisedTimeUs >= sinceUs,
    );
    return {
      accepted: BigInt(tally.accepted),
      refused: BigInt(refusedCount(tally)),
      reasons: [...tally.refused].map(([reason, { count, first }]) => ({ reason, count: BigInt(count), first })),
      alerts: BigInt(alerts.length),
    };
  };
  /** Lets the analyzer see everything, then the alert board. */
  const settle = async (): Promise<void> => {
    for (let k = 0; k < 4; k++) await breathe();
    roles.alerts.step();
    await breathe();
  };
  return {
    ingest: async (requests) => {
      const call = new Feed(roles);
      let taken = 0;
      for await (const { frame, schema } of requests) {
        if (schema !== undefined) call.declare(schema);
        if (frame !== undefined) call.take(frame);
        if (++taken % TURN === 0) {
          await breathe();
          roles.alerts.step();
        }
      }
      await settle();
      return answer(call.tally, call.agents, call.sinceUs);
    },
    ingestBatch: async ({ frames, schemas }) => {
      if (frames.length > MOST_BATCH)
        throw new ConnectError(`a batch has at most ${MOST_BATCH} frames`, Code.InvalidArgument);
      const call = new Feed(roles);
      for (const schema of schemas) call.declare(schema);
      for (const [k, frame] of frames.entries()) {
        call.take(frame);
        if (k % TURN === TURN - 1) await breathe();
      }
      await settle();
      return answer(call.tally, call.agents, call.sinceUs);
    },
  };
}

/** One call of a feed: what it declared and what became of its frames. */
class Feed {
  readonly tally = newTally();
  readonly agents = new Set<string>();
  readonly sinceUs: number;
  readonly #roles: Roles;
  readonly #declared = new Map<string, ChannelSchema>();

  constructor(roles: Roles) {
    this.#roles = roles;
    this.sinceUs = roles.clock.nowUs();
  }

  /** @throws ConnectError for a schema that cannot be */
  declare(schema: ChannelSchema): void {
    if (!/^[a-z0-9][a-z0-9._-]{0,62}$/i.test(schema.channel)) {
      throw new ConnectError(`'${schema.channel.slice(0, 63)}' is no channel name`, Code.InvalidArgument);
    }
    if (schema.fields.length === 0 || schema.fields.length > MOST_FIELDS) {
      throw new ConnectError(`channel '${schema.channel}' has 1 to ${MOST_FIELDS} fields`, Code.InvalidArgument);
    }
    this.#declared.set(schema.channel, schema);
  }

  take(frame: TelemetryFrame): void {
    if (this.#roles.ingest.takeForeign(frame, this.#declared, this.tally)) this.agents.add(frame.agentId);
  }
}
