import { DateTime, IANAZone } from 'luxon'
import { LANGUAGES, type LanguageCode } from './texts/index.ts'

/** Whose language and clock a text is for. */
export interface Reader {
  language: LanguageCode
  /** The reader's IANA time zone. */
  zone: string
  /** Texts name the reader's zone if it differs from this one. */
  tutorZone: string
}

/** The contact's `timezone` attribute if valid, else the tutor's zone. */
export function zoneOf(timezone: unknown, tutorZone: string): string {
  return typeof timezone === 'string' && IANAZone.isValidZone(timezone) ? timezone : tutorZone
}

/** A time to choose, such as `di 24 nov 17:00`. @param at Unix ms @param format the short one stands beside a word */
export function choiceTitle(
  at: number,
  { language, zone }: Reader,
  format: 'choice' | 'shortChoice' = 'choice',
): string {
  return inZone(at, zone, language)
    .toFormat(LANGUAGES[language].formats[format])
    .replaceAll(/(?<=\p{L})\./gu, '')
}

/** A date and a time of day in a sentence, such as `dinsdag 24 november om 17:00`. @param at Unix ms */
export function formatWhen(at: number, { language, zone, tutorZone }: Reader): string {
  const { formats, texts } = LANGUAGES[language]
  const time = inZone(at, zone, language)
  return texts.when(time.toFormat(formats.date), time.toFormat(formats.time), zone === tutorZone ? null : zone)
}

/** A day in a sentence, such as `dinsdag 24 november`. @param at Unix ms */
export function formatDay(at: number, { language, zone }: Reader): string {
  return inZone(at, zone, language).toFormat(LANGUAGES[language].formats.date)
}

/** A day of the week, such as `dinsdag`. @param at Unix ms */
export function formatWeekday(at: number, { language, zone }: Reader): string {
  return inZone(at, zone, language).toFormat('cccc')
}

/** A time of day, such as `17:40`. @param at Unix ms */
export function formatTime(at: number, { language, zone }: Reader): string {
  return inZone(at, zone, language).toFormat(LANGUAGES[language].formats.time)
}

function inZone(at: number, zone: string, language: LanguageCode): DateTime {
  return DateTime.fromMillis(at, { zone, locale: LANGUAGES[language].locale })
}

/** Parses an ISO 8601 time with an offset to Unix ms; undefined if it is none. */
export function parseTime(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/T.*(Z|[+-]\d\d(:?\d\d)?)$/.test(text)) return undefined
  const time = DateTime.fromISO(text)
  return time.isValid ? time.toMillis() : undefined
}

/** @param at Unix ms */
export function isoTime(at: number, zone: string): string {
  return DateTime.fromMillis(at, { zone }).toISO({ suppressMilliseconds: true }) as string
}
