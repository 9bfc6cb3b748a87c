import assert from 'node:assert/strict';
import { test } from 'node:test';
import { drawnSite, HALL } from '../testing/stage.ts';
import { RecordedModels } from './recording.ts';
import { BrokenSiteRecordError, siteToJson } from './site/site-record.ts';

const SITE = drawnSite(HALL);
const WHOLE = JSON.parse(JSON.stringify({ site: siteToJson(SITE) }));
const robot = (policyText = '', policyHash = '') => ({
  config: { site: { digest: SITE.digest } },
  policyText,
  policyHash,
});

test('[F93] one opening holds the site, the others name it: all get its model, built once for each policy', () => {
  const models = new RecordedModels();
  assert.equal(models.modelOf(robot()), `the recording holds no site with digest ${SITE.digest}`);
  models.learn(WHOLE);
  const model = models.modelOf(robot());
  assert.ok(typeof model !== 'string' && model.name === 'fleet');
  assert.equal(models.modelOf(robot()), model);
  const other = models.modelOf(robot(JSON.stringify({ version: 'x', rules: [] }), 'h'));
  assert.ok(typeof other !== 'string' && other !== model && other.policy.rules.length === 0);
});

test('[F93] a site that is shown is as good as one that is recorded; configurations without one teach nothing', () => {
  const models = new RecordedModels();
  for (const config of [null, 3, 'site', [], {}, { site: null }, { site: { digest: 'd' } }]) models.learn(config);
  assert.equal(models.sites.size, 0);
  models.know(SITE);
  assert.notEqual(typeof models.modelOf(robot()), 'string');
});

test('[F93] a site record that was altered is refused', () => {
  const altered = { site: { ...WHOLE.site, metresPerCell: 2 } };
  assert.throws(() => new RecordedModels().learn(altered), BrokenSiteRecordError);
});
