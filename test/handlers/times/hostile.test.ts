import fc from 'fast-check'
import t from 'tap'
import { spokenTimes } from '../../../handlers/spoken-time.ts'
import { LANGUAGE_CODES } from '../../../handlers/texts/index.ts'
import { timePartsOf } from '../../../handlers/time-parts.ts'

const NOW = Date.parse('2026-11-23T10:00:00Z')
const ZONE = 'Europe/Amsterdam'
const MAX_LENGTH = 300
const WORDS = [
  ...['dinsdag', 'half', 'vijf voor', 'kwart', 'niet', 'of', 'tussen', 'en', 'van', 'tot', 'om', 'week', 'volgende'],
  ...['the', 'day', 'after', 'tomorrow', 'quarter', 'past', 'except', 'next', '12', '24', '.', ':', '/', '-', ',', '5'],
  ...['nächste', 'Woche', 'Viertel', 'fünf', 'nach', 'é', '👍', '\u0301', "'ll", 'uur', 'Uhr', 'pm', 'a'],
]

/** Reads a text in each language; false: more parts or times were made of it than it has characters. */
function isReadInProportion(text: string): boolean {
  return LANGUAGE_CODES.every(language => {
    const parts = timePartsOf(text, language)
    const { time } = spokenTimes(text, NOW, { zone: ZONE, language }, { isHourAsked: true })
    const groups = [...(time?.wanted ?? []), ...(time?.refused ?? [])]
    return (
      parts.length <= 2 * text.length + 2 &&
      groups.length <= text.length &&
      typeof (time?.isMeant(NOW) ?? true) === 'boolean'
    )
  })
}

t.test('whatever is written, no more is made of it than it has characters', async t => {
  for (const word of WORDS) t.ok(isReadInProportion(`${word} `.repeat(MAX_LENGTH).slice(0, MAX_LENGTH)), word)
  const words = fc
    .array(fc.constantFrom(...WORDS), { maxLength: 100 })
    .map(words => words.join(' ').slice(0, MAX_LENGTH))
  fc.assert(fc.property(fc.oneof(words, fc.string({ maxLength: MAX_LENGTH, unit: 'grapheme' })), isReadInProportion), {
    numRuns: 200,
  })
  const spoken = spokenTimes('om '.repeat(100), NOW, { zone: ZONE, language: 'nl' })
  t.equal(spoken.time, undefined)
})
