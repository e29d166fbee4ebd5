import type { Clock } from '../inbox/contracts.ts'
import type { Call, StandIn } from './stand-in.ts'
import type { Ending, Wire, WireEntry } from './wire.ts'

/** Writes down what the service asks a stand-in. */
export function watchCalls({ traffic }: StandIn, system: WireEntry['system'], wire: Wire, clock: Clock): void {
  const underWay = new Map<Call, (ending: Ending) => void>()
  traffic.on('call', call => {
    const { method, path, body } = call
    underWay.set(call, wire.begin({ at: clock.now(), kind: 'call', system, method, path, request: textOf(body) }))
  })
  traffic.on('answer', (call, answer) => {
    const end = underWay.get(call) as (ending: Ending) => void
    underWay.delete(call)
    if (answer === null) return end({ status: null, error: 'the connection was closed without an answer' })
    end({ status: answer.status, response: textOf(answer.body) })
  })
}

function textOf(body: unknown = ''): string {
  return typeof body === 'string' ? body : JSON.stringify(body)
}
