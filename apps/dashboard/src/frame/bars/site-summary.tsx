import { useEffect, useState } from 'react';
import { agentState, type Level } from '../../words/agent-state.ts';
import { groupAlerts } from '../../words/alert-words.ts';
import { plural } from '../../words/quantities.ts';
import { type MissionControl, useConnection, useMissionControl } from '../mission-control.tsx';

/** A screen reader hears of the site at most this often, and only of what changed. */
const SAY_EVERY_MS = 6_000;

/** The site in a sentence or two, for those who do not see the map. Said when it changed, never in a stream. */
export function SiteSummary() {
  const control = useMissionControl();
  const connection = useConnection();
  const [words, setWords] = useState('');
  useEffect(() => {
    const say = () => setWords(summarise(control, connection.state));
    const first = setTimeout(say, 1_500);
    const timer = setInterval(say, SAY_EVERY_MS);
    return () => {
      clearTimeout(first);
      clearInterval(timer);
    };
  }, [control, connection]);
  return (
    <p className="for-ears" role="status" aria-live="polite" data-testid="site-summary">
      {words}
    </p>
  );
}

function summarise({ live, site, time }: MissionControl, connection: string): string {
  const counts = new Map<Level, number>();
  for (const agent of live.agents()) {
    const age = live.newest.ageMs[live.row(agent.id)] ?? Number.POSITIVE_INFINITY;
    const { level } = agentState(agent.status, age);
    counts.set(level, (counts.get(level) ?? 0) + 1);
  }
  const when =
    time.get().kind === 'past' ? 'In the past: ' : connection === 'live' ? '' : 'Not connected; last known: ';
  const states = (['critical', 'warning', 'advisory'] as const)
    .filter((level) => (counts.get(level) ?? 0) > 0)
    .map((level) => `${counts.get(level)} ${level}`);
  const open = groupAlerts(live.alerts()).filter((group) => group.unacknowledged > 0 && group.standing > 0).length;
  const robots = `${plural(live.ids.length, 'robot')} at ${site.name}`;
  const how = states.length === 0 ? 'all well' : states.join(', ');
  return `${when}${robots}, ${how}; ${open === 0 ? 'no open alert' : plural(open, 'open alert')}.`;
}
