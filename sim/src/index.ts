/** The seeded world: hub, edges, network, disks and bodies in one process on a virtual clock. */
export { type Percentiles, percentiles } from './decision-times.ts';
export { FaultPlanError, type PlannedFault, parseFault } from './fault-plan.ts';
export { CrowdedSiteError, type PlannedRobot, planFleet, robotNames } from './fleet-plan.ts';
export { alternativesAt } from './fork/alternatives-at.ts';
export { alternativesIn, type PlacedAlternative, type RejectedIn } from './fork/alternatives-in.ts';
export { compareForks } from './fork/compare-forks.ts';
export { ForkRefusedError, type ForkRequest } from './fork/fork-request.ts';
export { momentOfEvent } from './fork/known-moment.ts';
export { type ForkResult, makeFork } from './fork/make-fork.ts';
export { TenantError, tenantTimeline } from './fork/one-tenant.ts';
export { type OpenTimeline, openWithParents } from './fork/parents.ts';
export { checkPolicyFile, type PolicyFile, PolicyFileError, parsePolicyFile } from './fork/policy-file.ts';
export { type TriedPiece, triedPieces } from './fork/tried-pieces.ts';
export { type WhatIfReport, whatIf } from './fork/what-if.ts';
export { contactsIn, fleetReexecutors, sitesOf, timelineReexecutors } from './recording.ts';
export { runSim, type SimOptions, type SimProgress, type SimResult } from './run-sim.ts';
export { missionAt, missionsWanted } from './workload.ts';
