import { OptionError } from '../inbox/errors.ts'
import { LANGUAGE_CODES, type LanguageCode } from './texts/index.ts'

/**
 * WhatsApp's message templates: what a student can be told when the 24 hours after their last message are over. Each is
 * written and approved in Meta's Business Manager; its variables are the values named here, in this order.
 */
export const TEMPLATE_TEXTS = {
  /** Paid, and nothing was to be booked. */
  paid: ['amount'],
  booked: ['amount', 'when'],
  /** The payment link has expired. */
  expired: ['when'],
  paymentFailed: [],
  refunded: ['amount'],
  /** Of a lesson. */
  reminder: ['when'],
  /** A lesson that is booked and not paid. */
  payLesson: ['when', 'url', 'until', 'amount'],
  /** By the tutor, as the next ones. */
  added: ['when'],
  moved: ['from', 'to'],
  cancelled: ['when'],
} as const satisfies Record<string, readonly string[]>

export type TemplateText = keyof typeof TEMPLATE_TEXTS

/** A text that a template can say. */
export interface TemplateValues {
  text: TemplateText
  values: string[]
}

/** An approved template. */
export interface MessageTemplate {
  name: string
  /** Meta's code of each language that it is approved in, by ours: `{ nl: 'nl', en: 'en_US' }`. */
  languages: Partial<Record<LanguageCode, string>>
  /** Default `UTILITY`. */
  category?: string
}

export type MessageTemplates = Partial<Record<TemplateText, MessageTemplate>>

/** As Chatwoot's API takes it. */
export interface TemplateParams {
  name: string
  category: string
  language: string
  processed_params: { body: Record<string, string> }
}

/** undefined: no template is configured for this text in this language. */
export function templateParams(
  templates: MessageTemplates | undefined,
  { text, values }: TemplateValues,
  language: LanguageCode,
): TemplateParams | undefined {
  const { name, languages, category = 'UTILITY' } = templates?.[text] ?? {}
  const code = languages?.[language]
  if (name === undefined || code === undefined) return undefined
  const body = Object.fromEntries(values.map((value, index) => [`${index + 1}`, value]))
  return { name, category, language: code, processed_params: { body } }
}

/** @throws {OptionError} that names what is wrong */
export function validTemplates(templates: MessageTemplates | undefined): MessageTemplates | undefined {
  if (templates === undefined) return undefined
  const wrong = (what: string) => new OptionError(`chatwoot.templates (CW_TEMPLATES) ${what}`)
  const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
  if (!isObject(templates)) throw wrong('must be an object of templates by text')
  for (const [text, template] of Object.entries(templates)) {
    if (!Object.hasOwn(TEMPLATE_TEXTS, text)) {
      throw wrong(`has no text ${text}: there are ${Object.keys(TEMPLATE_TEXTS).join(', ')}`)
    }
    const { name, languages } = (isObject(template) ? template : {}) as Partial<MessageTemplate>
    if (typeof name !== 'string' || name === '') throw wrong(`${text}.name must be a template's name`)
    const codes = isObject(languages) ? Object.entries(languages) : []
    const isKnown = ([code, of]: [string, unknown]) =>
      LANGUAGE_CODES.some(known => known === code) && typeof of === 'string'
    if (codes.length === 0 || !codes.every(isKnown)) {
      throw wrong(
        `${text}.languages must be Meta's codes by ${LANGUAGE_CODES.join(', ')}: { "nl": "nl", "en": "en_US" }`,
      )
    }
  }
  return templates
}
