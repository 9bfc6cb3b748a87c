import type { MissionControl } from '../../frame/mission-control.tsx';
import { agentState } from '../../words/agent-state.ts';
import { percent, span } from '../../words/quantities.ts';

const BESIDE_PX = 14;

/** Written straight into the page: the pointer moves more often than components should render. */
export function showTip(
  tip: HTMLElement | null,
  id: string | null,
  xPx: number,
  yPx: number,
  control: Pick<MissionControl, 'live' | 'nowMs' | 'draft'>,
): void {
  if (tip === null) return;
  if (id === null || control.draft.get() !== null) {
    tip.hidden = true;
    return;
  }
  const { live, nowMs } = control;
  const row = live.row(id);
  const age = live.ageMs(row, nowMs());
  const agent = live.agent(id);
  const speed = live.newest.speedMps[row] ?? 0;
  const lines = [
    `${id} · ${agentState(agent?.status, age).word}`,
    `${speed.toFixed(2)} m/s, battery ${percent(live.newest.battery[row] ?? Number.NaN)}, seen ${span(age)} ago`,
    agent?.status?.rationale ?? '',
  ];
  tip.textContent = lines.filter((line) => line !== '').join('\n');
  tip.hidden = false;
  // Kept inside the view: a tip over its edge would be cut off.
  const room = tip.parentElement;
  const [width, height] = [tip.offsetWidth, tip.offsetHeight];
  const left = room !== null && xPx + BESIDE_PX + width > room.clientWidth ? xPx - BESIDE_PX - width : xPx + BESIDE_PX;
  const top =
    room !== null && yPx + BESIDE_PX + height > room.clientHeight ? yPx - BESIDE_PX - height : yPx + BESIDE_PX;
  tip.style.left = `${Math.max(0, left)}px`;
  tip.style.top = `${Math.max(0, top)}px`;
}
