import { Agent, request } from 'node:http'
import { chatwoot, railsJson } from '../../commands/samples.ts'
import { signChatwoot } from '../../plugins/verification.ts'

export interface Answer {
  status: number
  body: { status?: string; id?: string; code?: string }
}

/** Signed messages, each with its own number, in one of `conversations` conversations. */
export function signedMessage(number: number, secret: string, conversations = 50) {
  const conversation = 1 + (number % conversations)
  // Assigned to a person, so that the handler stays silent.
  const body = railsJson(chatwoot.incoming({ message: number, conversation, assignee: 11 }))
  return { body, headers: signChatwoot(body, secret) }
}

/** A client with its own connections. */
export function client(connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  return {
    /** Rejects when the connection breaks before the answer. */
    post(url: string, { body, headers }: { body: string; headers: Record<string, string> }): Promise<Answer> {
      return new Promise((resolve, reject) => {
        const outgoing = request(url, {
          method: 'POST',
          agent,
          headers: { ...headers, 'content-length': Buffer.byteLength(body) },
        })
        outgoing.on('error', reject)
        outgoing.on('response', response => {
          let text = ''
          response.on('data', chunk => {
            text += chunk
          })
          response.on('error', reject)
          response.on('end', () => resolve({ status: response.statusCode as number, body: JSON.parse(text) }))
        })
        outgoing.end(body)
      })
    },
    close: () => agent.destroy(),
  }
}
