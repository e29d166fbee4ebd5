import type { LocalCalendar } from '../calendar/contract.ts'
import type { PackageEntry } from '../calendar/packages.ts'
import type { DeliveryFilter, Store } from '../inbox/contracts.ts'
import { utcTime } from '../inbox/utc-time.ts'
import { indentedJson } from '../operator/json-text.ts'
import { formatLocal, type LessonLinks, type LessonView, lessonView } from '../operator/lessons/view.ts'
import { type DeliveryView, type TimelineEntry, timelineOf, viewOfOne } from '../operator/views.ts'
import { printable } from './output.ts'
import { deliveriesOf, lessonsOfPerson, type Person, packagesOfPerson, weeklyOfPerson } from './person.ts'
import { namesIn, namesOfLesson, stepsOf } from './person-steps.ts'

/** What is kept about a person, in sections. */

export interface Section {
  /** In JSON. */
  name: string
  title: string
  /** How many items have been given so far. */
  count: number
  items(): AsyncGenerator<object>
  /** An item in Markdown. */
  lines(item: object): string[]
}

export interface Kept {
  store: Store
  /** null: there are no lessons in the store. */
  calendar: LocalCalendar | null
  person: Person
  links: LessonLinks
  /** The tutor's IANA time zone. */
  zone: string
  /** Chatwoot's base URL; undefined: not known. */
  chatwootUrl: string | undefined
}

/** To be read one after the other: the last one needs to know what the others have found. */
export function sectionsOf(kept: Kept): Section[] {
  const names = new Set<string>()
  return [
    lessonsSection(kept, names),
    weeklySection(kept, names),
    packagesSection(kept, names),
    deliveriesSection(kept, names, { name: 'deliveries', title: 'Messages, payments and other events', filter: {} }),
    deliveriesSection(kept, names, {
      name: 'scheduled',
      title: 'Scheduled: reminders, and what else is done later',
      filter: { state: 'scheduled' },
    }),
    deliveriesSection(kept, names, {
      name: 'quarantined',
      title: 'Refused, and kept to be verified again: it may be forged',
      filter: { state: 'quarantined' },
    }),
    stepsSection(kept, names),
  ]
}

/** @param items counted as they are given */
function section<Item extends object>(
  name: string,
  title: string,
  items: () => AsyncGenerator<Item>,
  lines: (item: Item) => string[],
): Section {
  const counted: Section = {
    name,
    title,
    count: 0,
    async *items() {
      for await (const item of items()) {
        counted.count++
        yield item
      }
    },
    lines: item => lines(item as Item),
  }
  return counted
}

function lessonsSection({ calendar, person, links, zone }: Kept, names: Set<string>): Section {
  async function* items() {
    for (const lesson of await lessonsOfPerson(calendar, person)) {
      for (const name of namesOfLesson(lesson)) names.add(name)
      yield { ...lessonView(lesson, links), contact: lesson.contact ?? null }
    }
  }
  return section('lessons', 'Lessons', items, lesson => [lessonLine(lesson, zone)])
}

function lessonLine({ id, state, start, end, student, service, payment, conversation }: LessonView, zone: string) {
  const when = `${localTime(start, zone)}–${localTime(end, zone).slice(-5)}`
  return `- ${when}: ${inline(service)}, ${inline(student)}, ${state}, ${inline(payment ?? 'free')} (order ${inline(id)}, conversation ${conversation})`
}

function weeklySection({ calendar, person, zone }: Kept, names: Set<string>): Section {
  async function* items() {
    for (const weekly of await weeklyOfPerson(calendar, person)) {
      names.add(weekly.id)
      yield { ...weekly, first: utcTime(weekly.first) }
    }
  }
  return section('weekly', 'Every week', items, ({ id, first, minutes, service, student }) => [
    `- since ${localTime(first, zone)}, ${minutes} min: ${inline(service)}, ${inline(student)} (order ${inline(id)})`,
  ])
}

function packagesSection({ calendar, person, zone }: Kept, names: Set<string>): Section {
  async function* items() {
    for (const bought of await packagesOfPerson(calendar, person)) {
      for (const name of namesOfLesson({ order: bought.id, payment: bought.payment })) names.add(name)
      // There is a calendar, or nothing would be found.
      yield { ...bought, entries: (await calendar?.packages.entries(bought.id)) as PackageEntry[] }
    }
  }
  return section('packages', 'Packages of lessons', items, ({ id, student, minutes, left, payment, entries }) => [
    `- ${inline(student)}, ${minutes} min, of which ${left} are left, ${inline(payment)} (order ${inline(id)})`,
    ...entries.map(
      ({ at, minutes, why, who, order, note }) =>
        `  - ${formatLocal(at, zone)} ${minutes} min, ${why}, by ${who}${inline(about(order, note))}`,
    ),
  ])
}

function about(order: string | null, note: string | null): string {
  return [...(order === null ? [] : [`, order ${order}`]), ...(note === null ? [] : [`: ${note}`])].join('')
}

interface Deliveries {
  name: string
  title: string
  filter: DeliveryFilter
}

type ExportedDelivery = DeliveryView & { timeline: TimelineEntry[]; payload: object }

function deliveriesSection(kept: Kept, names: Set<string>, { name, title, filter }: Deliveries): Section {
  const { store, person, zone, chatwootUrl } = kept
  async function* items(): AsyncGenerator<ExportedDelivery> {
    for await (const delivery of deliveriesOf(store, person, [filter])) {
      for (const name of namesIn(delivery)) names.add(name)
      const timeline = timelineOf(delivery, await store.history(delivery.id))
      yield { ...viewOfOne(delivery, chatwootUrl), timeline, payload: delivery.payload }
    }
  }
  return section(name, title, items, delivery => deliveryLines(delivery, zone))
}

function deliveryLines({ timeline, payload, ...view }: ExportedDelivery, zone: string): string[] {
  const { id, source, event, receivedAt, words, student, key } = view
  const said = [student, words]
    .filter(text => text !== null)
    .map(inline)
    .join(': ')
  return [
    `### ${localTime(receivedAt, zone)}: ${inline(event)} (${inline(source)})`,
    '',
    ...(said === '' ? [] : [said, '']),
    `- id ${id}, key ${inline(key)}`,
    ...timeline.map(({ at, what, attempt, detail }) =>
      [
        `- ${localTime(at, zone)} ${what}`,
        attempt === null ? '' : ` (attempt ${attempt})`,
        detail && `: ${inline(detail)}`,
      ]
        .filter(Boolean)
        .join(''),
    ),
    '',
    ...jsonBlock(payload),
  ]
}

function stepsSection({ store, person, zone }: Kept, names: ReadonlySet<string>): Section {
  async function* items() {
    for await (const steps of stepsOf(store, person, names)) {
      for (const { key, doneAt, result } of steps) yield { key, at: utcTime(doneAt), result }
    }
  }
  const title = 'Steps that were done once: replies of the bot, what became of a payment'
  return section('steps', title, items, ({ key, at, result }) => [
    `### ${localTime(at, zone)}: ${inline(key)}`,
    '',
    ...jsonBlock(result),
  ])
}

/** @param at in ISO 8601 */
function localTime(at: string, zone: string): string {
  return formatLocal(Date.parse(at), zone)
}

/** No line of JSON begins with the three backticks that end a block. */
function jsonBlock(value: unknown): string[] {
  return ['```json', ...indentedJson(value).text.split('\n').map(printable), '```', '']
}

/** Text from outside is neither markup nor a line of its own. */
function inline(text: string): string {
  return printable(text).replace(/[\\`*<>[\]&]/g, '\\$&')
}
