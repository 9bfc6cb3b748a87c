/** A question in SQL, as it may be asked here. */
export interface Question {
  readonly sql: string;
  /** Empty: all. */
  readonly sources: readonly string[];
  /** Microseconds since 1970, inclusive and exclusive; 0: without bound. */
  readonly fromTimeUs: number;
  readonly toTimeUs: number;
  readonly rows: number;
  readonly timeoutS: number;
  /** What references (recorder/SPEC.md R190) stand for, which whoever asks may read; null: too much to be handed over. */
  readonly texts: readonly (readonly [reference: string, text: string])[] | null;
}

export interface QuestionAnswer {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** As JSON has them. */
  readonly rows: readonly (readonly unknown[])[];
  readonly cut: boolean;
  readonly objects: number;
  readonly objectsLeftOut: number;
  readonly hotEvents: number;
}

/**
 * Whoever answers SQL over what this hub shows and what of it was archived. SQL is hostile input and an answer may take
 * long: the desk answers apart from the hub, of this hub's tenant alone, within bounds.
 */
export interface QuestionDesk {
  /** @throws QuestionRefusal, and what the signal was aborted with */
  ask(question: Question, signal: AbortSignal): Promise<QuestionAnswer>;
}

/** `invalid`: it is no question. `busy`: others are asked. `bound`: it went past one. `damaged`: what it needs cannot be read. */
export class QuestionRefusal extends Error {
  readonly kind: 'invalid' | 'busy' | 'bound' | 'damaged';

  constructor(kind: QuestionRefusal['kind'], words: string) {
    super(words);
    this.name = 'QuestionRefusal';
    this.kind = kind;
  }
}
