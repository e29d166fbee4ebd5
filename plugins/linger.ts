import type { IncomingMessage } from 'node:http'

/** How long a connection is still read after its last response, ms: as long as Chatwoot waits for a response. */
const LINGER_MS = 5_000
/** How much of it is read at most, bytes: twice the largest body. */
const LINGER_BYTES = 8 * 1024 * 1024
/** How often both limits are checked, ms. */
const CHECK_MS = 100

/**
 * For a response sent before its request has fully arrived: Node closes the connection right after its last response,
 * the rest of the request makes the kernel reset it, and a sender that has not read the response by then loses it (a
 * proxy would report a failure of its own). So we keep reading for a while, and discard.
 */
export function lingerAfterResponse(request: IncomingMessage, ms = LINGER_MS, bytes = LINGER_BYTES): void {
  if (request.complete) return
  const { socket } = request
  // node:http calls this after a connection's last response.
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
