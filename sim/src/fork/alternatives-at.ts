import type { RecordedModels } from '@sigma/fleet-model';
import { type Agent, type Decision, decodeState } from '@sigma/kernel';
import {
  type Alternative,
  agentReexecutor,
  alternativesOf,
  decodeDecision,
  EVENT_TYPE,
  eventsOf,
  type Life,
  LifeReader,
  LostLifeError,
  type Timeline,
} from '@sigma/recorder';
import { modelsOn } from '../recording.ts';
import { ForkRefusedError } from './fork-request.ts';
import { momentOfEvent, mustBeKnown } from './known-moment.ts';
import { LivedWorld } from './lived-world.ts';

/** A decision on record with everything that it rejected. */
export interface DecidedAt {
  readonly agent: string;
  readonly decision: Decision;
  readonly alternatives: readonly Alternative[];
}

/**
 * What a recorded decision rejected, and how each could be run.
 *
 * @param sequence event of the decision in the newest recording of that life
 * @throws ForkRefusedError when that event is no decision, or cannot be led up to (recorder/SPEC.md R127)
 */
export async function alternativesAt(timeline: Timeline, life: Life, sequence: number): Promise<DecidedAt> {
  const piece = life.pieces.at(-1) as Life['pieces'][number];
  await momentOfEvent(life, sequence);
  for await (const event of eventsOf(piece.recording, piece.head, sequence, sequence)) {
    if (event.type !== EVENT_TYPE.decision) {
      throw new ForkRefusedError(
        `${life.source}#${sequence} is no decision but ${event.type}; alternatives belong to decisions`,
      );
    }
    const decision = decodeDecision(event.data, event.atUs);
    const agent = await stateAfter(await modelsOn(timeline), life, event.atUs);
    const simulated = LivedWorld.lifeIn(timeline.lives) !== null;
    return { agent: life.source, decision, alternatives: alternativesOf({ decision, agent, simulated }) };
  }
  throw new ForkRefusedError(`${life.source} has no event ${sequence}; its last is ${piece.head.sequence}`);
}

/** The agent as the wake at a moment left it. */
export async function stateAfter(models: RecordedModels, life: Life, atUs: number): Promise<Agent<unknown>> {
  const reader = await LifeReader.leadingUpTo(life, atUs, Math.max(0, atUs - 1)).catch(async (error: unknown) => {
    if (error instanceof LostLifeError) await mustBeKnown([life], atUs);
    throw error;
  });
  const model = models.modelOf(reader.opening);
  if (typeof model === 'string') throw new ForkRefusedError(model);
  const execution = agentReexecutor(model).open(reader.opening, reader.restored ?? undefined);
  await reader.fill(atUs + 1);
  for (let wake = reader.next(atUs + 1); wake !== undefined; wake = reader.next(atUs + 1)) {
    execution.wake(wake.atUs, wake.inbox);
  }
  return decodeState(new TextDecoder().decode(execution.state())) as Agent<unknown>;
}
