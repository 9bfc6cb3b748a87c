import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DescService } from '@bufbuild/protobuf';
import * as proto from '@sigma/proto';
import { roleOf } from '../door/authorise.ts';
import { restRoutes } from '../door/rest.ts';
import { judge, type Principal, roleNamed } from './principal.ts';

const services = Object.values(proto as Readonly<Record<string, unknown>>).filter(
  (value): value is DescService => (value as { readonly kind?: unknown } | null)?.kind === 'service',
);
const person = (role: string): Principal => ({
  ...{ kind: 'person', id: '1', email: 'a@b', holder: 'operator:1' },
  role: roleNamed(role),
});
const everyone: Principal[] = [
  { kind: 'nobody' },
  { kind: 'edge' },
  ...['viewer', 'operator', 'engineer', 'administrator', 'made-up'].map(person),
];

test('every method of every contract names its role, and nobody gets in without it', () => {
  assert.ok(services.length >= 8);
  for (const service of services) {
    for (const method of service.methods) {
      const least = roleOf(method);
      const name = `${service.name}.${method.name}`;
      assert.notEqual(least, proto.Role.UNSPECIFIED, name);
      const admitted = everyone.filter((principal) => judge(principal, least) === 'allowed');
      for (const principal of admitted) {
        if (least === proto.Role.EDGE) assert.equal(principal.kind, 'edge', name);
        else
          assert.ok(
            principal.kind === 'person' && principal.role >= least && principal.role !== proto.Role.UNSPECIFIED,
            name,
          );
      }
      assert.ok(admitted.length > 0, name);
      assert.equal(judge({ kind: 'nobody' }, least), 'sign_in', name);
    }
  }
});

test('a method without a role is closed to everybody, the administrator included', () => {
  for (const principal of everyone) assert.equal(judge(principal, proto.Role.UNSPECIFIED), 'no_rule');
});

/** Asked by POST for the length of what is asked, and changes nothing. */
const READS = new Set(['PreviewMission', 'QueryEvents']);

test('changing methods are above a viewer', () => {
  for (const route of restRoutes(services)) {
    if (route.fromQuery && route.verb === 'GET') continue;
    if (READS.has(route.method.name)) continue;
    assert.notEqual(judge(person('viewer'), roleOf(route.method)), 'allowed', route.path);
  }
});
