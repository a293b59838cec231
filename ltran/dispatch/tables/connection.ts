import { Address } from "./address";
import {
  Flow,
  FlowFlag,
  FlowState,
  flowAddress,
  flowEnter,
  flowFree,
  flowHas,
  flowSet,
  flowState,
} from "./flow";
import { Listener, listenerOf, listenerTidy } from "./listener";
import { Vport, vport } from "./vport";

/** The listener that a flow is counted at, or null (0): it may have gone, or have been made anew. */
function listenerOfFlow(f: Flow): Listener {
  if (!flowHas(f, FlowFlag.counted)) return changetype<Listener>(0);
  return listenerOf(vport(f.owner), flowAddress(f), f.protocol, f.localPort);
}

/** Counts a new flow at its owner's listener, if there is one. */
export function connectionCount(f: Flow): void {
  const v = vport(f.owner);
  const l = listenerOf(v, changetype<Address>(v.address), f.protocol, f.localPort);
  if (changetype<usize>(l) == 0) return;
  flowSet(f, FlowFlag.counted);
  l.connections++;
  if (flowState(f) == <u32>FlowState.tentative) l.tentative++;
}

function uncountTentative(f: Flow): void {
  if (flowState(f) != <u32>FlowState.tentative) return;
  const l = listenerOfFlow(f);
  if (changetype<usize>(l) != 0 && l.tentative > 0) l.tentative--;
}

/** Puts a flow into another state; its listener learns when it is no longer tentative. */
export function connectionEnter(f: Flow, state: FlowState): void {
  if (flowState(f) == <u32>state) return;
  uncountTentative(f);
  flowEnter(f, state);
}

/** The owner has shown that the connection exists: it lasts until the owner says that it is gone, nearly. */
export function connectionConfirm(f: Flow, v: Vport): void {
  const isOpening = flowState(f) == <u32>FlowState.tentative || flowState(f) == <u32>FlowState.unconfirmed;
  if (isOpening) connectionEnter(f, v.announces != 0 ? FlowState.established : FlowState.unconfirmed);
}

/** The flow is no more. */
export function connectionEnd(f: Flow): void {
  uncountTentative(f);
  const l = listenerOfFlow(f);
  flowFree(f);
  if (changetype<usize>(l) == 0 || l.connections == 0) return;
  l.connections--;
  listenerTidy(l);
}
