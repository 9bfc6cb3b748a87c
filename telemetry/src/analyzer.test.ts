import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawNormal, purpose } from '@sigma/kernel';
import fc from 'fast-check';
import { type AnalyzerState, type CrossCheck, createAnalyzer, type FieldSchema, type Finding } from './analyzer.ts';
import { RollingMedian } from './rolling-median.ts';

const NOISE = purpose('telemetry.test');
const noise = (i: number): number => drawNormal(3, 1, i, NOISE, 0);

/** Feeds one field at 10 Hz and collects what is found. */
class Feed {
  readonly findings: Finding[] = [];
  #state: AnalyzerState;
  #analyzer;
  atUs = 0;

  constructor(field: Partial<FieldSchema> = {}, checks: readonly CrossCheck[] = []) {
    const channel = (name: string) => ({ channel: name, fields: [{ name: 'temp', unit: '°C', ...field }] });
    this.#analyzer = createAnalyzer([channel('state'), channel('spare')], checks);
    this.#state = this.#analyzer.initial();
  }

  send(value: number, channel = 'state'): this {
    this.atUs += 100_000;
    const { state, findings } = this.#analyzer.analyze(this.#state, {
      agentId: 'r01',
      channel,
      timeUs: this.atUs,
      values: [value],
    });
    this.#state = state;
    this.findings.push(...findings);
    return this;
  }

  kinds(): string[] {
    return this.findings.map(({ kind, level }) => `${kind} ${level}`);
  }
}

test('[T1] inside its band a value says nothing; outside it is a warning, far outside critical; once a second', () => {
  const feed = new Feed({ low: 10, high: 90 });
  feed.send(10).send(90);
  assert.deepEqual(feed.kinds(), []);
  feed.send(90.1);
  assert.deepEqual(feed.kinds(), ['band 3']);
  assert.match(feed.findings[0]?.text ?? '', /temp is 90.1 °C, above 90 °C/);
  for (let i = 0; i < 9; i++) feed.send(91);
  assert.equal(feed.findings.length, 1, 'said again before a second was over');
  feed.send(120);
  assert.deepEqual(feed.kinds(), ['band 3', 'band 4']);
  const low = new Feed({ low: 10, high: 90 }).send(9.9);
  assert.match(low.findings[0]?.text ?? '', /below 10 °C/);
});

test('[T2] a learned band: noise is usual, a spike is noise, a shift is unusual until it is the new usual', () => {
  const feed = new Feed({ learn: true });
  for (let i = 0; i < 1000; i++) feed.send(20 + noise(i));
  feed.send(60);
  assert.deepEqual(feed.kinds(), [], 'noise and one spike');
  for (let i = 0; i < 30; i++) feed.send(60 + noise(i));
  assert.ok(feed.findings.length >= 2 && feed.findings.every(({ level }) => level === 2));
  assert.match(feed.findings[0]?.text ?? '', /usual is/);
  for (let i = 0; i < 600; i++) feed.send(60 + noise(i));
  const before = feed.findings.length;
  for (let i = 0; i < 200; i++) feed.send(60 + noise(i));
  assert.equal(feed.findings.length, before, 'the shift is usual by now');
});

test('[T2] a constant that moves a little is not unusual: without spread there is no scale to judge by', () => {
  const feed = new Feed({ learn: true });
  for (let i = 0; i < 300; i++) feed.send(5);
  for (let i = 0; i < 20; i++) feed.send(5.001);
  assert.deepEqual(feed.kinds(), []);
});

test('[T2] a field that moves freely has no learned band unless its schema asks for one', () => {
  const feed = new Feed();
  for (let i = 0; i < 300; i++) feed.send(20 + noise(i));
  for (let i = 0; i < 20; i++) feed.send(60);
  assert.deepEqual(feed.kinds(), []);
});

test('[T3] a change faster than the field can change', () => {
  const feed = new Feed({ maxRate: 5 });
  feed.send(20).send(20.5);
  assert.deepEqual(feed.kinds(), []);
  feed.send(21.1);
  assert.deepEqual(feed.kinds(), ['rate 3']);
});

test('[T4] a sensor that repeats itself exactly for too long is frozen; one that moves thaws', () => {
  const feed = new Feed({ frozenAfterUs: 2_000_000 });
  for (let i = 0; i < 21; i++) feed.send(20);
  assert.deepEqual(feed.kinds(), []);
  feed.send(20);
  assert.deepEqual(feed.kinds(), ['frozen 3']);
  for (let i = 0; i < 20; i++) feed.send(20.1);
  assert.deepEqual(feed.kinds(), ['frozen 3']);
});

test('[T5] two fields that must agree: a short difference passes, a lasting one is found', () => {
  const side = (channel: string) => ({ channel, field: 'temp' });
  const check: CrossCheck = {
    id: 'x',
    a: side('state'),
    b: side('spare'),
    tolerance: 1,
    holdUs: 500_000,
    text: 'sensors disagree',
    advice: 'swap one',
  };
  const feed = new Feed({}, [check]);
  feed.send(20).send(21, 'spare').send(25).send(20).send(20.5, 'spare');
  assert.deepEqual(feed.kinds(), []);
  for (let i = 0; i < 8; i++) feed.send(25);
  assert.deepEqual(feed.kinds(), ['cross 3']);
  assert.match(feed.findings[0]?.text ?? '', /sensors disagree: 25 against 20.5/);
});

test('[T6] no reading, an unknown channel and a short row are passed over', () => {
  const feed = new Feed({ low: 0, high: 1 });
  feed.send(Number.NaN).send(Number.POSITIVE_INFINITY).send(5, 'elsewhere');
  assert.deepEqual(feed.kinds(), []);
});

test('[T7] the rolling median and deviation are those of the sorted window', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 3, max: 12 }),
      (values, capacity) => {
        const rolling = new RollingMedian(capacity);
        for (const value of values) rolling.add(value);
        const window = values.slice(-capacity).sort((a, b) => a - b);
        const median = window[window.length >>> 1] as number;
        const away = window.map((value) => Math.abs(value - median)).sort((a, b) => a - b);
        assert.equal(rolling.count, window.length);
        assert.equal(rolling.median(), median);
        assert.equal(rolling.deviation(), away[window.length >>> 1]);
      },
    ),
    { numRuns: 400, seed: 5 },
  );
  assert.throws(() => new RollingMedian(2), /no median/);
  assert.ok(Number.isNaN(new RollingMedian(3).median()));
});
