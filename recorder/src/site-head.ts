import { type ChainHead, hexOfBytes, type Sha256 } from './event.ts';

/**
 * One hash for a whole recording, the `head` that commands print: SHA-256 over, for each chain in order of tenant,
 * source and epoch, the text `tenant NUL source NUL epoch NUL sequence NUL` in UTF-8 and the 32 bytes of its hash
 * (SPEC R13). Two recordings with one site head hold the same events.
 *
 * @returns 64 lower-case hex digits
 */
export function siteHead(heads: readonly ChainHead[], sha256: Sha256): string {
  const parts: Uint8Array[] = [];
  const utf8 = new TextEncoder();
  for (const { tenant, source, epoch, sequence, hash } of [...heads].sort(byChain)) {
    parts.push(utf8.encode(`${tenant}\0${source}\0${epoch}\0${sequence}\0`), hash);
  }
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return hexOfBytes(sha256(all));
}

/** By code units of tenant, then source, then epoch as a number. */
export function byChain(a: Pick<ChainHead, 'tenant' | 'source' | 'epoch'>, b: typeof a): number {
  if (a.tenant !== b.tenant) return a.tenant < b.tenant ? -1 : 1;
  if (a.source !== b.source) return a.source < b.source ? -1 : 1;
  return a.epoch - b.epoch;
}
