/** The hub: every role that a site needs besides its edges, and the port that people and edges come to. */
export { type Clock, systemClock } from './clock.ts';
export { PortInUseError } from './door/listener.ts';
export { LinkDesk } from './link/link-desk.ts';
export { LiveFleet } from './live/live-fleet.ts';
export { type Hub, type HubOptions, startHub } from './main.ts';
export { type ForkDesk, ForkRefusal, type TrialWithFlips } from './queries/fork-desk.ts';
export { type Question, type QuestionAnswer, type QuestionDesk, QuestionRefusal } from './queries/question-desk.ts';
export { type BlockReader, blockQueries } from './queries/records.ts';
export { memoryAlerts } from './roles/alerts/alert-store.ts';
export { Alerts } from './roles/alerts/alerts.ts';
export { type Analyzer, type AnalyzerOf, AnalyzerRole } from './roles/analyzer/analyzer.ts';
export { ChainRecord, type HubEvent, type HubRecord } from './roles/arbitration/hub-record.ts';
export { MissionLedger, memoryMissions } from './roles/arbitration/mission-ledger.ts';
export { Core } from './roles/core/core.ts';
export type {
  MissionGoal,
  MissionView,
  NewMission,
  Supervisor,
  SupervisorInput,
  SupervisorOutput,
} from './roles/core/supervisor.ts';
export { Gateway } from './roles/gateway/gateway.ts';
export { LeaseDesk, memoryLeases } from './roles/gateway/leases.ts';
export { isSignedBy, type OrderKey, seededOrderKey } from './roles/gateway/order-key.ts';
export { memoryHighWater, Sequences } from './roles/gateway/sequences.ts';
export { noHistory } from './roles/ingest/history.ts';
export { Ingest } from './roles/ingest/ingest.ts';
export type { UpkeepTask } from './roles/upkeep/upkeep.ts';
export type { Pace } from './site-clock.ts';
export { DataDirError } from './store/data-dir.ts';
export { NewerSchemaError } from './store/database.ts';
export { type EmbeddedPostgres, PostgresStartError, runningEmbedded, startEmbedded } from './store/embedded.ts';
export { openRecordingAt } from './store/recording.ts';
