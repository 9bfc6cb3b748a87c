import type { Json, MessageStimulus, Percept, Signal, Stimulus } from '@sigma/kernel';
import { FIX, HEALTH, MOTION, SCAN } from '../channels.ts';
import type { Ground } from '../ground.ts';
import { FENCES_CHANNEL, parseFences } from '../site/fence.ts';
import { bodyOf, type FleetBelief, type Peer } from './belief.ts';
import { beginErrand, dropErrand, finishAction, look, passPoints } from './errands.ts';
import { foldHealth } from './health.ts';
import { foldFix, foldMotion } from './motion.ts';
import { foldScan, movePicture } from './sight.ts';

/** Topic on which robots tell each other where they are. Body: `[xM, yM, vxMps, vyMps, radiusM]`. */
export const POSE_TOPIC = 'pose';
/** Peers remembered; the longest silent is forgotten first. */
const MOST_PEERS = 64;
/** No robot of ours is larger; a peer that says so is not believed. */
const LARGEST_RADIUS_M = 0.6;

/** Belief after one stimulus. What makes no sense (a frame of the wrong length, an unknown channel) changes nothing. */
export function foldBelief(belief: FleetBelief, ground: Ground, stimulus: Stimulus, atUs: number): FleetBelief {
  switch (stimulus.kind) {
    case 'percept':
      return foldPercept(belief, ground, stimulus, atUs);
    case 'message':
      return stimulus.topic === POSE_TOPIC ? hearPeer(belief, stimulus, atUs) : belief;
    case 'order':
      if (stimulus.order.type === 'assign') return beginErrand(belief, ground, stimulus.order.task);
      return stimulus.order.type === 'cancel' ? dropErrand(belief, stimulus.order.taskId) : belief;
    case 'observation':
      return stimulus.channel === FENCES_CHANNEL ? obeyFences(belief, ground, stimulus.data) : belief;
    case 'result':
      return stimulus.status === 'done' ? finishAction(belief, stimulus.actionId, stimulus.detail) : belief;
    case 'plan':
      return beginPlan(belief, atUs);
    case 'signal':
      return hearRunner(belief, stimulus, atUs);
    default:
      return belief;
  }
}

/** A set that is wrong anywhere, or not newer, changes nothing: what is shut stays shut. */
function obeyFences(belief: FleetBelief, ground: Ground, data: Json): FleetBelief {
  const parsed = parseFences(ground.site, data);
  return parsed.ok && parsed.fences.version > belief.fences.version ? { ...belief, fences: parsed.fences } : belief;
}

/** Who has been standing for want of a plan has a plan now, and the time to carry it out begins. */
function beginPlan(belief: FleetBelief, atUs: number): FleetBelief {
  const { motion } = belief;
  return motion.standsSinceUs < 0 ? belief : { ...belief, motion: { ...motion, standsSinceUs: atUs } };
}

/** What the program beside the body says of itself, of the recorder and of the body's brakes and clock. */
function hearRunner(belief: FleetBelief, { name, value }: Signal, atUs: number): FleetBelief {
  const { motion } = belief;
  switch (name) {
    case 'recorder_down':
      return watchRecorder(belief, value, atUs);
    case 'body_time_lost':
      // The controller's clock stood still: its next frame counts on as if nothing had been.
      return { ...belief, motion: { ...motion, takenUs: motion.takenUs + Math.max(0, value), disturbedUs: atUs } };
    case 'mechanical_stop':
    case 'command_held':
      return { ...belief, motion: { ...motion, disturbedUs: atUs } };
    default:
      return belief;
  }
}

function watchRecorder(belief: FleetBelief, down: number, atUs: number): FleetBelief {
  if (down !== 0 && belief.recorderDownSinceUs >= 0) return belief;
  return { ...belief, recorderDownSinceUs: down !== 0 ? atUs : -1 };
}

function foldPercept(belief: FleetBelief, ground: Ground, { channel, values }: Percept, atUs: number): FleetBelief {
  const { name, body, sight, health, peers, errands, cargo, docked, recorderDownSinceUs, fences, ledAway } = belief;
  switch (channel) {
    case MOTION.channel: {
      if (values.length !== MOTION.fields.length) return belief;
      const motion = foldMotion(belief.motion, bodyOf(belief), values, atUs);
      return { name, body, motion, sight, health, peers, errands, cargo, docked, recorderDownSinceUs, fences, ledAway };
    }
    case SCAN.channel: {
      if (values.length !== SCAN.fields.length) return belief;
      const left = docked !== null && Math.abs(belief.motion.speedMps) > 0.15;
      const next = foldScan(sight, belief.motion, bodyOf(belief), ground, peers, values, belief.motion.takenUs);
      const { motion } = belief;
      return look(
        {
          name,
          body,
          motion,
          sight: next,
          health,
          peers,
          errands,
          cargo,
          docked: left ? null : docked,
          recorderDownSinceUs,
          fences,
          ledAway,
        },
        ground,
      );
    }
    case FIX.channel: {
      if (values.length !== FIX.fields.length) return belief;
      const motion = foldFix(belief.motion, values, atUs);
      return passPoints({
        name,
        body,
        motion,
        sight: movePicture(sight, belief.motion, motion),
        health,
        peers,
        errands,
        cargo,
        docked,
        recorderDownSinceUs,
        fences,
        ledAway,
      });
    }
    case HEALTH.channel:
      return values.length === HEALTH.fields.length ? { ...belief, health: foldHealth(health, values, atUs) } : belief;
    default:
      return belief;
  }
}

/** A peer's word is an untrusted party's: numbers in range, or nothing. */
function hearPeer(belief: FleetBelief, { from, body }: MessageStimulus, atUs: number): FleetBelief {
  if (from === belief.name || !Array.isArray(body) || body.length < 5) return belief;
  const words = body as readonly Json[];
  if (!words.every((word) => typeof word === 'number' && Number.isFinite(word))) return belief;
  const [xM, yM, vxMps, vyMps, radiusM] = words as readonly number[] as readonly [
    number,
    number,
    number,
    number,
    number,
  ];
  if (!(radiusM > 0 && radiusM <= LARGEST_RADIUS_M) || Math.abs(vxMps) > 4 || Math.abs(vyMps) > 4) return belief;
  const peer: Peer = { id: from, xM, yM, vxMps, vyMps, radiusM, heardUs: atUs };
  const known = belief.peers.findIndex(({ id }) => id === from);
  if (known >= 0) return { ...belief, peers: belief.peers.with(known, peer) };
  let peers = [...belief.peers, peer];
  if (peers.length > MOST_PEERS) {
    const oldest = peers.reduce((a, b) => (b.heardUs < a.heardUs ? b : a));
    peers = peers.filter((one) => one !== oldest);
  }
  peers.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return { ...belief, peers };
}
