/** DPDK's testpmd as a client of ltran that speaks memif. */
import { waitUntil } from "../../scripts/lab/command.js";
import { removeDpdkFolderAtEnd } from "../../scripts/lab/dpdk-folder.js";
import { addresses, type Lab } from "../../scripts/lab/lab.js";
import { type Program, startProgram } from "../../scripts/lab/program.js";

const connectTimeoutMs = 10_000;

/** What testpmd is and does. */
export interface TestpmdOptions {
  /** Its memif socket. */
  socket: string;
  /** Number of its interface. */
  id: number;
  /** Its hardware address; that of the bond when left out. */
  mac?: string | undefined;
  mode: "icmpecho" | "txonly" | "macswap" | "rxonly";
  /** Further options of testpmd. */
  more?: readonly string[];
}

/** Counters as testpmd prints them at its end. */
export interface PortStatistics {
  received: number;
  sent: number;
}

/** A running testpmd. */
export class Testpmd {
  readonly program: Program;

  private constructor(program: Program) {
    this.program = program;
  }

  /** Starts it; its interface need not be connected yet. */
  static start(lab: Lab, { socket, id, mac, mode, more }: TestpmdOptions): Testpmd {
    removeDpdkFolderAtEnd();
    const device = `net_memif0,role=client,id=${id},socket=${socket},socket-abstract=no`;
    const eal = ["-l", "0,1", "--no-huge", "--no-shconf", "-m", "256", "--no-pci", "--no-telemetry"];
    const vdev = ["--vdev", `${device},mac=${mac ?? addresses.serverMac}`];
    const own = ["--auto-start", "--no-mlockall", "--total-num-mbufs=8192", "--stats-period=1"];
    const program = startProgram({
      namespace: lab.serverNamespace,
      role: "server",
      command: "dpdk-testpmd",
      argumentList: [...eal, ...vdev, "--", ...own, `--forward-mode=${mode}`, ...(more ?? [])],
    });
    return new Testpmd(program);
  }

  /** Waits until it forwards. @throws Error when it ends before. */
  async ready(): Promise<void> {
    const isReady = () =>
      /packet forwarding/.test(this.program.output()) || this.program.result() !== undefined;
    await waitUntil(isReady, connectTimeoutMs);
    if (this.program.result() !== undefined) throw new Error(`testpmd ended:\n${this.program.output()}`);
  }

  /** Ends it in good order; what it counted. */
  async finish(): Promise<PortStatistics> {
    await this.program.stop();
    const totals = /Accumulated forward statistics.*?RX-packets: (\d+).*?TX-packets: (\d+)/s;
    const found = totals.exec(this.program.output());
    if (found === null) throw new Error(`testpmd printed no counters:\n${this.program.output()}`);
    return { received: Number(found[1]), sent: Number(found[2]) };
  }
}
