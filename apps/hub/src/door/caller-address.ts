import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';

/** A proxy that stands before a hub usually runs beside it. */
export const OWN_MACHINE: readonly string[] = ['127.0.0.0/8', '::1'];

const kindOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/**
 * Who calls, by the address that a bound for each caller counts by. What a caller writes of himself is worth nothing; what
 * a proxy says that is trusted is: the last address in `X-Forwarded-For` that is no such proxy itself, for behind that one
 * stands what the caller wrote.
 *
 * @param proxies that are trusted: addresses, and networks as RFC 4632 writes them (`10.0.0.0/24`)
 * @throws TypeError naming one that is neither
 */
export function callerAddress(
  proxies: readonly string[],
): (peer: string | undefined, headers: IncomingHttpHeaders) => string {
  const trusted = new BlockList();
  for (const network of proxies) {
    const [address = '', length] = network.split('/');
    if (length === undefined) trusted.addAddress(address, kindOf(address));
    else trusted.addSubnet(address, Number(length), kindOf(address));
  }
  return (peer = '127.0.0.1', headers) => {
    const told = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
    let caller = peer;
    for (let hop = told.pop()?.trim(); hop !== undefined && isIP(hop) !== 0; hop = told.pop()?.trim()) {
      if (!trusted.check(caller, kindOf(caller))) break;
      caller = hop;
    }
    return caller;
  };
}
