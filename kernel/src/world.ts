/**
 * A computed world: it settles what many agents want at once, in canonical order, so that replay can re-execute it.
 * Observed worlds (real robots, files, model providers) have no such function: their outcomes are recorded.
 */
export interface ComputedWorld<World, Inputs, Outcomes> {
  readonly resolve: (world: World, inputs: Inputs) => { readonly world: World; readonly outcomes: Outcomes };
}
