/** What happens to an argument of the EAL. */
export const enum Treatment {
  /** Handed to DPDK. */
  Pass,
  /** Taken out without a word: it says what happens anyway. */
  Same,
  /** Taken out, with a warning that says why. */
  TakeOut,
  /** Handed to DPDK under its present name, with a warning. */
  Rename,
  /** Names a device: handed to DPDK, and port "auto" becomes dpdk. */
  Device,
  /** Memory in MiB. */
  Memory,
  /** Memory in MiB for each NUMA node, in huge pages. */
  SocketMemory,
  /** Asks for huge pages, taken out otherwise. */
  HugePages,
  /** Asks for memory without huge pages. */
  NoHugePages,
  /** Only the primary kind of process exists. */
  ProcessType,
  /** A hexadecimal address. */
  Address,
}

/** An argument that the EAL of DPDK 22.11, or one that people have in their files, knows. */
export class EalOption {
  constructor(
    /** With its dashes. */
    public readonly name: string,
    public readonly takesValue: bool,
    public readonly treatment: Treatment,
    /** The reason of a warning, or the present name. */
    public readonly note: string = "",
  ) {}
}

const CPUS = "the CPU is set by num_cpus, in ltran.conf by forward_cpu";
const ALWAYS_PRIMARY = "a process is always the only one with its device";
const NO_FILES = "DPDK's memory has no name in any file system";
const CHOSEN = "the way of allocating memory follows from the other arguments";

/** All arguments known; long ones may be given as "--name=value" or as two strings. */
export const ealOptions: EalOption[] = [
  new EalOption("--vdev", true, Treatment.Device),
  new EalOption("--allow", true, Treatment.Device),
  new EalOption("-a", true, Treatment.Device),
  new EalOption("--block", true, Treatment.Pass),
  new EalOption("-b", true, Treatment.Pass),
  new EalOption("--pci-whitelist", true, Treatment.Rename, "--allow"),
  new EalOption("-w", true, Treatment.Rename, "--allow"),
  new EalOption("--pci-blacklist", true, Treatment.Rename, "--block"),
  new EalOption("-d", true, Treatment.Pass),
  new EalOption("-n", true, Treatment.Pass),
  new EalOption("-r", true, Treatment.Pass),
  new EalOption("--no-pci", false, Treatment.Pass),
  new EalOption("--no-hpet", false, Treatment.Pass),
  new EalOption("--log-level", true, Treatment.Pass),
  new EalOption("--iova-mode", true, Treatment.Pass),
  new EalOption("--base-virtaddr", true, Treatment.Address),
  new EalOption("--create-uio-dev", false, Treatment.Pass),
  new EalOption("--vfio-intr", true, Treatment.Pass),
  new EalOption("--vfio-vf-token", true, Treatment.Pass),
  new EalOption("--vmware-tsc-map", false, Treatment.Pass),
  new EalOption("--mbuf-pool-ops-name", true, Treatment.Pass),
  new EalOption("--force-max-simd-bitwidth", true, Treatment.Pass),
  new EalOption("--socket-limit", true, Treatment.Pass),
  new EalOption("-m", true, Treatment.Memory),
  new EalOption("--socket-mem", true, Treatment.SocketMemory),
  new EalOption("--huge-dir", true, Treatment.HugePages, `no mount is needed: ${NO_FILES}`),
  new EalOption("--in-memory", false, Treatment.HugePages),
  new EalOption("--no-huge", false, Treatment.NoHugePages),
  new EalOption("--huge-unlink", false, Treatment.TakeOut, NO_FILES),
  new EalOption("--no-shconf", false, Treatment.Same),
  new EalOption("--single-file-segments", false, Treatment.Same),
  new EalOption("--file-prefix", true, Treatment.TakeOut, NO_FILES),
  new EalOption("--legacy-mem", false, Treatment.TakeOut, CHOSEN),
  new EalOption("--match-allocations", false, Treatment.TakeOut, CHOSEN),
  new EalOption("--huge-worker-stack", false, Treatment.TakeOut, "no worker threads are started"),
  new EalOption(
    "--map-perfect",
    false,
    Treatment.TakeOut,
    "only a patched DPDK knows it, and it is not needed",
  ),
  new EalOption("--proc-type", true, Treatment.ProcessType, ALWAYS_PRIMARY),
  new EalOption("-l", true, Treatment.TakeOut, CPUS),
  new EalOption("-c", true, Treatment.TakeOut, CPUS),
  new EalOption("-s", true, Treatment.TakeOut, "no service threads are started"),
  new EalOption("-S", true, Treatment.TakeOut, "no service threads are started"),
  new EalOption("--lcores", true, Treatment.TakeOut, CPUS),
  new EalOption("--main-lcore", true, Treatment.TakeOut, CPUS),
  new EalOption("--master-lcore", true, Treatment.TakeOut, CPUS),
  new EalOption("--syslog", true, Treatment.TakeOut, "nothing is written to the system log"),
  new EalOption("--no-telemetry", false, Treatment.Same),
  new EalOption("--telemetry", false, Treatment.TakeOut, "gazelle stats shows the counters"),
  new EalOption("--trace", true, Treatment.Pass),
  new EalOption("--trace-dir", true, Treatment.Pass),
  new EalOption("--trace-bufsz", true, Treatment.Pass),
  new EalOption("--trace-mode", true, Treatment.Pass),
  new EalOption("-v", false, Treatment.TakeOut, "the program's standard output stays untouched"),
  new EalOption("-h", false, Treatment.TakeOut, "the program's standard output stays untouched"),
  new EalOption("--help", false, Treatment.TakeOut, "the program's standard output stays untouched"),
];

/** What happens to an argument, in words. */
export function describe(option: EalOption): string {
  switch (option.treatment) {
    case Treatment.Pass:
      return "passed on";
    case Treatment.Same:
      return "taken out silently: it says what happens anyway";
    case Treatment.TakeOut:
      return `taken out with a warning: ${option.note}`;
    case Treatment.Rename:
      return `passed on as ${option.note}, with a warning`;
    case Treatment.Device:
      return 'passed on; names a device, so that port "auto" is "dpdk"';
    case Treatment.Memory:
      return "MiB of memory; in huge pages only if another argument asks for them";
    case Treatment.SocketMemory:
      return "MiB of memory for each NUMA node, in huge pages unless all are 0";
    case Treatment.HugePages:
      return option.note.length > 0
        ? `asks for huge pages; taken out with a warning: ${option.note}`
        : "asks for huge pages";
    case Treatment.NoHugePages:
      return "no huge pages, which is the default";
    case Treatment.ProcessType:
      return `only "primary": ${option.note}; "auto" is taken out with a warning`;
    default:
      return "passed on; a hexadecimal address";
  }
}
