/** The browser-safe half of the recorder: format, journal, chain. Stores stand beside it. */
export { AgentJournal, type JournalModel, type JournalOptions } from './agent-journal.ts';
export {
  BLOCK_FORMAT,
  type BlockContent,
  decodeBlock,
  decodeEnvelope,
  encodeBlock,
  encodeEnvelope,
  NewerFormatError,
  NO_BLOCK,
} from './block.ts';
export { ChainWriter, type SealedBlock, type SnapshotMark } from './chain-writer.ts';
export { CommitGate, type CommitGateOptions, type Passage } from './commit-gate.ts';
export {
  type ChainHead,
  type ChainId,
  chainName,
  EVENT_TYPE,
  type EventDraft,
  hexOfBytes,
  type RecordedEvent,
  type Sha256,
  sameBytes,
} from './event.ts';
export {
  type Alternative,
  alternativeOf,
  alternativesOf,
  UnknownAlternativeError,
} from './fork/alternatives.ts';
export {
  BrokenChangeError,
  type Change,
  changedModel,
  checkParameters,
  NO_CHANGE,
  PARAMETERS,
  type PlacedOrder,
} from './fork/change.ts';
export {
  type Comparison,
  compareTimelines,
  type Outcome,
  type SourceComparison,
  type UncomparedStretch,
} from './fork/compare.ts';
export {
  FactStretch,
  FactsDisagreeError,
  type FactsTerrain,
  type KeptStretch,
  type StretchFacts,
} from './fork/facts.ts';
export { FactsJournal, type LifeJournal } from './fork/facts-journal.ts';
export { gatherFacts } from './fork/gather-facts.ts';
export type { Lineage } from './fork/lineage.ts';
export { type Followed, followedEvents, type LostLife } from './fork/lost-life.ts';
export type { Gauges } from './fork/measure.ts';
export { forkedRuns, type Lived, type Run, runAt, runsBetween, runsOf, runTimeline, zeroOf } from './fork/runs.ts';
export {
  type Life,
  LifeReader,
  LineageError,
  type LivedWake,
  LostLifeError,
  openTimeline,
  type Piece,
  pieceAt,
  type Timeline,
  type TimelineOptions,
  timelineEnd,
} from './fork/timeline.ts';
export { type ChainTrial, type TrialOptions, tryPolicy } from './fork/try-policy.ts';
export { type LineageReport, verifyLineage } from './fork/verify-lineage.ts';
export type { ForeseenRule } from './fork/weigh.ts';
export type { DecisionSide, Flip, Trial, TrialGap } from './fork/what-if.ts';
export {
  agentEvents,
  decodeKernelEvent,
  decodeMessage,
  decodeSignal,
  isRunnerSignal,
  signalEvent,
} from './payload/agent-events.ts';
export { decodeDecision, encodeDecision } from './payload/decision.ts';
export { decodeOpening, type Opening, openingEvent } from './payload/opening.ts';
export { readablePayload } from './payload/readable.ts';
export { decodeSnapshot, type Snapshot, snapshotEvent } from './payload/snapshot.ts';
export {
  decodeSegment,
  END_OF_TIME_US,
  encodeSegment,
  type Segment,
  type Wake,
} from './payload/stimulus-segment.ts';
export { upgradeBetween } from './payload/upgrade.ts';
export { eventsOf, type Materialised, NoSuchEventError, openingOf, Playback } from './playback.ts';
export {
  type Checkpoint,
  chainOfOrigin,
  cosign,
  type LogId,
  logKey,
  openCheckpoint,
  originOf,
  parseCheckpoint,
  type SignedCheckpoint,
  signCheckpoint,
  type Trust,
} from './proof/checkpoint.ts';
export {
  type ChainTree,
  checkProof,
  type EventProof,
  openTree,
  type ProofAnchor,
  type ProvedEvent,
  proveEvent,
  signHead,
} from './proof/event-proof.ts';
export { exportTlog, type TlogExport, type TlogSignature, type WriteFile } from './proof/export-tlog.ts';
export { type CheckpointShelf, HeadBook, type HeadBookOptions, type OwnHead } from './proof/head-book.ts';
export { type HeadAnswer, HeadOffers, type HeadOffersOptions } from './proof/head-offers.ts';
export {
  answeredFrame,
  answerOf,
  edgeWitnessName,
  hubWitnessName,
  offeredFrame,
  offerOf,
} from './proof/head-wire.ts';
export { logOf } from './proof/log-of.ts';
export { leafHash, leafHasher, TreeFrontier } from './proof/merkle.ts';
export {
  consistencyProof,
  firstDifference,
  inclusionProof,
  type NodeAt,
  type TreeHead,
  verifyConsistency,
  verifyInclusion,
} from './proof/merkle-proof.ts';
export {
  type Ed25519Verify,
  formatNoteKey,
  NoteError,
  type NoteKey,
  parseNoteKey,
  type SignedBy,
  type SigningKey,
} from './proof/note.ts';
export { decodeProofFile, encodeProofFile, ProofFileError } from './proof/proof-file.ts';
export {
  fillShelf,
  memoryShelf,
  type Tile,
  type TileShelf,
  TilesDifferError,
  TileWriter,
  tileNodes,
} from './proof/tiles.ts';
export {
  answerOffer,
  type HeadOffer,
  isBoundedOffer,
  type Refusal,
  type RefusalKind,
  type Testimony,
  type Witness,
  type WitnessState,
  witness,
} from './proof/witness.ts';
export {
  agentReexecutor,
  CannotReexecuteError,
  type Execution,
  type Reexecutor,
  type Reexecutors,
} from './reexecutor.ts';
export { type Moment, momentUs, replayAt } from './replay.ts';
export { byChain, siteHead } from './site-head.ts';
export {
  type BlockRun,
  type BlockStore,
  type CommittedBlock,
  ForeignBlockError,
  NO_VERSION,
  type Recording,
  type RunRecording,
  runOf,
  type SnapshotPlace,
  StoreBusyError,
  StoreClosedError,
  StoreCorruptError,
  type StoredBlock,
  StoreError,
  StoreFailedError,
  StoreFullError,
  StoreNewerError,
  StoreReadOnlyError,
  type StoreVersion,
  type VersionedRecording,
} from './store.ts';
export { type AheadEvent, aheadEvents } from './sync/ahead-events.ts';
export {
  type CommandOutcome,
  type ConditionalCommand,
  judgeCommand,
  laterWrite,
  mergeTexts,
  type Register,
  type TextConflict,
  type TextMerge,
} from './sync/conflicts.ts';
export { accountsFor, coarse, decodeStub, type Gap, gapEvent, isStub, type Stub, sealStub } from './sync/gap.ts';
export { compareHybrid, HybridClock, type HybridTime } from './sync/hybrid-clock.ts';
export { ChainMoments, type HybridMark, type HybridMarks, markOf, memoryMarks } from './sync/hybrid-marks.ts';
export { type NotableEvent, notableEvents } from './sync/notable.ts';
export { type DropClass, dropClass, outgoingBlock } from './sync/outgoing.ts';
export { PackReader, packHead } from './sync/pack-frames.ts';
export { giveBack, type PackedBlocks } from './sync/packed-blocks.ts';
export { type AheadMemory, AheadSource, type LookedChain } from './sync/sending/ahead-source.ts';
export { type DepartureMemory, Departures } from './sync/sending/departures.ts';
export { chooseDrops, type Drop, type DropStretch, dropOf, type SpooledBlock } from './sync/sending/spool.ts';
export type { SyncStanding } from './sync/sending/sync-sender.ts';
export { type SyncMemory, type SyncNote, SyncSource } from './sync/sending/sync-source.ts';
export {
  batchAnsweredFrame,
  batchAnswerOf,
  encodeSent,
  heldFrame,
  heldOf,
  passedOn,
  sentFrame,
  sentOf,
  shownFrame,
  shownOf,
} from './sync/sync-wire.ts';
export type {
  BatchAnswer,
  BlockBatch,
  ChainEnd,
  HeldChain,
  LinkedChain,
  OutOfBandPack,
  ShownChain,
  SyncRefusal,
} from './sync/sync-words.ts';
export { batchBytes, linkedKey } from './sync/sync-words.ts';
export { BatchIntake, type BatchOutcome, type BatchTaker } from './sync/taking/batch-intake.ts';
export { type BlockColumns, blocksOf, columnsOf } from './sync/taking/sealed-pack.ts';
export {
  type RefusedBlocks,
  type SinkFinding,
  type SinkWord,
  type SourceWord,
  SyncSink,
} from './sync/taking/sync-sink.ts';
export {
  type AheadAnswer,
  aheadAnsweredFrame,
  aheadAnswerOf,
  aheadFrame,
  aheadOf,
  type EventsAhead,
  takeAhead,
} from './sync/taking/take-ahead.ts';
export type { ChainReport, Failure, FailureKind, Stretch, StretchResult, VerifyReport } from './verify/report.ts';
export { joinReports, type VerifyOptions, type VerifyProgress, verify } from './verify/verify.ts';
export { MalformedBytesError, WireReader } from './wire/wire-reader.ts';
export { WireWriter } from './wire/wire-writer.ts';
