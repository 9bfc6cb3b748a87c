/**
 * The second engine: runs our own source inside QuickJS (WebAssembly build from
 * npm `quickjs-emscripten`) so that a test can compare its answers, bit for bit,
 * with those of Node.
 *
 * The world inside is poorer and stricter than ours on purpose. Every Math
 * function that engines may round differently throws, as do the clock and
 * Math.random, and `**` is compiled to Math.pow so that it throws too: code that
 * leans on any of them fails here instead of drifting one day.
 */

import { build } from 'esbuild';
import { getQuickJS } from 'quickjs-emscripten';

/** Math functions whose result ECMAScript leaves to the implementation, and chance. */
export const POISONED_MATH = [
  'acos',
  'acosh',
  'asin',
  'asinh',
  'atan',
  'atan2',
  'atanh',
  'cbrt',
  'cos',
  'cosh',
  'exp',
  'expm1',
  'hypot',
  'log',
  'log10',
  'log1p',
  'log2',
  'pow',
  'random',
  'sin',
  'sinh',
  'tan',
  'tanh',
] as const;

export interface QuickJSRun {
  /** Absolute path of the TypeScript module to bundle. It must not reach for `node:` modules. */
  readonly entry: string;
  /**
   * A synchronous expression. `subject` is the namespace of the entry module,
   * `input` the value below: `subject.mathDigest()`.
   */
  readonly call: string;
  /** Passed in as JSON; undefined when left out. */
  readonly input?: unknown;
  /**
   * How often the engine may ask whether to go on (it does every 10,000 or so
   * branches) before the run is broken off with an error. A count, not a time:
   * the same run always ends alike.
   */
  readonly interruptLimit?: number;
  /** Heap limit in bytes. */
  readonly memoryLimitBytes?: number;
}

const bundles = new Map<string, Promise<string>>();

/**
 * Bundles `entry`, evaluates it in a fresh QuickJS and returns what
 * JSON.stringify makes of `call` there. Bundles are kept per entry for the life
 * of the process. Throws an Error with QuickJS's message and stack when the
 * module or the call throws (a poisoned function included), when the limits are
 * reached, and when the result has no JSON form.
 */
export async function runInQuickJS(run: QuickJSRun): Promise<string> {
  const code = await bundleOf(run.entry);
  const quickjs = await getQuickJS();
  const runtime = quickjs.newRuntime();
  let interruptsLeft = run.interruptLimit ?? 10_000_000;
  runtime.setInterruptHandler(() => interruptsLeft-- <= 0);
  runtime.setMemoryLimit(run.memoryLimitBytes ?? 512 * 1024 * 1024);
  runtime.setMaxStackSize(512 * 1024);
  const context = runtime.newContext();
  const evaluate = (source: string, name: string): string | undefined => {
    const result = context.evalCode(source, name);
    if (result.error) {
      const thrown: unknown = context.dump(result.error);
      result.error.dispose();
      throw new Error(`QuickJS, ${name}: ${described(thrown)}`);
    }
    const value: unknown = context.dump(result.value);
    result.value.dispose();
    return typeof value === 'string' ? value : undefined;
  };
  try {
    evaluate(WORLD, 'world.js');
    evaluate(code, 'bundle.js');
    const input = run.input === undefined ? 'undefined' : `JSON.parse(${JSON.stringify(JSON.stringify(run.input))})`;
    const json = evaluate(`globalThis.input = ${input}; JSON.stringify((${run.call}));`, 'call.js');
    if (json === undefined) throw new Error(`QuickJS: "${run.call}" gave a value that has no JSON form`);
    return json;
  } finally {
    context.dispose();
    runtime.dispose();
  }
}

