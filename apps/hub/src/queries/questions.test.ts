import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { ArchiveService, Role } from '@sigma/proto';
import { roleOf } from '../door/authorise.ts';
import { PRINCIPAL } from '../identity/principal.ts';
import { type Question, type QuestionDesk, QuestionRefusal } from './question-desk.ts';
import { questionQueries } from './questions.ts';

const answer = { columns: [{ name: 'n', type: 'BIGINT' }], rows: [[1], ['a\n"b"']], cut: true };
const counts = { objects: 2, objectsLeftOut: 3, hotEvents: 4 };

type Texts = Question['texts'];

const PERSON = { kind: 'person', id: '1', email: 'ann@example.org', holder: 'operator:1', role: Role.VIEWER } as const;

/** Asked by a person who is signed in. */
const clientOf = (desk: QuestionDesk | null, all: Texts = []) =>
  createClient(
    ArchiveService,
    createRouterTransport(({ service }) => service(ArchiveService, questionQueries(desk, { all: async () => all })), {
      router: {
        interceptors: [
          (next) => (request) => {
            request.contextValues.set(PRINCIPAL, PERSON);
            return next(request);
          },
        ],
      },
    }),
  );

const refuses = (asked: Promise<unknown>, code: Code, words: RegExp) =>
  assert.rejects(asked, (error) => {
    assert.ok(error instanceof ConnectError);
    assert.equal(Code[error.code], Code[code], error.message);
    assert.match(error.rawMessage, words);
    return true;
  });

test('whoever may look may ask; the answer is the desk’s, row by row', async () => {
  assert.equal(roleOf(ArchiveService.method.queryEvents), Role.VIEWER);
  const asked: Question[] = [];
  const client = clientOf({
    ask: async (question) => {
      asked.push(question);
      return { ...answer, ...counts };
    },
  });
  const told = await client.queryEvents({ sql: 'SELECT 1', sources: ['r1'], fromTimeUs: 7n });
  assert.deepEqual(asked, [
    { sql: 'SELECT 1', sources: ['r1'], fromTimeUs: 7, toTimeUs: 0, rows: 1_000, timeoutS: 20, texts: [] },
  ]);
  assert.deepEqual(
    told.rows.map((row) => JSON.parse(row) as unknown),
    answer.rows,
  );
  assert.deepEqual([told.cut, told.objects, told.objectsLeftOut, told.hotEvents], [true, 2, 3, 4n]);
  assert.equal(told.columns[0]?.type, 'BIGINT');
});

test('[L8] what is too much is refused unasked, and what the desk refuses keeps its words', async () => {
  const refusing = (kind: QuestionRefusal['kind']) =>
    clientOf({ ask: () => Promise.reject(new QuestionRefusal(kind, `it is ${kind}`)) });
  await refuses(refusing('busy').queryEvents({ sql: 'x' }), Code.ResourceExhausted, /it is busy/);
  await refuses(refusing('invalid').queryEvents({ sql: 'x' }), Code.InvalidArgument, /it is invalid/);
  await refuses(refusing('damaged').queryEvents({ sql: 'x' }), Code.DataLoss, /it is damaged/);
  const never = clientOf({ ask: () => assert.fail('it was asked') });
  await refuses(never.queryEvents({ sql: '  ' }), Code.InvalidArgument, /no SQL/);
  await refuses(never.queryEvents({ sql: 'x', rows: 10_001 }), Code.InvalidArgument, /rows: at most 10000/);
  await refuses(never.queryEvents({ sql: 'x', timeoutS: 61 }), Code.InvalidArgument, /timeout_s: at most 60/);
  await refuses(never.queryEvents({ sql: 'x'.repeat(20_001) }), Code.InvalidArgument, /sql: at most/);
  await refuses(clientOf(null).queryEvents({ sql: 'x' }), Code.FailedPrecondition, /sigma query --over/);
});

test('[R190] a question comes with what people wrote, unless that is too much: then only what names it is refused', async () => {
  const asked: Texts[] = [];
  const desk: QuestionDesk = {
    ask: async ({ texts }) => {
      asked.push(texts);
      return { ...answer, ...counts };
    },
  };
  await clientOf(desk, [['text:1', 'words']]).queryEvents({ sql: 'SELECT text FROM events' });
  const many = clientOf(desk, null);
  await many.queryEvents({ sql: 'SELECT count(*) FROM events' });
  await refuses(many.queryEvents({ sql: 'SELECT "text" FROM events' }), Code.ResourceExhausted, /without the column/);
  assert.deepEqual(asked, [[['text:1', 'words']], null]);
});
