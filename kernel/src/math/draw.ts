/**
 * Chance as a function: `draw(seed, agent, tick, purpose, n)` is the n-th random
 * word of that agent, at that tick, for that purpose. Nothing is stored and
 * nothing advances, so agents can be stepped in any order or on any machine, a
 * fork sees the same luck as its parent, and a new draw added in one place never
 * shifts the draws in another.
 *
 * Generator: Philox4x32-10, J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw,
 * "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011). Key = (seed, agent),
 * counter = (tick low, tick high, purpose, n). For a fixed key it is a bijection
 * of the counter, and it passes the whole of TestU01's BigCrush. The published
 * known-answer vectors are in draw.test.ts.
 *
 * Agents and purposes are 32-bit keys of their names. Two of 10,000 agents share
 * a key with a chance of about 1 %; a runner that assigns ids should refuse an
 * id whose key is taken.
 */

import { normalQuantile } from './normal.ts';

/** The four words of the last block. Every exported function fills and reads it within one call. */
const block = new Uint32Array(4);

const TWO_TO_32 = 4294967296;
const TWO_TO_MINUS_32 = 1 / TWO_TO_32;
const TWO_TO_MINUS_52 = 1 / 4503599627370496;

/**
 * One block of Philox4x32-10 into `block`. All arguments are taken modulo 2^32.
 * The round is written with 16-bit halves because JavaScript has no 32 x 32 -> 64
 * bit product outside BigInt; Math.imul gives the lower half.
 */
