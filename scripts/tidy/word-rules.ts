import { type Finding, findAll, isTest, type Source } from "./source.js";

// Put together here, or this file would break its own rules.
const UNFINISHED = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX"].join("|")})\\b`, "g");
const SILENCED = new RegExp(`@ts-${"(ignore|nocheck|expect-error)"}`, "g");
const MACHINE = new RegExp(
  ["home", "root", "work", "Users", "mnt"].map((name) => `(?<![\\w.])/${name}/`).join("|"),
  "g",
);
const HOSTS = new RegExp(
  `${["registry", "packages", "mirror", "npm"].map((name) => `\b${name}.[a-z]+[.w-]*.[a-z]+\b`).join("|")}|` +
    `\b(npm${"js"}|py${"pi"}).org\b`,
  "g",
);
/** A lock file that names hosts works for those who can reach them only. */
const RESOLVED = /"resolved":.*/g;
const ANY = /(:|\bas|<|\|)\s*any\b(?!\s*:)|\bany\[\]/g;

/** Nothing is left for later without an issue. */
export function unfinished(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) => findAll(source, source.comments, UNFINISHED, "left for later: %"));
}

/** The type checker is listened to. */
export function silencedChecker(sources: readonly Source[]): Finding[] {
  return sources
    .filter((source) => source.language === "script")
    .flatMap((source) => findAll(source, source.comments, SILENCED, "silences the type checker: %"));
}

/** A use of any needs a comment "any: why" on its line or the one before. */
export function unexplainedAny(sources: readonly Source[]): Finding[] {
  return sources
    .filter((source) => source.language === "script")
    .flatMap((source) => {
      const comments = source.comments.split("\n");
      const explained = (line: number) =>
        /\bany: \w/.test(`${comments[line - 1]} ${comments[line - 2] ?? ""}`);
      return findAll(source, source.code, ANY, "any without a reason").filter(({ line }) => !explained(line));
    });
}

/** Nothing names a place that only one machine has. */
export function machinePaths(sources: readonly Source[]): Finding[] {
  return sources.flatMap((source) => [
    ...findAll(source, source.text, MACHINE, "path of one machine: %"),
    ...findAll(source, source.text, HOSTS, "host of a registry: %"),
    ...(source.path === "package-lock.json" ? findAll(source, source.text, RESOLVED, "names a host: %") : []),
  ]);
}

/** Modules that are compiled, and the rooms whose business bytes are. */
const COMPILED = /^(stack|ltran\/dispatch)\//;
const OF_BYTES = /^stack\/(wire|memory)\//;

/** Loads and stores without a type stand in two rooms of the stack, and in the ring, only. */
export function rawMemory(sources: readonly Source[]): Finding[] {
  const raw = /(?<![\w.])(load|store)\s*<|\b[iufv]\d+\.(load|store)\w*\s*\(/g;
  return sources
    .filter(({ path }) => COMPILED.test(path) && !OF_BYTES.test(path))
    .flatMap((source) => findAll(source, source.code, raw, "raw memory access outside wire and memory: %"));
}

/** What the shell may not know: shapes and numbers of protocols. The stack's doors say what C needs. */
export function protocolInC(sources: readonly Source[]): Finding[] {
  const header =
    "(netinet/(ip|ip6|tcp|udp|ip_icmp|if_ether)|net/(ethernet|if_arp)|linux/(ip|ipv6|tcp|udp|icmp|if_arp))";
  const include = new RegExp(
    `^[ \\t]*#[ \\t]*include[ \\t]*<(${header}|rte_(ip|tcp|udp|icmp|arp))\\.h>`,
    "gm",
  );
  const shape =
    /\bstruct\s+(iphdr|ip6?_hdr|ip6_hdr|tcphdr|udphdr|icmphdr|ethhdr|ether_header|arphdr|rte_\w+_hdr)\b/g;
  const names = "ETH_P_(IP|IPV6|ARP)|ETHERTYPE_\\w+|RTE_ETHER_TYPE_\\w+|TH_(SYN|ACK|FIN|RST)";
  const number = new RegExp(`\\b(${names}|0x0?800|0x0?806|0x86dd)\\b`, "gi");
  return sources
    .filter((source) => source.language === "c" && !isTest(source.path) && !source.path.startsWith("bench/"))
    .flatMap((source) => [
      ...findAll(source, source.text, include, "header of a protocol in C: %"),
      ...findAll(source, source.code, shape, "shape of a protocol in C: %"),
      ...findAll(source, source.code, number, "constant of a protocol in C: %"),
    ]);
}
