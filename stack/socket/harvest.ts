import { EPOLLET, EPOLLONESHOT } from "../../build/generated/system";
import { call, callEvent, READY_SPENT } from "../memory/call";
import { CALL_EVENTS } from "../memory/map";
import { Counter, countBy } from "../stats/counters";
import { PRIVATE_EVENTS } from "./interest";
import { socketReadiness } from "./readiness";
import { Socket } from "./socket";
import { Interest, readyAppend, readyRemove, WaitSet } from "./waitset";
import { wakeList } from "./wake";

/**
 * Writes up to `max` ready events to the call area and answers how many. Every queued interest is looked at
 * once, the oldest first; a level-triggered one goes back to the end of the queue, so that more ready sockets
 * than `max` take turns.
 */
export function harvest(set: WaitSet, max: u32): u32 {
  const most = min(max, CALL_EVENTS);
  let left = set.readyCount;
  let taken: u32 = 0;
  while (left > 0 && taken < most) {
    left--;
    const interest = changetype<Interest>(set.readyHead);
    readyRemove(set, interest);
    const socket = changetype<Socket>(interest.socket);
    const events = socketReadiness(socket) & interest.events;
    if (events == 0) continue;
    const event = callEvent(taken++);
    event.data = interest.data;
    event.events = events;
    event.fd = <u32>interest.fd;
    if ((interest.events & EPOLLONESHOT) != 0) {
      event.fd |= READY_SPENT;
      interest.events &= PRIVATE_EVENTS;
    } else if ((interest.events & EPOLLET) == 0) readyAppend(set, interest);
  }
  call().eventCount = taken;
  countBy(Counter.waitSetEvents, taken);
  // What is left, or may still be ready, is for the next sleeper.
  if (set.readyHead != 0 && set.sleepers > 0) wakeList(set);
  return taken;
}
