/** What may stand in a recorded value: JSON, read-only. Numbers are IEEE 754 doubles and survive the trip bit for bit. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Named arguments of an intent or a command. Numbers carry SI units in their names (`speedMps`). */
export type Params = Readonly<Record<string, number | string | boolean>>;
