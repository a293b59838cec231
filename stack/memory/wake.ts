/** What a thread that slept in the kernel was woken by; several may come together. */
export enum Wake {
  /** A port has frames. */
  frame = 1,
  /** Another thread, which has something for this one. */
  thread = 2,
  /** A descriptor of the kernel's that the application waits for. */
  descriptor = 4,
}
