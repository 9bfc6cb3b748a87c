import { startEdge } from '../src/main.ts';

/**
 * A live edge in a process of its own, to be killed. Its argument is the recording; it prints, one line each, the
 * sequences that it knows to be on disk.
 */
const part = (path: string) => new URL(path, import.meta.url).href;
const [recordingPath = '', logPath = ''] = process.argv.slice(2);
const edge = await startEdge({
  tenant: 'acme',
  edgeId: 'edge-1',
  recordingPath,
  hub: null,
  terrain: { module: part('./cart-terrain.ts'), settings: null },
  driver: {
    module: part('../src/drivers/sim/sim-driver.ts'),
    settings: { module: part('./cart-bodies.ts'), bodies: { logPath } },
  },
  simulated: true,
  software: 'test',
  bodies: [{ id: 'cart-1', role: 'carrier', seed: 7, config: null, body: 'cart' }],
});
setInterval(() => process.stdout.write(`${edge.stats().bodies.get('cart-1')?.durable ?? 0}\n`), 20);
