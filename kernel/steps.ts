import { EEXIST } from "../build/generated/system";
import {
  addressAdd,
  addressRemove,
  deviceUp,
  deviceWithoutIpv6,
  ownGatewayAdd,
  ownGatewayRemove,
  ownRouteAdd,
  ownRouteRemove,
  routeAdd,
  ruleAdd,
  ruleRemove,
} from "./device";
import { filterAdd, filterForget, filterMake, filterRemove } from "./filter";
import { netlinkBegin, netlinkLength } from "./netlink";
import { kernelRequest } from "./request";

/** What the kernel is told, in the order in which it is told: first what keeps it quiet. */
export enum KernelStep {
  /** Once: the filter, the device. */
  filterMake,
  deviceWithoutIpv6,
  deviceUp,
  /** For each shared address. */
  filterAdd,
  addressAdd,
  routeAdd,
  ownRouteAdd,
  ownGatewayAdd,
  ruleAdd,
  /** And at its end. */
  ruleRemove,
  ownGatewayRemove,
  ownRouteRemove,
  addressRemove,
  filterRemove,
  /** Only for a filter that does not go by itself. */
  filterForget,
  count,
}

function write(step: u32): void {
  switch (step) {
    case KernelStep.filterMake:
      filterMake();
      break;
    case KernelStep.deviceWithoutIpv6:
      deviceWithoutIpv6();
      break;
    case KernelStep.deviceUp:
      deviceUp();
      break;
    case KernelStep.filterAdd:
      filterAdd();
      break;
    case KernelStep.addressAdd:
      addressAdd();
      break;
    case KernelStep.routeAdd:
      routeAdd();
      break;
    case KernelStep.ownRouteAdd:
      ownRouteAdd();
      break;
    case KernelStep.ownGatewayAdd:
      ownGatewayAdd();
      break;
    case KernelStep.ruleAdd:
      ruleAdd();
      break;
    case KernelStep.ruleRemove:
      ruleRemove();
      break;
    case KernelStep.ownGatewayRemove:
      ownGatewayRemove();
      break;
    case KernelStep.ownRouteRemove:
      ownRouteRemove();
      break;
    case KernelStep.addressRemove:
      addressRemove();
      break;
    case KernelStep.filterRemove:
      filterRemove();
      break;
    case KernelStep.filterForget:
      filterForget();
      break;
    default:
      break;
  }
}

function isFilterStep(step: u32): bool {
  if (step == KernelStep.filterMake || step == KernelStep.filterAdd) return true;
  return step == KernelStep.filterRemove || step == KernelStep.filterForget;
}

/**
 * Writes the message of a step about the request in the call area to KERNEL_MESSAGE; its bytes, 0: there is
 * nothing to be said. KernelRequest.isFilter says to whom it goes.
 */
export function kernelMessage(step: u32): u32 {
  netlinkBegin();
  write(step);
  kernelRequest().isFilter = isFilterStep(step) ? 1 : 0;
  return netlinkLength();
}

/** Whether there is no kernel device without what failed in a step with -errno `answer`. */
export function kernelNeeds(step: u32, answer: i32): bool {
  // What a program that was killed left serves again.
  if (answer == 0 || answer == -EEXIST) return false;
  if (step == KernelStep.filterMake || step == KernelStep.deviceUp) return true;
  return step == KernelStep.filterAdd || step == KernelStep.addressAdd;
}
