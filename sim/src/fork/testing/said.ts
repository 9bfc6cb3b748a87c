import { encodeState } from '@sigma/kernel';
import { decodeDecision, EVENT_TYPE, eventsOf, type Recording, type Timeline } from '@sigma/recorder';

/** Decisions, signals and messages of a chain from a moment on, all that they say but for the hash of the policy. */
export async function said(
  recording: Recording,
  source: string,
  fromUs: number,
  untilUs: number,
): Promise<readonly string[]> {
  const head = (await recording.heads()).find((one) => one.source === source);
  const events: string[] = [];
  if (head === undefined) return events;
  for await (const { type, atUs, data } of eventsOf(recording, head)) {
    if (atUs < fromUs || atUs >= untilUs) continue;
    if (type === EVENT_TYPE.decision) {
      const { context, ...decision } = decodeDecision(data, atUs);
      events.push(encodeState({ ...decision, context: { ...context, policyHash: '' } }));
    } else if (type === EVENT_TYPE.signal || type === EVENT_TYPE.message) {
      events.push(`${atUs} ${type} ${Buffer.from(data).toString('utf8')}`);
    }
  }
  return events;
}

/** The same of a source on a timeline: of its parents up to where each fork begins, then of the fork. */
export async function saidOn(
  { lives }: Timeline,
  source: string,
  fromUs: number,
  untilUs: number,
): Promise<readonly string[]> {
  const events: string[] = [];
  for (const piece of lives.filter((life) => life.source === source).flatMap(({ pieces }) => pieces)) {
    const from = Math.max(fromUs, piece.fromUs);
    events.push(...(await said(piece.recording, source, from, Math.min(untilUs, piece.untilUs))));
  }
  return events;
}
