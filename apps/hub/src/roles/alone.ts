/**
 * The roles of the hub without its doors, its accounts and its database server: for whoever gives them another clock and
 * other stores, as the simulated world does. Whoever needs no more waits for no more to be loaded.
 */
export type { Clock } from '../clock.ts';
export { LinkDesk } from '../link/link-desk.ts';
export { memoryAlerts } from './alerts/alert-store.ts';
export { Alerts } from './alerts/alerts.ts';
export { AnalyzerRole } from './analyzer/analyzer.ts';
export { ChainRecord } from './arbitration/hub-record.ts';
export { MissionLedger, memoryMissions } from './arbitration/mission-ledger.ts';
export { Core } from './core/core.ts';
export type { MissionView } from './core/supervisor.ts';
export { Gateway } from './gateway/gateway.ts';
export { type OrderKey, seededOrderKey } from './gateway/order-key.ts';
export { memoryHighWater, Sequences } from './gateway/sequences.ts';
export { noHistory } from './ingest/history.ts';
export { Ingest } from './ingest/ingest.ts';
