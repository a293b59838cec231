/** How long answers took on the client's wire, in milliseconds; Infinity: never. */
export interface WireDelays {
  /** From an echo request to its reply. */
  echoes: number[];
  /** From a full segment to the first ACK that covers it. Small ones may wait for a delayed ACK. */
  acks: number[];
  /** From data of the client to the next data of the server on the same connection. */
  replies: number[];
}

const LINE = /^(\d+\.\d+) IP (\S+) > (\S+): (.*)$/;
const ECHO = /^ICMP echo (request|reply), id (\d+), seq (\d+),/;
const DATA = /\bseq (\d+):(\d+),/;
const ACK = /\back (\d+),/;
/** Bytes of payload from which a segment counts as full. */
const FULL = 1000;

/** What is under way on one connection, with the times when it was sent. */
interface Flight {
  full: { at: number; end: number }[];
  question: number | undefined;
}

class Wire {
  readonly delays: WireDelays = { echoes: [], acks: [], replies: [] };
  private readonly echoes = new Map<string, number>();
  private readonly flights = new Map<string, Flight>();

  echo(kind: string, name: string, at: number): void {
    if (kind === "request") {
      this.echoes.set(name, at);
      return;
    }
    const asked = this.echoes.get(name);
    if (asked !== undefined) this.delays.echoes.push(at - asked);
    this.echoes.delete(name);
  }

  private flight(name: string): Flight {
    const flight = this.flights.get(name) ?? { full: [], question: undefined };
    this.flights.set(name, flight);
    return flight;
  }

  fromClient(name: string, start: number, end: number, at: number): void {
    const flight = this.flight(name);
    flight.question = at;
    if ((end - start) >>> 0 >= FULL) flight.full.push({ at, end });
  }

  fromServer(name: string, hasData: boolean, ack: number, at: number): void {
    const flight = this.flight(name);
    const isCovered = ({ end }: { end: number }) => (ack - end) << 0 >= 0;
    for (const segment of flight.full.filter(isCovered)) this.delays.acks.push(at - segment.at);
    flight.full = flight.full.filter((segment) => !isCovered(segment));
    if (!hasData || flight.question === undefined) return;
    this.delays.replies.push(at - flight.question);
    flight.question = undefined;
  }

  /** What was never answered. */
  end(): void {
    for (const _ of this.echoes) this.delays.echoes.push(Number.POSITIVE_INFINITY);
    for (const { full } of this.flights.values()) {
      for (const _ of full) this.delays.acks.push(Number.POSITIVE_INFINITY);
    }
  }
}

/** Reads what `tcpdump -n -tt -S` printed on the client's side; `client` is the client's address. */
export function wireDelays(text: string, client: string): WireDelays {
  const wire = new Wire();
  for (const line of text.split("\n")) {
    const [, time, from = "", to = "", rest = ""] = LINE.exec(line) ?? [];
    if (time === undefined) continue;
    const at = Number(time) * 1000;
    const [, kind = "", id, sequence] = ECHO.exec(rest) ?? [];
    if (kind !== "") wire.echo(kind, `${id}/${sequence}`, at);
    const data = DATA.exec(rest);
    const ack = ACK.exec(rest);
    if (from.startsWith(`${client}.`) && data !== null) {
      wire.fromClient(from, Number(data[1]), Number(data[2]), at);
    } else if (to.startsWith(`${client}.`) && ack !== null) {
      wire.fromServer(to, data !== null, Number(ack[1]), at);
    }
  }
  wire.end();
  return wire.delays;
}
