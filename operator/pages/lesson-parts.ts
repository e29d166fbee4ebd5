import { html } from 'ghtml'
import type { Block, BookedLesson, Interval } from '../../calendar/contract.ts'
import { readLessonPayment } from '../../handlers/lesson-payment.ts'
import { type LessonLinks, type LessonState, stateOf } from '../lessons/view.ts'
import type { Layout } from './layout.ts'

/** What the pages about lessons share. */

const STATE_WORDS: Record<LessonState, string> = {
  booked: 'Booked',
  held: 'Payment under way',
  cancelled: 'Cancelled',
}

/** Classes of the shapes beside the words. */
const STATE_CLASSES: Record<LessonState, string> = { booked: 'done', held: 'scheduled', cancelled: 'discarded' }

export const lessonStateWords = (state: LessonState) => `${STATE_WORDS[state]} (${state})`

export function lessonState(lesson: BookedLesson): string {
  const state = stateOf(lesson)
  return html`<span class="state ${STATE_CLASSES[state]}">${STATE_WORDS[state]} <small>${state}</small></span>`
}

export function createLessonParts({ base, zone, local }: Layout, links: LessonLinks) {
  // A week has many: Luxon takes ten times as long.
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' }).format
  const date = new Intl.DateTimeFormat('en-GB', { timeZone: zone, dateStyle: 'short' }).format
  const day = (at: number) => local(at).toFormat('cccc d LLLL yyyy')

  /** `10:00–11:00`, with the day where it ends on another. */
  function hours({ start, end }: Interval): string {
    const isSameDay = date(start) === date(end - 1)
    return `${clock(start)}–${isSameDay ? clock(end) : local(end).toFormat('ccc d LLL, HH:mm')}`
  }

  const packagePath = (id: string) => `${base}/packages/${encodeURIComponent(id)}`

  return {
    hours,
    /** `Wednesday 25 November 2026, 10:00–11:00` */
    when: (time: Interval) => `${day(time.start)}, ${hours(time)}`,
    /** A blocked time: whole days by their dates. */
    span({ start, end }: Interval): string {
      const [from, to] = [local(start), local(end)]
      const isDays = +from === +from.startOf('day') && +to === +to.startOf('day')
      if (!isDays)
        return from.hasSame(to, 'day')
          ? `${day(start)}, ${hours({ start, end })}`
          : `${from.toFormat('ccc d LLL yyyy, HH:mm')} to ${to.toFormat('ccc d LLL yyyy, HH:mm')}`
      const last = to.minus({ days: 1 })
      return from.hasSame(last, 'day') ? day(start) : `${day(start)} to ${day(+last)}`
    },
    lessonPath: (order: string) => `${base}/lessons/${encodeURIComponent(order)}`,
    packagePath,
    /** In Stripe, or the package that it is from. */
    payment({ payment }: Pick<BookedLesson, 'payment'>): string {
      if (payment === null) return 'Free'
      const paid = readLessonPayment(payment)
      if (paid.kind === 'package') return html`<a href="${packagePath(paid.order)}">${payment}</a>`
      const url = links.payment(payment)
      return url === null ? html`${payment}` : html`${payment} · <a href="${url}" rel="noreferrer">in Stripe</a>`
    },
    /** In Chatwoot, and who has it. */
    conversation({ conversation }: Pick<BookedLesson, 'conversation'>): string {
      if (conversation === '') return 'None'
      const url = links.conversation(conversation)
      const inChatwoot = url === null ? '' : html` · <a href="${url}" rel="noreferrer">in Chatwoot</a>`
      const own = /^\d+$/.test(conversation)
        ? html`<a href="${base}/conversations/${conversation}">${conversation}</a>`
        : html`${conversation}`
      return `${own}${inChatwoot}`
    },
    /** @param id the block's, as shown */
    blockName: ({ reason }: Block) => (reason === '' ? 'Blocked' : `Blocked: ${reason}`),
    zone,
  }
}
