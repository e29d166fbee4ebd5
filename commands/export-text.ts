import { indentedJson } from '../operator/json-text.ts'
import { formatLocal } from '../operator/lessons/view.ts'
import type { Section } from './export-sections.ts'

/** An export as text, line by line: only one item of it is in memory at a time. */

export interface About {
  /** In ISO 8601. */
  exportedAt: string
  /** The tutor's IANA time zone. */
  zone: string
  contact: string | null
  /** Display ids. */
  conversations: string[]
  values: string[]
  /** What is kept elsewhere, and where. */
  notIncluded: string[]
  /** What `forget` erases of it, and what it leaves. */
  forget: string
}

export async function* jsonLines(about: About, sections: readonly Section[]): AsyncGenerator<string> {
  yield '{'
  yield `"about": ${indentedJson(about).text}`
  for (const { name, items } of sections) {
    yield `,"${name}": [`
    let isFirst = true
    for await (const item of items()) {
      yield `${isFirst ? '' : ','}${indentedJson(item).text}`
      isFirst = false
    }
    yield ']'
  }
  yield '}'
}

export async function* textLines(about: About, sections: readonly Section[]): AsyncGenerator<string> {
  const { exportedAt, zone, contact, conversations, values, notIncluded, forget } = about
  yield* [
    '# What is kept about a person',
    '',
    `- Written on ${formatLocal(Date.parse(exportedAt), zone)}. All times are in ${zone}.`,
    ...(contact === null
      ? []
      : [`- Contact in Chatwoot: ${contact}. Conversations: ${conversations.join(', ') || 'none'}.`]),
    ...values.map(value => `- What contains: ${value}`),
    '',
    'Not in here:',
    '',
    ...notIncluded.map(what => `- ${what}`),
    '',
    forget,
  ]
  for (const section of sections) {
    yield* ['', `## ${section.title}`, '']
    for await (const item of section.items()) yield* section.lines(item)
    if (section.count === 0) yield 'None.'
  }
  yield* ['', 'That is all.']
}
