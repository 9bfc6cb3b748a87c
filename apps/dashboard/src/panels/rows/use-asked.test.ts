import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { notAnswered } from './use-asked.ts';

test('what is not there is not asked for again, what is forbidden says whom to ask, the rest may come yet', () => {
  const kindOf = (code: Code) => notAnswered(new ConnectError('because', code)).kind;
  assert.deepEqual([Code.NotFound, Code.PermissionDenied, Code.Unavailable, Code.Internal].map(kindOf), [
    'missing',
    'forbidden',
    'failed',
    'failed',
  ]);
  assert.equal(notAnswered(new Error('no such wire')).kind, 'failed');
});
