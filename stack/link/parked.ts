import { Timer } from "../timer/wheel";

/**
 * Extended by what can wait for a neighbour to be resolved: a control block with a send queue of its own,
 * which then needs no copy of a packet. The links of the neighbour's list.
 */
@unmanaged
export class Parked extends Timer {
  parkNext: usize;
  parkPrevious: usize;
  /** The neighbour it waits for; 0 when it waits for none. */
  parkedOn: usize;
}
