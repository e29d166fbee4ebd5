import { partsOfCause } from '../inbox/cause.ts'
import type { CauseGroup } from '../inbox/contracts.ts'
import type { Inbox } from '../inbox/inbox.ts'
import { utcTime } from '../inbox/utc-time.ts'

/** Parked and dead deliveries by what they failed for, as the API, the page and the commands show them. */

export interface CauseView {
  /** `error:system:code`; `unknown`: failed under a version that recorded no causes. */
  cause: string
  error: string
  /** Where it failed: chatwoot, stripe, google, database, ours; null: not known. */
  system: string | null
  /** An HTTP status, or the code of Stripe, the database or Node; null: there is none. */
  code: string | null
  dead: number
  parked: number
  /** There are more than were counted. */
  isMore: boolean
  /** When they were accepted, ISO 8601. */
  oldestAt: string
  newestAt: string
  /** The id of the newest one. */
  example: string
}

/** The largest group first. */
export async function listCauses(inbox: Pick<Inbox, 'causes'>): Promise<CauseView[]> {
  const groups = await inbox.causes()
  return groups.map(viewOfGroup).sort((a, b) => b.dead + b.parked - (a.dead + a.parked))
}

function viewOfGroup({ cause, dead, parked, isMore, oldest, newest }: CauseGroup): CauseView {
  const [oldestAt, newestAt] = [utcTime(oldest.receivedAt), utcTime(newest.receivedAt)]
  return { cause, ...partsOfCause(cause), dead, parked, isMore, oldestAt, newestAt, example: newest.id }
}
