import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callerAddress, OWN_MACHINE } from './caller-address.ts';

const told = (forwarded: string) => ({ 'x-forwarded-for': forwarded });

test('who calls is who holds the socket, whatever he writes of himself', () => {
  const caller = callerAddress([]);
  assert.equal(caller('198.51.100.7', told('10.0.0.1')), '198.51.100.7');
  assert.equal(caller('127.0.0.1', told('10.0.0.1')), '127.0.0.1', 'no proxy was named');
  assert.equal(callerAddress(OWN_MACHINE)('198.51.100.7', told('10.0.0.1')), '198.51.100.7', 'past the proxy');
});

test('a proxy that is trusted says who calls, and nothing that the caller wrote stands before that', () => {
  const caller = callerAddress(OWN_MACHINE);
  assert.equal(caller('127.0.0.1', told('198.51.100.7')), '198.51.100.7');
  assert.equal(caller('::ffff:127.0.0.1', told('198.51.100.7')), '198.51.100.7', 'IPv4 on a socket of IPv6');
  assert.equal(caller('::1', told('2001:db8::7')), '2001:db8::7');
  assert.equal(caller('127.0.0.1', told('10.9.9.9, 198.51.100.7')), '198.51.100.7', 'the first he wrote himself');
  assert.equal(caller('127.0.0.1', {}), '127.0.0.1', 'a program beside the hub');
});

test('of several proxies each is named, and the one before the last of them is the caller', () => {
  const caller = callerAddress(['10.0.0.5', 'fd00::/8']);
  assert.equal(caller('10.0.0.5', told('1.2.3.4, 198.51.100.7, fd00::12')), '198.51.100.7');
  assert.equal(caller('10.0.0.6', told('198.51.100.7')), '10.0.0.6');
  assert.equal(caller('10.0.0.5', told('fd00::12')), 'fd00::12', 'a proxy that asks for itself');
});

test('what is no address counts for nothing', () => {
  const caller = callerAddress(OWN_MACHINE);
  for (const forwarded of ['', 'unknown', '198.51.100.7:443', '_hidden, ', ','.repeat(5_000)])
    assert.equal(caller('127.0.0.1', told(forwarded)), '127.0.0.1', forwarded);
  assert.equal(caller('127.0.0.1', told('198.51.100.7, unknown')), '127.0.0.1');
});

test('what is no proxy’s address is refused', () => {
  for (const bad of ['proxy', '10.0.0', '10.0.0.0/33', 'fd00::/129']) assert.throws(() => callerAddress([bad]), bad);
});