function philox(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
  counter2: number,
  counter3: number,
): void {
  let c0 = counter0 | 0;
  let c1 = counter1 | 0;
  let c2 = counter2 | 0;
  let c3 = counter3 | 0;
  let k0 = key0 | 0;
  let k1 = key1 | 0;
  for (let round = 0; round < 10; round++) {
    // multipliers 0xD2511F53 and 0xCD9E8D57
    const low0 = c0 & 0xffff;
    const high0 = c0 >>> 16;
    const middle0 = (Math.imul(high0, 0x1f53) + (Math.imul(low0, 0x1f53) >>> 16)) | 0;
    const cross0 = (Math.imul(low0, 0xd251) + (middle0 & 0xffff)) | 0;
    const product0 = (Math.imul(high0, 0xd251) + (middle0 >>> 16) + (cross0 >>> 16)) | 0;
    const low2 = c2 & 0xffff;
    const high2 = c2 >>> 16;
    const middle2 = (Math.imul(high2, 0x8d57) + (Math.imul(low2, 0x8d57) >>> 16)) | 0;
    const cross2 = (Math.imul(low2, 0xcd9e) + (middle2 & 0xffff)) | 0;
    const product2 = (Math.imul(high2, 0xcd9e) + (middle2 >>> 16) + (cross2 >>> 16)) | 0;
    const next1 = Math.imul(c2, 0xcd9e8d57);
    const next3 = Math.imul(c0, 0xd2511f53);
    c0 = product2 ^ c1 ^ k0;
    c2 = product0 ^ c3 ^ k1;
    c1 = next1;
    c3 = next3;
    // Weyl increments: the golden ratio and sqrt(3) - 1
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  block[0] = c0;
  block[1] = c1;
  block[2] = c2;
  block[3] = c3;
}

function fillBlock(seed: number, agent: number, tick: number, purposeKey: number, n: number): void {
  // floor keeps negative ticks apart from positive ones
  philox(seed, agent, tick, Math.floor(tick * TWO_TO_MINUS_32), purposeKey, n);
}

/**
 * The four words Philox4x32-10 makes of a key and a counter, each a uint32: the
 * published function itself, for known-answer tests and other implementations.
 */
export function philox4x32(
  key: readonly [number, number],
  counter: readonly [number, number, number, number],
): [number, number, number, number] {
  philox(key[0], key[1], counter[0], counter[1], counter[2], counter[3]);
  return [block[0] as number, block[1] as number, block[2] as number, block[3] as number];
}

/**
 * A uniform 32-bit word. seed, agent, purpose and n are uint32 (taken modulo
 * 2^32), tick is a safe integer. Equal arguments give equal words for ever.
 */
export function draw(seed: number, agent: number, tick: number, purpose: number, n: number): number {
  fillBlock(seed, agent, tick, purpose, n);
  return block[0] as number;
}

/** A uint32 as a number in [0, 1): u / 2^32, exact. */
export function unit(u: number): number {
  return (u >>> 0) * TWO_TO_MINUS_32;
}

/** A uniform number in [0, 1) on a grid of 2^-32. */
export function drawUnit(seed: number, agent: number, tick: number, purpose: number, n: number): number {
  fillBlock(seed, agent, tick, purpose, n);
  return (block[0] as number) * TWO_TO_MINUS_32;
}

/**
 * A uniform integer in [0, bound). bound is an integer in [1, 2^32 - 1],
 * otherwise RangeError. It is the upper word of (64 random bits * bound) / 2^64,
 * so no outcome is off its fair share by more than 2^-64 (Lemire 2019, without
 * the rejection step that would make the cost depend on luck).
 */
export function drawInt(seed: number, agent: number, tick: number, purpose: number, n: number, bound: number): number {
  if (!(bound >= 1 && bound < TWO_TO_32) || Math.floor(bound) !== bound) {
    throw new RangeError(`drawInt needs an integer bound in [1, 4294967295], got ${bound}`);
  }
  fillBlock(seed, agent, tick, purpose, n);
  const high = block[0] as number;
  const carried = (Math.imul(high, bound) >>> 0) + upperProduct(block[1] as number, bound);
  return upperProduct(high, bound) + (carried >= TWO_TO_32 ? 1 : 0);
}

/** floor(a * b / 2^32) for two uint32. */
function upperProduct(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + (Math.imul(aLow, bLow) >>> 16);
  const cross = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + (middle >>> 16) + (cross >>> 16);
}

/**
 * A standard normal number (mean 0, variance 1): the inverse distribution
 * function at (k + 1/2) / 2^52, k the upper 52 of 64 random bits. Tails and
 * kurtosis are those of the normal law out to ±8.2, where the grid ends.
 */
export function drawNormal(seed: number, agent: number, tick: number, purpose: number, n: number): number {
  fillBlock(seed, agent, tick, purpose, n);
  const k = (block[0] as number) * 1048576 + ((block[1] as number) >>> 12);
  return normalQuantile((k + 0.5) * TWO_TO_MINUS_52);
}

/** The 32-bit key of a named purpose ("lidar-noise"). Compute it once, beside the code that draws. */
export function purpose(name: string): number {
  return fnv1a32(name);
}

/** The 32-bit key of an agent's id. */
export function agentKey(id: string): number {
  return fnv1a32(id);
}

/**
 * FNV-1a, 32 bits, over the UTF-8 bytes of the text (Fowler, Noll, Vo; RFC 9923).
 * A lone surrogate counts as U+FFFD, as TextEncoder would write it.
 */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = 0; i < text.length; i++) {
    let code = text.charCodeAt(i);
    if (code < 0x80) {
      hash = fnvByte(hash, code);
      continue;
    }
    if (code < 0x800) {
      hash = fnvByte(fnvByte(hash, 0xc0 | (code >> 6)), 0x80 | (code & 0x3f));
      continue;
    }
    if (code >= 0xd800 && code <= 0xdfff) {
      const next = code < 0xdc00 && i + 1 < text.length ? text.charCodeAt(i + 1) : 0;
      if (next >= 0xdc00 && next <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + (next - 0xdc00);
        i++;
        hash = fnvByte(fnvByte(hash, 0xf0 | (code >> 18)), 0x80 | ((code >> 12) & 0x3f));
        hash = fnvByte(fnvByte(hash, 0x80 | ((code >> 6) & 0x3f)), 0x80 | (code & 0x3f));
        continue;
      }
      code = 0xfffd;
    }
    hash = fnvByte(fnvByte(hash, 0xe0 | (code >> 12)), 0x80 | ((code >> 6) & 0x3f));
    hash = fnvByte(hash, 0x80 | (code & 0x3f));
  }
  return hash >>> 0;
}

function fnvByte(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}
