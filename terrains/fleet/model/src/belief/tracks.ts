import type { MotionBelief, Peer, SightBelief, Track } from './belief.ts';

/** Points of one surface that the map does not explain. */
export interface Cluster {
  readonly xM: number;
  readonly yM: number;
  readonly widthM: number;
  readonly rays: number;
  readonly rangeM: number;
}

/** Wider than this is no person: a pallet, a truck, a row of people arm in arm. */
const PERSON_WIDTH_M = 0.9;
/** Scans without a sight of it after which a track is given up. */
const FORGET_AFTER = 6;
/** Most tracks kept; the nearest win. */
const MOST_TRACKS = 24;
/** A peer's word is used this long. */
const PEER_WORD_US = 1_500_000;
/** Alpha-beta gains (Kalata 1984) for a tracking index of about 0.5: people change their minds within half a second. */
const ALPHA = 0.6;
const BETA = 0.25;

/**
 * Nearest-neighbour tracking. A surface of a person's size is a person unless a peer robot said that it stands there:
 * who is silent is treated with the greater care.
 */
export function foldTracks(
  sight: SightBelief,
  clusters: readonly Cluster[],
  peers: readonly Peer[],
  motion: MotionBelief,
  dt: number,
  atUs: number,
): { readonly tracks: readonly Track[]; readonly nextTrack: number } {
  const { tracks } = sight;
  if (clusters.length === 0 && tracks.length === 0) return { tracks, nextTrack: sight.nextTrack };
  const taken: boolean[] = [];
  const next: Track[] = [];
  let nextTrack = sight.nextTrack;
  for (const track of tracks) {
    const xM = track.xM + track.vxMps * dt;
    const yM = track.yM + track.vyMps * dt;
    const match = nearest(clusters, taken, xM, yM, 0.45 + 1.5 * dt + 0.5 * track.misses * dt);
    if (match < 0) {
      const misses = track.misses + 1;
      if (misses < FORGET_AFTER) next.push({ ...track, xM, yM, misses });
      continue;
    }
    taken[match] = true;
    next.push(seenAgain(track, clusters[match] as Cluster, xM, yM, dt, peers, motion, atUs));
  }
  for (let k = 0; k < clusters.length; k++) {
    if (taken[k] === true) continue;
    const found = clusters[k] as Cluster;
    const { kind, peer } = classify(found.xM, found.yM, found.widthM, peers, motion, atUs);
    next.push({
      id: nextTrack++,
      xM: found.xM,
      yM: found.yM,
      vxMps: 0,
      vyMps: 0,
      widthM: found.widthM,
      kind,
      peer,
      hits: 1,
      misses: 0,
      seenUs: atUs,
      confirmed: found.rays >= 3,
    });
  }
  if (next.length > MOST_TRACKS) {
    const away = ({ xM, yM }: Track): number => {
      const dx = xM - motion.xM;
      const dy = yM - motion.yM;
      return dx * dx + dy * dy;
    };
    next.sort((a, b) => away(a) - away(b) || a.id - b.id);
    next.length = MOST_TRACKS;
  }
  return { tracks: next, nextTrack };
}

function nearest(
  clusters: readonly Cluster[],
  taken: readonly boolean[],
  xM: number,
  yM: number,
  gateM: number,
): number {
  let best = -1;
  let bestSquared = gateM * gateM;
  for (let k = 0; k < clusters.length; k++) {
    if (taken[k] === true) continue;
    const { xM: cx, yM: cy } = clusters[k] as Cluster;
    const squared = (cx - xM) * (cx - xM) + (cy - yM) * (cy - yM);
    if (squared < bestSquared) {
      best = k;
      bestSquared = squared;
    }
  }
  return best;
}

function seenAgain(
  track: Track,
  found: Cluster,
  xM: number,
  yM: number,
  dt: number,
  peers: readonly Peer[],
  motion: MotionBelief,
  atUs: number,
): Track {
  const missX = found.xM - xM;
  const missY = found.yM - yM;
  const rate = dt > 0 ? BETA / dt : 0;
  const widthM = track.widthM + 0.3 * (found.widthM - track.widthM);
  const { kind, peer } = classify(found.xM, found.yM, widthM, peers, motion, atUs);
  return {
    id: track.id,
    xM: xM + ALPHA * missX,
    yM: yM + ALPHA * missY,
    vxMps: limited(track.vxMps + rate * missX),
    vyMps: limited(track.vyMps + rate * missY),
    widthM,
    kind,
    peer,
    hits: track.hits + 1,
    misses: 0,
    seenUs: atUs,
    confirmed: true,
  };
}

const limited = (speed: number): number => Math.max(-4, Math.min(4, speed));

function classify(
  xM: number,
  yM: number,
  widthM: number,
  peers: readonly Peer[],
  motion: MotionBelief,
  atUs: number,
): { readonly kind: Track['kind']; readonly peer: string | null } {
  for (const peer of peers) {
    const ageUs = atUs - peer.heardUs;
    if (ageUs > PEER_WORD_US) continue;
    const age = ageUs * 1e-6;
    const dx = peer.xM + peer.vxMps * age - xM;
    const dy = peer.yM + peer.vyMps * age - yM;
    const reach = peer.radiusM + 0.35 + 0.5 * age + 2 * Math.sqrt(motion.positionVar);
    if (dx * dx + dy * dy <= reach * reach) return { kind: 'robot', peer: peer.id };
  }
  return { kind: widthM > PERSON_WIDTH_M ? 'object' : 'person', peer: null };
}
