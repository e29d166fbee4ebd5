import createError from '@fastify/error'
import { LANGUAGE_CODES, type LanguageCode, TEXTS } from '../../handlers/texts/index.ts'
import type { Json } from '../../sources/json.ts'
import type { ConversationState } from '../chatwoot-state.ts'
import type { PageContext } from './page.ts'
import { nextExpiry, tomorrow } from './time.ts'

const BadFieldError = createError<[string]>('SANDBOX_BAD_FIELD', '%s', 400)

const HOUR = 60 * 60_000
const MAX_TEXT = 4_000
const MAX_NAME = 60

/** What a form of the page does, by its name. What comes back is where it leads to, if not where it came from. */
export type Action = (context: PageContext, fields: Json) => unknown

export const ACTIONS: Readonly<Record<string, Action>> = {
  // The student
  say: (context, fields) => context.world.say(conversation(context, fields), text(fields)),
  choose: (context, fields) =>
    context.world.choose(conversation(context, fields), number(fields, 'message'), string(fields, 'value')),
  voice: (context, fields) => context.world.sendVoice(conversation(context, fields)),
  picture: (context, fields) => context.world.sendPicture(conversation(context, fields)),
  student: (context, fields) =>
    context.world.addStudent({
      name: text(fields, 'name', MAX_NAME),
      channel: oneOf(fields, 'channel', ['whatsapp', 'widget', 'sms']),
      language: oneOf(fields, 'language', LANGUAGE_CODES),
    }),
  example: (context, fields) => {
    const language = oneOf(fields, 'language', LANGUAGE_CODES)
    speak(context, conversation(context, fields), language)
    context.world.say(conversation(context, fields), TEXTS[language].choices.book)
  },

  // The payment
  pay: (context, fields) =>
    context.world.pay(session(context, fields), oneOf(fields, 'method', ['card', 'ideal', 'sepa'])),
  settle: (context, fields) =>
    context.world.settle(session(context, fields), oneOf(fields, 'outcome', ['succeeded', 'failed'])),
  expire: (context, fields) => context.world.expire(session(context, fields)),
  refund: (context, fields) => context.world.refund(session(context, fields), cents(fields)),
  'fail-refund': (context, fields) => context.world.failRefund(session(context, fields)),
  dispute: (context, fields) =>
    context.world.dispute(session(context, fields), oneOf(fields, 'step', ['created', 'won', 'lost'])),

  // The tutor
  answer: (context, fields) =>
    context.world.answer(conversation(context, fields), text(fields), oneOf(fields, 'via', ['chatwoot', 'phone'])),
  note: (context, fields) => context.world.note(conversation(context, fields), text(fields)),
  assign: (context, fields) =>
    context.world.assign(conversation(context, fields), oneOf(fields, 'on', ['yes', 'no']) === 'yes'),
  'give-back': (context, fields) => context.world.giveBack(conversation(context, fields)),
  resolve: (context, fields) => context.world.resolve(conversation(context, fields)),

  // What breaks things, and the clock
  faults: (context, fields) => {
    const FAULTS = ['none', 'down', 'slow', '429'] as const
    if (fields.chatwoot !== undefined) context.world.setFaults({ chatwoot: oneOf(fields, 'chatwoot', FAULTS) })
    if (fields.stripe !== undefined) context.world.setFaults({ stripe: oneOf(fields, 'stripe', FAULTS) })
    if (fields.twice !== undefined) context.world.setFaults({ twice: oneOf(fields, 'twice', ['yes', 'no']) === 'yes' })
  },
  kill: ({ service }) => service.kill(),
  // What comes of it shows on the page.
  start: ({ service }) => void service.start(),
  resend: (context, fields) => context.world.resend(number(fields, 'wire')),
  clock: async (context, fields) => {
    const { clock } = context
    const to = oneOf(fields, 'to', ['hour', 'expiry', 'tomorrow'])
    const at = { hour: clock.now() + HOUR, expiry: nextExpiry(context), tomorrow: tomorrow(context) }[to]
    if (at === undefined) throw new BadFieldError('No payment link is open, so none expires')
    await clock.move(Math.ceil(at - clock.now()) + (to === 'expiry' ? 1_000 : 0))
  },
}

/** Lets a student who has written nothing yet write in a language. */
function speak({ world }: PageContext, id: number, language: LanguageCode): void {
  const conversation = world.chatwoot.conversations.get(id) as ConversationState
  const contact = world.chatwoot.contacts.get(conversation.contact)
  if (contact !== undefined) contact.custom_attributes.language = language
}

function conversation({ world }: PageContext, fields: Json): number {
  const id = number(fields, 'conversation')
  if (!world.chatwoot.conversations.has(id))
    throw new BadFieldError('There is no such conversation: the sandbox was started again')
  return id
}

function session({ world }: PageContext, { session }: Json): string {
  const id = typeof session === 'string' ? session : ''
  if (!world.stripe.sessions.has(id)) throw new BadFieldError('There is no such payment: the sandbox was started again')
  return id
}

function text(fields: Json, name = 'text', max = MAX_TEXT): string {
  const given = string(fields, name).trim()
  if (given === '' || given.length > max) throw new BadFieldError(`${name} must be 1 to ${max} characters long`)
  return given
}

function number(fields: Json, name: string): number {
  const given = string(fields, name)
  if (!/^\d{1,15}$/.test(given)) throw new BadFieldError(`${name} must be a whole number`)
  return Number(given)
}

/** An amount of euros, such as 12.50, in cents. */
function cents(fields: Json): number {
  const given = string(fields, 'amount').replace(',', '.')
  if (!/^\d{1,6}(\.\d{1,2})?$/.test(given)) throw new BadFieldError('amount must be a sum of money, such as 12.50')
  return Math.round(Number(given) * 100)
}

function oneOf<Value extends string>(fields: Json, name: string, values: readonly Value[]): Value {
  const given = string(fields, name)
  const found = values.find(value => value === given)
  if (found === undefined) throw new BadFieldError(`${name} must be one of ${values.join(', ')}`)
  return found
}

function string(fields: Json, name: string): string {
  const given = fields[name]
  if (typeof given !== 'string') throw new BadFieldError(`${name} is missing`)
  return given
}
