import type { PolicyText } from '@sigma/fleet-model';
import { encodeState, type Json } from '@sigma/kernel';
import { byChain, type Life, type Piece, type Timeline } from '@sigma/recorder';
import { policyOf } from './fleet-trial.ts';
import { type PolicyChange, parsePolicyFile, policyAfter } from './policy-file.ts';

/** What a fork's change says of its policy (SPEC R113): what the file says, and of the file itself its name alone. */
export function policyToJson({ file, whole, version, rules, without }: PolicyChange): Json {
  const said = whole ? { version, rules } : { rules, without };
  return { file: file.split('/').at(-1) ?? file, ...said } as unknown as Json;
}

/** @throws PolicyFileError when it says no policy */
const policyFromJson = (json: Json): PolicyChange =>
  parsePolicyFile(String((json as { readonly file?: Json }).file ?? ''), encodeState(json));

/**
 * The policy that a robot lives under where a timeline ends: that of its newest piece, with what the forks changed of it
 * that have reused this life since, because no outcome was another in it (SPEC R115).
 *
 * @throws PolicyFileError when a fork's change says no policy
 */
export function policyInForce(timeline: Timeline, life: Life): PolicyText {
  const { opening, recording } = life.pieces.at(-1) as Piece;
  if (timeline.parent === null || timeline.recording === recording) return policyOf(opening);
  const before = policyInForce(timeline.parent, life);
  const change = ownPieces(timeline)[0]?.opening.lineage?.change;
  if (change === undefined || !(change.agents.length === 0 || change.agents.includes(life.source))) return before;
  if (change.policy !== null) return policyAfter(before, policyFromJson(change.policy));
  return policyOfPeer(timeline, timeline.parent, change.agents, before);
}

/** Older forks say their policy in openings alone: what such a one made of another robot that had lived under the same. */
function policyOfPeer(fork: Timeline, parent: Timeline, agents: readonly string[], before: PolicyText): PolicyText {
  const text = encodeState(before);
  for (const { head, opening } of ownPieces(fork)) {
    if (opening.model !== 'fleet' || !(agents.length === 0 || agents.includes(head.source))) continue;
    const peer = parent.lives.find((life) => byChain(life, head) === 0);
    if (peer !== undefined && encodeState(policyInForce(parent, peer)) === text) return policyOf(opening);
  }
  return before;
}

/** Agent time from which on a fork is not its parent any more. */
export const forkedAtUs = (fork: Timeline): number => Math.min(...ownPieces(fork).map(({ fromUs }) => fromUs));

/** Agent time of the last event in a fork itself. */
export const endsUs = (fork: Timeline): number => Math.max(...ownPieces(fork).map(({ head }) => head.atUs));

/** What stands in a fork itself, not in what it shares. */
const ownPieces = ({ lives, recording }: Timeline): readonly Piece[] =>
  lives.flatMap(({ pieces }) => pieces.filter((piece) => piece.recording === recording));
