// A whole hub in a process of its own, for tests that kill it: `node hub-process.ts DATA_DIR`. Its fleet works a yard of
// 12 by 8 m. Says once, as JSON, where it is reached.

import '../src/store/quick-drizzle.ts';
import { deriveSite, fleetSupervisor, parseMovingAiMap, siteToJson } from '@sigma/fleet-model';
import type { Supervisor } from '../src/index.ts';

const MAP = ['type octile', 'height 8', 'width 12', 'map', ...Array.from({ length: 8 }, () => '.'.repeat(12)), ''];
const { startHub } = await import('../src/index.ts');
const site = deriveSite(parseMovingAiMap(MAP.join('\n'), 'yard.map'));
const hub = await startHub({
  tenant: 'acme',
  dataDir: process.argv[2] as string,
  port: 0,
  site: { json: JSON.stringify(siteToJson(site)), digest: site.digest },
  supervisor: fleetSupervisor(site) as unknown as Supervisor,
  faults: ['overheating'],
});
const { url, joinToken, operator } = hub;
process.stdout.write(`${JSON.stringify({ url, joinToken, password: operator.password })}\n`);
