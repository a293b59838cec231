/** A run that broke an invariant; the message is the reason that is reported. */
export class SimulationFailure extends Error {}

/** Fails the run. */
export function fail(reason: string): never {
  throw new SimulationFailure(reason);
}
