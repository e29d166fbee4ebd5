import type { Random } from '../fuzz/random.ts'
import { type Channel, choicesOf } from '../sandbox/chatwoot-people.ts'
import { type ConversationState, INCOMING, type MessageState, OUTGOING } from '../sandbox/chatwoot-state.ts'
import type { World } from '../sandbox/world.ts'

/** A student in a conversation: what they want, and what they do next when they have been answered. */
export interface Student {
  conversation: ConversationState
  /** Such as `book, pay by ideal, move`. */
  wants: string
  /** Does the next thing, if they have been answered and it is time. @param now Unix ms */
  act(now: number): void
  /** They have nothing more to do. */
  isDone(): boolean
}

const HOUR = 3_600_000
/** A student who finds no time, or can't choose, gives up after so many tries. */
const TRIES = 3

const WORDS = {
  nl: {
    hello: 'hoi!',
    book: 'ik wil graag een les boeken',
    trial: 'kan ik een proefles doen?',
    prices: 'wat kost een les?',
    move: 'ik wil mijn les verzetten',
    cancel: 'ik wil mijn les annuleren',
    person: 'kan ik iemand spreken?',
    odd: 'mijn hond heeft de calculator opgegeten',
    package: 'ik wil graag een lespakket',
    weekly: 'graag elke week',
    days: ['maandag', 'dinsdag', 'woensdag', 'donderdag', 'vrijdag'],
    yes: 'ja graag',
  },
  en: {
    hello: 'hello',
    book: 'I would like to book a lesson',
    trial: 'could I have a trial lesson?',
    prices: 'how much is a lesson?',
    move: 'I want to move my lesson',
    cancel: 'I want to cancel my lesson',
    person: 'can I talk to a person?',
    odd: 'my dog has eaten the calculator',
    package: 'I would like a package of lessons',
    weekly: 'every week please, on',
    days: ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'],
    yes: 'yes please',
  },
  de: {
    hello: 'hallo',
    book: 'ich möchte eine Stunde buchen',
    trial: 'kann ich eine Probestunde haben?',
    prices: 'was kostet eine Stunde?',
    move: 'ich möchte meine Stunde verschieben',
    cancel: 'ich möchte meine Stunde absagen',
    person: 'kann ich mit jemandem sprechen?',
    odd: 'mein Hund hat den Taschenrechner gefressen',
    package: 'ich möchte ein Stundenpaket',
    weekly: 'bitte jede Woche',
    days: ['Montag', 'Dienstag', 'Mittwoch', 'Donnerstag', 'Freitag'],
    yes: 'ja gern',
  },
} satisfies Record<string, Record<string, string | string[]>>

type Language = keyof typeof WORDS

/** One thing that a student does. later: it is not time yet. again: what was needed for it was not there. */
type Step = (now: number) => 'done' | 'later' | 'again'

const isTold = ({ message_type, private: isNote }: MessageState) => message_type === OUTGOING && !isNote

/** A new student, who wants something at random. */
export function addStudent(world: World, random: Random, number: number): Student {
  const language = random.pick(['nl', 'nl', 'en', 'de'] as const)
  const channel = random.pick(['whatsapp', 'whatsapp', 'widget', 'sms'] as const)
  const id = world.addStudent({ name: `Student ${number}`, channel, language })
  const conversation = world.chatwoot.conversations.get(id) as ConversationState
  const self: Self = { world, random, conversation, channel, words: WORDS[language], settles: [] }
  const { wants, steps } = wish(self)
  let tries = 0

  /** Since they wrote last, somebody has answered; or a person has the conversation, and will. */
  function isAnswered(): boolean {
    const last = conversation.messages.findLast(message => message.message_type === INCOMING || isTold(message))
    return last === undefined || isTold(last)
  }

  return {
    conversation,
    wants,
    isDone: () => steps.length === 0 && self.settles.length === 0,
    act(now) {
      self.settles = self.settles.filter(settle => settle(now) === 'later')
      // Whoever talks to a person leaves the rest to that person.
      if (conversation.status === 'open') steps.length = 0
      const [step] = steps
      if (step === undefined || !isAnswered()) return
      const what = step(now)
      if (what === 'done') {
        steps.shift()
        tries = 0
      } else if (what === 'again' && ++tries === TRIES) steps.length = 0
    },
  }
}

interface Self {
  world: World
  random: Random
  conversation: ConversationState
  channel: Channel
  words: (typeof WORDS)[Language]
  /** The ends of payments under way: the bank's doing, whoever has the conversation. */
  settles: Step[]
}

