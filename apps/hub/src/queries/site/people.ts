import type { LiveAgent } from '../../live/live-fleet.ts';
import { peopleIn, TRACKS_CHANNEL } from '../../live/state-channel.ts';

/** Sightings nearer to each other than this are one person. */
const SAME_PERSON_M = 0.6;
/** Tracks older than this show nobody any more. */
const PEOPLE_FRESH_US = 1_500_000;

/** Everybody whom some robot sees, each once: x and y in turn, metres. */
export function peopleSeen(agents: Iterable<LiveAgent>, nowUs: number): number[] {
  const people: number[] = [];
  for (const agent of agents) {
    const frame = agent.frames.get(TRACKS_CHANNEL);
    const schema = agent.channels.get(TRACKS_CHANNEL);
    if (frame === undefined || schema === undefined || nowUs - Number(frame.timeUs) > PEOPLE_FRESH_US) continue;
    for (const [xM, yM] of peopleIn(frame, schema)) if (!isKnown(people, xM, yM)) people.push(xM, yM);
  }
  return people;
}

function isKnown(people: readonly number[], xM: number, yM: number): boolean {
  for (let k = 0; k < people.length; k += 2) {
    if (Math.hypot((people[k] as number) - xM, (people[k + 1] as number) - yM) < SAME_PERSON_M) return true;
  }
  return false;
}
