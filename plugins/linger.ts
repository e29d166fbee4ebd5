import type { IncomingMessage } from 'node:http'

/** How long a connection is read from after its last answer, ms: as long as Chatwoot waits for an answer. */
const LINGER_MS = 5_000
/** How much is read by then, bytes: twice the largest body. */
const LINGER_BYTES = 8 * 1024 * 1024
/** How often both are looked at, ms. */
const CHECK_MS = 100

/**
 * For an answer that comes before its request has: Node closes the connection at once when the answer is its last, what
 * is still on its way makes the system reset it, and the answer is lost on a sender that has not read it by then (a
 * proxy, say, which makes a failure of its own of it). So what comes is read, and thrown away, for a while.
 */
export function lingerAfterAnswer(request: IncomingMessage, ms = LINGER_MS, bytes = LINGER_BYTES): void {
  if (request.complete) return
  const { socket } = request
  // What node:http calls after the last answer of a connection.
  socket.destroySoon = () => {
    socket.end()
    const endAt = performance.now() + ms
    const endBytes = socket.bytesRead + bytes
    const timer = setInterval(() => {
      if (performance.now() >= endAt || socket.bytesRead >= endBytes) socket.destroy()
    }, CHECK_MS)
    socket.once('close', () => clearInterval(timer))
    request.once('end', () => socket.destroy())
  }
}
