// What a virtual device of DPDK has to be told so that it has a queue for each stack.
import { report } from "./messages";
import { Option } from "./option";
import { decimal } from "./text";

/** A driver of DPDK whose devices have as many queues as a parameter of theirs says. */
class QueueParameter {
  constructor(
    /** How the names of its devices begin. */
    public readonly driver: string,
    public readonly name: string,
  ) {}
}

/** Of other drivers (net_tap, net_memif) a device gets as many as it is set up with. */
const PARAMETERS: QueueParameter[] = [
  new QueueParameter("net_af_packet", "qpairs"),
  new QueueParameter("eth_af_packet", "qpairs"),
  new QueueParameter("net_af_xdp", "queue_count"),
  new QueueParameter("net_virtio_user", "queues"),
];

/** Where a device's parameter stands, or -1. */
function placeOf(parts: string[], name: string): i32 {
  for (let i = 1; i < parts.length; i++) {
    if (parts[i].startsWith(`${name}=`)) return i;
  }
  return -1;
}

/**
 * A device as --vdev names it, with `queues` queues: the parameter of its driver is added, with a warning,
 * where it is missing, and must fit where it is given. `shown` is the argument as it stands in `option`.
 */
export function withQueues(option: Option, device: string, queues: i32, shown: string): string {
  if (queues == 1) return device;
  const parts = device.split(",");
  for (let i = 0; i < PARAMETERS.length; i++) {
    const parameter = PARAMETERS[i];
    if (!parts[0].startsWith(parameter.driver)) continue;
    const wanted = `${parameter.name}=${queues}`;
    const place = placeOf(parts, parameter.name);
    if (place < 0) {
      const reason = `is passed on with ${wanted}, a queue for each stack`;
      report(false, option.file, option.line, option.givenAs, `"${shown}"`, reason);
      return `${device},${wanted}`;
    }
    if (decimal(parts[place].substring(parameter.name.length + 1)) != queues) {
      const reason = `must have ${wanted}, a queue for each stack, or be without ${parameter.name}`;
      report(true, option.file, option.line, option.givenAs, `"${shown}"`, reason);
    }
  }
  return device;
}
