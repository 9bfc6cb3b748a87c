import { type DescMethod, getOption, hasOption, type Message } from '@bufbuild/protobuf';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { http, type OrderReceipt, Role, SendImportPieceRequestSchema } from '@sigma/proto';
import { issuerOf, PRINCIPAL } from '../identity/principal.ts';
import { wordsOf } from '../roles/chronicle/act-words.ts';
import type { Acts } from '../roles/chronicle/acts.ts';
import { roleOf } from './authorise.ts';
import { ADMITTED, withoutTexts } from './written.ts';

/** What is only a part of an act, which its beginning has put on record. */
const PARTS: ReadonlySet<string> = new Set([SendImportPieceRequestSchema.typeName]);

/** Whether a call of this method changes something: it needs more than a viewer and does not only read. */
export const isAct = (method: DescMethod): boolean => {
  const least = roleOf(method);
  if (least <= Role.VIEWER || least === Role.EDGE || method.methodKind !== 'unary') return false;
  if (PARTS.has(method.input.typeName)) return false;
  return !hasOption(method, http) || getOption(method, http).method !== 'GET';
};

/** Writes down whatever people do: who, what, on whom, and what came of it, refusals included. */
export function witness(acts: Pick<Acts, 'add'>): Interceptor {
  return (next) => async (request) => {
    if (request.stream || !isAct(request.method)) return next(request);
    const written = async (outcome: string, reason: string, denied: boolean): Promise<void> => {
      const principal = request.contextValues.get(PRINCIPAL);
      if (principal.kind !== 'person') return;
      const told = request.contextValues.get(ADMITTED) ?? withoutTexts(request.message, request.method.input);
      const did = { actor: issuerOf(principal), act: request.method.name, ...wordsOf(told) };
      const kept = acts.add({ ...did, outcome, reason }, denied);
      // A stop is answered without waiting for the table.
      if (request.method.name !== 'StopAgents') await kept;
    };
    try {
      const response = await next(request);
      if (!response.stream) {
        const { outcome, reason } = outcomeOf(response.message);
        await written(outcome, reason, false);
      }
      return response;
    } catch (error) {
      const { code, rawMessage } = ConnectError.from(error);
      await written('refused', rawMessage, code === Code.PermissionDenied);
      throw error;
    }
  };
}

/** What the robots said, where they were asked; else it was done. */
function outcomeOf(answer: Message): { readonly outcome: string; readonly reason: string } {
  const { receipt, receipts } = answer as { receipt?: OrderReceipt; receipts?: OrderReceipt[] };
  if (receipt !== undefined) return { outcome: receipt.outcome, reason: receipt.reason };
  if (receipts === undefined || receipts.length === 0) return { outcome: 'accepted', reason: '' };
  const counts = new Map<string, number>();
  for (const { outcome } of receipts) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const reason = receipts.find((one) => one.outcome === 'refused')?.reason ?? '';
  if (counts.size === 1) return { outcome: receipts[0]?.outcome ?? '', reason };
  return { outcome: [...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', '), reason };
}
