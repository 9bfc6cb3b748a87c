import type { Act, Mark, Mission } from '@sigma/proto';
import type { Level } from '../../words/agent-state.ts';
import { levelOf } from '../../words/alert-words.ts';
import { markWords } from '../../words/mark-words.ts';
import { personWords, plainWords } from '../../words/quantities.ts';

/** One thing that happened to a mission or to a robot that worked for it. */
export interface TimelineEntry {
  readonly timeUs: bigint;
  readonly kind: string;
  readonly text: string;
  readonly agentId: string;
  readonly level: Level;
  readonly decision: { readonly agentId: string; readonly epoch: number; readonly sequence: bigint } | null;
}

/** Robots that have or had a share of it. */
const everyoneAt = (mission: Mission): ReadonlySet<string> =>
  new Set(
    mission.tasks
      .flatMap((task) => [task.agentId, ...task.history.map((holder) => holder.agentId)])
      .filter((id) => id !== ''),
  );

/**
 * From its sending to its end, oldest first: what people did to it, and what happened meanwhile to robots that worked
 * for it. What happened before it was sent or after it ended is not its story.
 */
export function timelineOf(mission: Mission, marks: readonly Mark[], acts: readonly Act[]): TimelineEntry[] {
  const { createdTimeUs: from, finishedTimeUs } = mission;
  const within = (timeUs: bigint) => timeUs >= from && (finishedTimeUs === 0n || timeUs <= finishedTimeUs);
  const robots = everyoneAt(mission);
  const plain = { agentId: '', level: 'calm' as const, decision: null };
  const entries: TimelineEntry[] = [
    { ...plain, timeUs: from, kind: 'sent', text: `sent by ${personWords(mission.createdBy) || 'unknown'}` },
  ];
  for (const mark of marks) {
    const concerns =
      mark.kind === 'mission'
        ? mark.text.includes(mission.id) || (mission.name !== '' && mark.text.includes(mission.name))
        : robots.has(mark.agentId);
    if (!concerns || !within(mark.timeUs)) continue;
    const { timeUs, kind, agentId } = mark;
    const decision =
      mark.decisionSequence === 0n ? null : { agentId, epoch: mark.decisionEpoch, sequence: mark.decisionSequence };
    entries.push({ timeUs, kind, text: markWords(mark), agentId, level: levelOf(mark.level), decision });
  }
  for (const act of acts) {
    if (act.timeUs < from) continue;
    const said = act.outcome === 'accepted' ? '' : ` (${act.outcome}${act.reason === '' ? '' : `: ${act.reason}`})`;
    entries.push({
      ...plain,
      timeUs: act.timeUs,
      kind: 'act',
      text: `${personWords(act.actor)} ${act.summary}${said}`,
    });
  }
  entries.push(...handovers(mission));
  if (finishedTimeUs > 0n) {
    entries.push({ ...plain, timeUs: finishedTimeUs, kind: 'ended', text: mission.detail || 'ended' });
  }
  return entries.sort((a, b) => (a.timeUs < b.timeUs ? -1 : a.timeUs > b.timeUs ? 1 : 0));
}

/** When a robot got a share of it, and when and why one lost it. Where an older hub kept no times, nothing is told. */
function handovers({ tasks }: Mission): TimelineEntry[] {
  const share = (at: number): string => (tasks.length === 1 ? 'it' : `share ${at + 1} of ${tasks.length}`);
  return tasks.flatMap((task, at) => {
    const now = { agentId: task.agentId, sinceTimeUs: task.sinceTimeUs, untilTimeUs: 0n, reason: '' };
    return [...task.history, now].flatMap(({ agentId, sinceTimeUs, untilTimeUs, reason }): TimelineEntry[] => {
      if (agentId === '' || sinceTimeUs === 0n) return [];
      const plain = { agentId, decision: null };
      const got: TimelineEntry = {
        ...plain,
        timeUs: sinceTimeUs,
        kind: 'given',
        text: `got ${share(at)}`,
        level: 'calm',
      };
      if (untilTimeUs === 0n) return [got];
      const text = `lost ${share(at)}: ${plainWords(reason)}`;
      return [got, { ...plain, timeUs: untilTimeUs, kind: 'reassigned', text, level: 'advisory' }];
    });
  });
}
