/** Where a connection's bytes go. */
export interface Http2Output {
  /**
   * Takes bytes to be sent, in order. Together they are whole frames; a large DATA frame comes as two buffers. The
   * codec never changes the bytes afterwards.
   */
  write(bytes: Buffer): void;
  /**
   * If the owner has this method, the codec gathers small frames in one buffer and calls it once when there is
   * something to send; the owner then calls `connection.flush()`, for instance once at the end of the turn. Large
   * payloads still go to `write` at once, behind all that was gathered before them. Without the method, `write` is
   * called at the end of every `receive` and of every call that sends something.
   */
  wantsFlush?(): void;
}
