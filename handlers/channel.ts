import type { MenuItem } from '../clients/chatwoot.ts'
import type { HandlerContext } from '../inbox/drain.ts'
import type { Conversation } from './conversation.ts'
import type { Reply } from './reply.ts'
import type { Services } from './services.ts'
import { type TemplateParams, templateParams } from './templates.ts'

/** What a channel can show and deliver. */

/** Channels on which Chatwoot shows choices as buttons or lists. The others show the text only. */
const WITH_BUTTONS = new Set([
  'Channel::WebWidget',
  'Channel::Whatsapp',
  'Channel::Telegram',
  'Channel::FacebookPage',
  'Channel::Line',
])

/** WhatsApp's limits: more choices than buttons are a list. Characters. */
export const WHATSAPP_LIMITS = { rows: 10, rowTitle: 24, buttons: 3, buttonTitle: 20, text: 1_024 }

/** On a message that did not reach the student, and on one that could not be sent. */
export const UNDELIVERED_LABEL = 'delivery:failed'

/** A reply as its channel can carry it. */
export interface ChannelReply extends Reply {
  template?: TemplateParams | undefined
  /** The channel takes no message now: the tutor is told instead. */
  isUnsaid?: boolean
}

export function forChannel({ templates }: Services, conversation: Conversation, reply: Reply): ChannelReply {
  if (reply.content === undefined) return reply
  if (!conversation.canReply) return outsideWindow(templates, conversation, reply)
  return showsButtons(conversation, reply) ? reply : withChoicesInText(conversation, reply)
}

/** Also where Chatwoot does not say which channel it is. */
function showsButtons({ channel }: Conversation, { content = '', items = [] }: Reply): boolean {
  if (channel === 'Channel::Whatsapp' && items.length > 0) return fitsWhatsApp(content, items)
  return channel === null || WITH_BUTTONS.has(channel)
}

/** Chatwoot sends it anyway, and WhatsApp refuses it. */
export function fitsWhatsApp(content: string, items: readonly MenuItem[]): boolean {
  const { rows, rowTitle, buttons, buttonTitle, text } = WHATSAPP_LIMITS
  const longest = items.length > buttons ? rowTitle : buttonTitle
  return content.length <= text && items.length <= rows && items.every(({ title }) => title.length <= longest)
}

/** The choices stand in the text. The conversation remembers it: a number is then an answer. */
function withChoicesInText({ attributes }: Conversation, { items, ...reply }: Reply): ChannelReply {
  const isNumbered = items !== undefined
  const numbered = items?.map(({ title }, index) => `${index + 1}. ${title}`) ?? []
  const content = [`${reply.content}`, ...(isNumbered ? ['', ...numbered] : [])].join('\n')
  if ((attributes.numbers_shown === true) === isNumbered) return { ...reply, content }
  return { ...reply, content, attributes: { ...reply.attributes, numbers_shown: isNumbered || null } }
}

/**
 * WhatsApp's 24 hours after the student's last message are over: only a template would arrive, and what else is sent
 * fails later. The tutor can call, or send a template; a question has to be asked by a person.
 */
function outsideWindow(templates: Services['templates'], conversation: Conversation, reply: Reply): ChannelReply {
  const { items, ...withoutItems } = reply
  const { content, about, note, labels, ...rest } = withoutItems
  const template = about && templateParams(templates, about, conversation.language)
  if (template !== undefined) return { ...withoutItems, template }
  const unsaid = `The channel takes no message now (over 24 hours since the student's last one), so TutorBot has not told the student: "${content}"`
  return {
    ...rest,
    note: note === undefined ? unsaid : `${note}\n${unsaid}`,
    labels: { ...labels, add: [...(labels?.add ?? []), UNDELIVERED_LABEL] },
    ...(items !== undefined && { handsOver: true }),
    isUnsaid: true,
  }
}

/** A message that could not be sent is counted like one that was not delivered, once. @param key unique to it */
export async function countUnsaid(
  { events }: Pick<Services, 'events'>,
  { id }: Conversation,
  key: string,
  { once, log }: HandlerContext,
): Promise<void> {
  await once(`${key}:unsaid`, () => {
    const why = 'the channel takes no message now'
    log.warn({ conversation: id, why }, 'a message was not sent to the student')
    events.emit('undelivered', { conversation: id, message: null, why })
  })
}
