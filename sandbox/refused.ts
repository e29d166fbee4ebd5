/** What was asked for in the sandbox makes no sense now: the message says why, to the one who asked. */
export class RefusedError extends Error {
  override name = 'RefusedError'
}
