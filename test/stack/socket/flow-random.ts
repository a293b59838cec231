import type { Step } from "./flow-script.js";

/** A small generator, so that a script can be repeated from its seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = (seed * 2654435761) >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const TEXTS = ["a", "bcd", "efghijkl", ""] as const;

/** Steps on a stream socket in whatever state it is; "s" is the listener. */
function streamStep(name: string, random: (below: number) => number): Step {
  const directions = ["read", "write", "both"] as const;
  const steps: Step[] = [
    ["send", name, TEXTS[random(3)] as string],
    ["send", name, "again"],
    ["recv", name, 1 + random(12)],
    ["recv", name, 1 + random(12)],
    ["recv", name, 5, "peek"],
    ["events", name],
    ["events", name],
    ["available", name],
    ["error", name],
    ["peer", name],
    ["connect", name, name === "sa" || random(5) === 0 ? "nobody" : "s"],
    ["shutdown", name, directions[random(3)] as "read"],
    ["linger", name, 0],
    ["listen", name, 3],
    ["dissolve", name],
  ];
  return steps[random(random(3) === 0 ? steps.length : 10)] as Step;
}

/** A script on a listener, two clients and what is accepted: any call in any state. */
export function randomStreams(seed: number, length: number): Step[] {
  const random = randomFrom(seed);
  const script: Step[] = [
    ["socket", "s", "stream"],
    ["bind", "s"],
    ["listen", "s", 8],
    ["socket", "c", "stream"],
    ["socket", "d", "stream"],
    ["connect", "c", "s"],
    ["connect", "c", "s"],
    ["accept", "s", "sa"],
  ];
  const live = ["c", "d", "sa", "c", "sa"];
  for (let i = 0; i < length; i++) {
    const name = live[random(live.length)] as string;
    const kind = random(20);
    if (kind === 0 && live.includes("d") && name !== "d") {
      script.push(["close", name]);
      live.splice(0, live.length, ...live.filter((other) => other !== name));
    } else script.push(streamStep(name, random));
  }
  return script;
}

/** A script on two datagram sockets. */
export function randomDatagrams(seed: number, length: number): Step[] {
  const random = randomFrom(seed);
  const script: Step[] = [
    ["socket", "s", "datagram"],
    ["bind", "s"],
    ["socket", "c", "datagram"],
    ["bind", "c"],
  ];
  for (let i = 0; i < length; i++) {
    const name = ["s", "c"][random(2)] as string;
    const other = random(6) === 0 ? "nobody" : name === "s" ? "c" : "s";
    const directions = ["read", "write", "both"] as const;
    const steps: Step[] = [
      ["sendto", name, other, TEXTS[random(4)] as string],
      ["send", name, TEXTS[random(4)] as string],
      ["recv", name, random(4) + 1],
      ["recv", name, 9, "peek"],
      ["events", name],
      ["available", name],
      ["error", name],
      ["peer", name],
      ["connect", name, other],
      ["dissolve", name],
      ["shutdown", name, directions[random(3)] as "read"],
    ];
    script.push(steps[random(random(4) === 0 ? steps.length : 10)] as Step);
  }
  return script;
}
