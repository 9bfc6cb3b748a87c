import { Observable } from '../../live/observable.ts';

/** What a person has selected, anywhere: one thing, shown everywhere, explained on the right. */
export type Selection =
  | { readonly kind: 'robot'; readonly id: string }
  | { readonly kind: 'zone'; readonly id: string }
  | { readonly kind: 'mission'; readonly id: string }
  | { readonly kind: 'alert'; readonly id: string }
  /** A decision of an agent: the epoch of its life and the sequence in it. */
  | { readonly kind: 'decision'; readonly agentId: string; readonly epoch: number; readonly sequence: bigint }
  /** People have no names here: where he stood when he was selected, metres. */
  | { readonly kind: 'person'; readonly xM: number; readonly yM: number };

/** The robot that the selection is or belongs to, or null. */
function robotOf(selection: Selection | null): string | null {
  if (selection === null) return null;
  if (selection.kind === 'robot') return selection.id;
  return selection.kind === 'decision' ? selection.agentId : null;
}

/** The zone or fence that is selected, or null. */
export const zoneOf = (selection: Selection | null): string | null =>
  selection?.kind === 'zone' ? selection.id : null;

/** One level up: from a decision to its robot, from anything else to nothing. */
export function levelUp(selection: Selection): Selection | null {
  return selection.kind === 'decision' ? { kind: 'robot', id: selection.agentId } : null;
}

/** For a link: `robot:r17`, `decision:r17:1:812`, `person:3.5:12.25`. Ids may hold any character. */
export function selectionText(selection: Selection): string {
  switch (selection.kind) {
    case 'decision':
      return `decision:${encodeURIComponent(selection.agentId)}:${selection.epoch}:${selection.sequence}`;
    case 'person':
      return `person:${selection.xM.toFixed(2)}:${selection.yM.toFixed(2)}`;
    default:
      return `${selection.kind}:${encodeURIComponent(selection.id)}`;
  }
}

/** Reads what `selectionText` wrote; null for anything else, since links come from anywhere. */
export function parseSelection(text: string): Selection | null {
  const [kind, first, second, third] = text.split(':');
  if (first === undefined || first === '') return null;
  if (kind === 'person') {
    const [xM, yM] = [Number(first), Number(second)];
    return second !== undefined && Number.isFinite(xM) && Number.isFinite(yM) ? { kind, xM, yM } : null;
  }
  const id = decoded(first);
  if (id === null) return null;
  if (kind === 'decision') {
    if (!/^\d{1,10}$/.test(second ?? '') || !/^\d{1,19}$/.test(third ?? '')) return null;
    return { kind, agentId: id, epoch: Number(second), sequence: BigInt(third as string) };
  }
  if (kind === 'robot' || kind === 'zone' || kind === 'mission' || kind === 'alert') return { kind, id };
  return null;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** The selection as those see it who know robots only: reading gives the robot it belongs to, writing selects a robot. */
export function robotSelection(selection: Observable<Selection | null>): Observable<string | null> {
  const robot = new Observable<string | null>(robotOf(selection.get()));
  selection.subscribe(() => robot.set(robotOf(selection.get())));
  robot.subscribe(() => {
    const id = robot.get();
    if (robotOf(selection.get()) !== id) selection.set(id === null ? null : { kind: 'robot', id });
  });
  return robot;
}