/** The module and all it imports as one script that sets `subject`. */
export function bundleOf(entry: string): Promise<string> {
  const known = bundles.get(entry);
  if (known) return known;
  const made = build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'subject',
    platform: 'neutral',
    target: 'es2022',
    supported: { 'exponent-operator': false },
    mainFields: ['module', 'main'],
    conditions: ['import'],
    logLevel: 'silent',
  }).then((output) => {
    const file = output.outputFiles[0];
    if (file === undefined) throw new Error(`esbuild made nothing of ${entry}`);
    return file.text;
  });
  bundles.set(entry, made);
  return made;
}

function described(thrown: unknown): string {
  if (typeof thrown !== 'object' || thrown === null) return String(thrown);
  const { name, message, stack } = thrown as { name?: string; message?: string; stack?: string };
  return `${name ?? 'Error'}: ${message ?? JSON.stringify(thrown)}\n${stack ?? ''}`;
}

/**
 * What the engine's globals become before the bundle loads: the poison, and the
 * two text codecs that QuickJS lacks (UTF-8 only, malformed input becomes
 * U+FFFD), because protobuf and recorder code expects them of any host.
 */
const WORLD = `'use strict';
for (const name of ${JSON.stringify(POISONED_MATH)}) {
  Math[name] = () => { throw new Error('Math.' + name + ' is not the same in every engine'); };
}
const noClock = () => { throw new Error('the clock was read'); };
Date.now = noClock;
globalThis.Date = new Proxy(Date, {
  apply: noClock,
  construct: (target, given) => given.length === 0 ? noClock() : new target(...given),
});
globalThis.TextEncoder ??= class TextEncoder {
  get encoding() { return 'utf-8'; }
  encode(text = '') {
    const out = [];
    for (const point of String(text)) {
      let code = point.codePointAt(0);
      if (code >= 0xd800 && code <= 0xdfff) code = 0xfffd;
      if (code < 0x80) out.push(code);
      else if (code < 0x800) out.push(0xc0 | code >> 6, 0x80 | code & 63);
      else if (code < 0x10000) out.push(0xe0 | code >> 12, 0x80 | code >> 6 & 63, 0x80 | code & 63);
      else out.push(0xf0 | code >> 18, 0x80 | code >> 12 & 63, 0x80 | code >> 6 & 63, 0x80 | code & 63);
    }
    return new Uint8Array(out);
  }
};
globalThis.TextDecoder ??= class TextDecoder {
  #fatal;
  constructor(label = 'utf-8', options = {}) {
    if (!/^utf-?8$/i.test(label)) throw new RangeError('only utf-8 is known here, not ' + label);
    this.#fatal = options.fatal === true;
  }
  get encoding() { return 'utf-8'; }
  decode(input = new Uint8Array()) {
    const bytes = input instanceof ArrayBuffer ? new Uint8Array(input)
      : new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
    let text = '';
    let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    while (at < bytes.length) {
      const lead = bytes[at++];
      if (lead < 0x80) { text += String.fromCharCode(lead); continue; }
      // how many continuation bytes, and the range of the first (it excludes overlong forms, surrogates, > U+10FFFF)
      let more = 0, low = 0x80, high = 0xbf, code = 0;
      if (lead >= 0xc2 && lead <= 0xdf) { more = 1; code = lead & 31; }
      else if (lead >= 0xe0 && lead <= 0xef) {
        more = 2; code = lead & 15;
        if (lead === 0xe0) low = 0xa0;
        if (lead === 0xed) high = 0x9f;
      } else if (lead >= 0xf0 && lead <= 0xf4) {
        more = 3; code = lead & 7;
        if (lead === 0xf0) low = 0x90;
        if (lead === 0xf4) high = 0x8f;
      }
      let whole = more > 0;
      for (; whole && more > 0; more--) {
        const next = bytes[at];
        if (next === undefined || next < low || next > high) { whole = false; break; }
        low = 0x80; high = 0xbf;
        code = code << 6 | next & 63;
        at++;
      }
      if (!whole && this.#fatal) throw new TypeError('not valid UTF-8');
      text += whole ? String.fromCodePoint(code) : '\\ufffd';
    }
    return text;
  }
};
`;
