import { createHash } from 'node:crypto';
import type { FlowId } from './flows.ts';
import { FLOWS } from './flows.ts';

/**
 * Traces that need no carrier: a trace's id is a hash of the name of what began it, so whoever holds a frame, an order or
 * a mission knows the trace without being told, on the robot, in the hub and in a recording alike. Nothing random enters
 * (L12). W3C Trace Context, version 00.
 */
export type TraceId = string & { readonly trace: unique symbol };

const idOf = (...name: readonly (string | number)[]): TraceId =>
  createHash('sha256').update(JSON.stringify(name)).digest('hex').slice(0, 32) as TraceId;

/** Began with an agent's input: the frame that called for a decision, and everything that followed from it. */
export const inputTrace = (tenant: string, agentId: string, epoch: number, inputSequence: number): TraceId =>
  idOf('input', tenant, agentId, epoch, inputSequence);

/** Began with a person's wish for a mission. */
export const missionTrace = (tenant: string, missionId: string): TraceId => idOf('mission', tenant, missionId);

/** Began with an order of a person. */
export const orderTrace = (tenant: string, agentId: string, issuer: string, sequence: number): TraceId =>
  idOf('order', tenant, agentId, issuer, sequence);

/** Began with an alert. */
export const alertTrace = (tenant: string, alertId: string): TraceId => idOf('alert', tenant, alertId);

/** The W3C `traceparent` of one flow's span in a trace; the span's id follows from its name. */
export function traceparent(trace: TraceId, flow: FlowId): string {
  const span = createHash('sha256').update(`${trace} ${FLOWS[flow].span}`).digest('hex').slice(0, 16);
  return `00-${trace}-${span}-01`;
}
