import { Socket } from "./socket";

/** The pending error as a positive errno, 0 when none; whoever takes it clears it. */
export function errorTake(socket: Socket): i32 {
  const error = socket.error;
  socket.error = 0;
  return error;
}