function wish(self: Self): { wants: string; steps: Step[] } {
  const { random, words } = self
  const hello = random.chance(0.4) ? [says(self, words.hello)] : []
  const booking = (begin: Step[], name: string) => {
    const { wants, steps } = paying(self)
    return { wants: `${name}, ${wants}`, steps: [...begin, chooses(self, TIME), ...steps] }
  }
  const what = random.next()
  if (what < 0.1) return { wants: 'weekly', steps: [...hello, ...asksWeekly(self)] }
  if (what < 0.15) {
    const books = [says(self, words.book), chooses(self, TIME)]
    return {
      wants: 'a package, book twice',
      steps: [...hello, says(self, words.package), pays(self, 'ideal'), ...books, ...books],
    }
  }
  if (what < 0.2)
    return { wants: 'a package, weekly', steps: [says(self, words.package), pays(self, 'card'), ...asksWeekly(self)] }
  if (what < 0.6) return booking([...hello, says(self, words.book)], 'book')
  if (what < 0.65) return booking([says(self, words.hello, '🙂', words.book)], 'book in three messages')
  if (what < 0.75) return { wants: 'trial', steps: [...hello, says(self, words.trial), chooses(self, TIME)] }
  if (what < 0.83) return { wants: 'prices', steps: [...hello, says(self, words.prices)] }
  if (what < 0.88) return { wants: 'a person', steps: [says(self, words.person)] }
  if (what < 0.93) return { wants: 'nothing that is understood', steps: [1, 2, 3].map(() => says(self, words.odd)) }
  const voice: Step = () => {
    self.world.sendVoice(self.conversation.id)
    return 'done'
  }
  return { wants: 'voice', steps: [voice, says(self, words.prices)] }
}

/** A time of each week, and most links that come for its lessons are paid. */
function asksWeekly(self: Self): Step[] {
  const { world, random, conversation, words, settles } = self
  const asks = `${words.weekly} ${random.pick(words.days)} ${random.between(10, 20)}:00`
  const paysLinks: Step = () => {
    for (const { content } of conversation.messages.filter(isTold)) {
      const session = sessionIn(content)
      const isOpen = session !== undefined && world.stripe.sessions.get(session)?.status === 'open'
      if (isOpen && random.chance(0.1)) world.pay(session, random.pick(['card', 'ideal'] as const))
    }
    return 'later'
  }
  const agrees: Step = now => {
    const said = says(self, words.yes)(now)
    settles.push(paysLinks)
    return said
  }
  return [says(self, asks), agrees]
}

/** How the titles of times end, in every language. */
const TIME = /\d{1,2}:\d\d$/

function paying(self: Self): { wants: string; steps: Step[] } {
  const { random, words } = self
  const method = random.pick(['card', 'ideal', 'ideal', 'sepa', 'none'] as const)
  if (method === 'none') return { wants: 'never pay', steps: [] }
  const wants = `pay by ${method}`
  const steps = [pays(self, method)]
  if (method === 'sepa') return { wants, steps }
  steps.push(waits(random.between(2, 30) * HOUR))
  const what = random.next()
  if (what < 0.25) return { wants: `${wants}, move`, steps: [...steps, says(self, words.move), chooses(self, TIME)] }
  if (what < 0.5) return { wants: `${wants}, cancel`, steps: [...steps, says(self, words.cancel), chooses(self)] }
  return { wants, steps }
}

function says({ world, conversation }: Self, ...texts: string[]): Step {
  return () => {
    for (const text of texts) world.say(conversation.id, text)
    return 'done'
  }
}

/** By the link in the last answer. */
function pays(self: Self, method: 'card' | 'ideal' | 'sepa'): Step {
  const { world, random, conversation, settles } = self
  return now => {
    const session = sessionIn(conversation.messages.findLast(isTold)?.content)
    if (session === undefined || world.stripe.sessions.get(session)?.status !== 'open') return 'again'
    world.pay(session, method)
    const end = now + random.between(10, 40) * HOUR
    const outcome = random.chance(0.8) ? 'succeeded' : 'failed'
    if (method === 'sepa')
      settles.push(later => {
        if (later < end) return 'later'
        // A payment that was stopped meanwhile has no end of its own.
        if (world.stripe.sessions.get(session)?.intent_status === 'processing') world.settle(session, outcome)
        return 'done'
      })
    return 'done'
  }
}

/** The checkout session of the payment link in a message. */
function sessionIn(content?: string | null): string | undefined {
  return /\/pay\/(cs_\w+)/.exec(`${content}`)?.[1]
}

/** Until so long after it is first tried, ms. */
function waits(ms: number): Step {
  let since: number | undefined
  return now => {
    since ??= now
    return now - since >= ms ? 'done' : 'later'
  }
}

/**
 * A choice of the last answer: pressed, or written as its number where there are no buttons.
 * @param fits one of those, at random; default: the first
 */
function chooses({ world, random, conversation, channel }: Self, fits?: RegExp): Step {
  return () => {
    const question = conversation.messages.findLast(isTold)
    const numbered = [...`${question?.content}`.matchAll(/^(\d+)\. (.+)$/gm)]
    const all =
      channel === 'sms' ? numbered.map(([, value = '', title = '']) => ({ value, title })) : choicesOf(question)
    const choice = fits === undefined ? all[0] : random.pick(all.filter(({ title }) => fits.test(title)))
    if (choice === undefined) return 'again'
    if (channel === 'sms') world.say(conversation.id, choice.value)
    else world.choose(conversation.id, (question as MessageState).id, choice.value)
    return 'done'
  }
}
