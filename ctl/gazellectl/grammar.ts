/** Every command of gazellectl, declared once: usage text, parser and schema are made of this. */
import type { Instance } from "./instances.js";
import { aggregate } from "./lstack/aggregate.js";
import { connections } from "./lstack/connections.js";
import { features } from "./lstack/features.js";
import { intr } from "./lstack/intr.js";
import { latency } from "./lstack/latency.js";
import { list } from "./lstack/list.js";
import { protocol } from "./lstack/protocol.js";
import { rate } from "./lstack/rate.js";
import { show } from "./lstack/show.js";
import { snmp } from "./lstack/snmp.js";
import { virtio } from "./lstack/virtio.js";
import { xstats } from "./lstack/xstats.js";
import { burst } from "./ltran/burst.js";
import { instance } from "./ltran/instance.js";
import { latency as ltranLatency } from "./ltran/latency.js";
import type { Ltran } from "./ltran/ltran.js";
import { rate as ltranRate } from "./ltran/rate.js";
import { show as ltranShow } from "./ltran/show.js";
import { table } from "./ltran/tables.js";
import type { View } from "./view.js";
import { LOG_LEVELS } from "./words.js";

/** What `lstack show TARGET` can show; the first one without a word. */
export const LSTACK_VIEWS: readonly View<Instance>[] = [
  show,
  rate,
  snmp,
  connections,
  xstats,
  features,
  aggregate,
  latency,
  protocol,
  virtio,
  intr,
];

/** What `lstack show` shows without a target. */
export const LSTACK_LIST = list;

/** What `ltran show` can show; the first one without a word. */
export const LTRAN_VIEWS: readonly View<Ltran>[] = [
  ltranShow,
  ltranRate,
  instance,
  burst,
  table,
  ltranLatency,
];

/** Limits of the number behind a view. */
export const TIME_MOST = 1_800;

function viewLine<Thing>({ words, about, time, choice }: View<Thing>): string {
  const [option, word] = words;
  const name = option === "" ? "" : `${option}, ${word}`;
  const argument = choice === undefined ? "" : ` {${choice.values.join("|")}}`;
  const unit = { none: "", samples: " [TIMES]", seconds: " [SECONDS]" }[time];
  return `  ${`${name}${argument}${unit}`.padEnd(24)}  ${about}`;
}

/** The text of --help, which an error of usage comes with too. */
export function usage(): string {
  return `Usage: gazellectl ltran show [VIEW]
       gazellectl ltran set loglevel {${LOG_LEVELS.join("|")}}
       gazellectl ltran quit
       gazellectl lstack show [TARGET [VIEW]]
       gazellectl lstack set TARGET loglevel {${LOG_LEVELS.join("|")}}
       gazellectl lstack set TARGET lowpower {0|1}
       gazellectl inject {loss|duplicate|reorder} RATE COUNT random [TARGET]
       gazellectl inject delay MILLISECONDS RANGE random [TARGET]
       gazellectl inject unset {loss|duplicate|reorder|delay|all} [TARGET]
       gazellectl schema

Shows and changes what programs on the stack (lstack) do, and the ltran between them.
TARGET is an address, a process id or a program's name; without one the instances are listed.

Views of lstack:
${LSTACK_VIEWS.map(viewLine).join("\n")}
Views of ltran:
${LTRAN_VIEWS.map(viewLine).join("\n")}

TIMES and SECONDS are 1 to ${TIME_MOST}. With TIMES left out it goes on until it is interrupted.
inject makes received frames get lost, doubled, overtaken or delayed: RATE is 0.001 to 1.

  -u UNIX_PREFIX   ask those with this unix_prefix
      --json       JSON, for programs; \`gazellectl schema\` prints its schema
      --watch      once a second, in place
  -h, --help       this text
`;
}
