import { Ajv } from 'ajv'
import t from 'tap'
import { readTutorFile } from '../../tutor/file.ts'
import { checkTutor } from '../../tutor/problems.ts'
import { TUTOR_SCHEMA } from '../../tutor/schema.ts'
import { SLOW_METHODS, type WEEKDAYS } from '../../tutor/settings.ts'
import { PLACEHOLDERS } from '../../tutor/texts.ts'
import { tutorOf } from '../../tutor/tutor.ts'
import { exampleText, page } from '../helpers/tutor-page.ts'

/** docs/tutor-settings.md says what the schema says. */

const SEGMENTS = ['new', 'existing', 'returning_broadcast', 'weekend', 'trial'] as const

interface Described {
  description: string
  default?: unknown
}

t.test('its table has every setting of the planning, with its defaults', async t => {
  const { properties } = TUTOR_SCHEMA.properties.planning
  const rows = Object.entries(properties.new.properties as Record<string, Described>).map(([name, { description }]) => {
    const presets = SEGMENTS.map(segment => shown((properties[segment].properties[name] as Described).default))
    return `| ${[`\`${name}\``, ...presets, description].join(' | ')} |`
  })
  for (const row of rows) t.ok(page.includes(`${row}\n`), row)
})

t.test('its table has every setting of a lesson', async t => {
  const { properties } = TUTOR_SCHEMA.properties.lessons.items
  for (const [name, { description }] of Object.entries(properties as Record<string, Described>)) {
    const row = `| \`${name}\` | ${description} |\n`
    t.ok(page.includes(row), row)
  }
})

t.test('its tables have every text, and every kind of words', async t => {
  const { nl } = TUTOR_SCHEMA.properties.texts.properties as Record<string, { properties: Record<string, Described> }>
  const texts = nl?.properties as Record<string, Described & { properties: Record<string, Described> }>
  const plain = Object.entries(PLACEHOLDERS).map(([name, names]) => {
    const ours = `${texts[name]?.default}`.replaceAll('\n', ' ⏎ ')
    return `| \`${name}\` | ${names.map(each => `\`{${each}}\``).join(' ')} | ${ours} |\n`
  })
  const grouped = ['choices', 'paidPage'].flatMap(group =>
    Object.entries(texts[group]?.properties ?? {}).map(
      ([name, { default: ours }]) => `| \`${group}.${name}\` | ${ours} |\n`,
    ),
  )
  const { nl: words } = TUTOR_SCHEMA.properties.words.properties as typeof TUTOR_SCHEMA.properties.words.properties
  const kinds = Object.entries((words as { properties: object }).properties as Record<string, Described>).map(
    ([kind, { description }]) => `| \`${kind}\` | ${description} |\n`,
  )
  for (const row of [...plain, ...grouped, ...kinds]) t.ok(page.includes(row), row)
  t.ok(grouped.length > 5 && kinds.length > 10)
})

t.test('its tables of payment, of booked lessons and of hand-over are complete', async t => {
  for (const part of ['payment', 'cancellation', 'moving', 'reminders', 'handOver'] as const) {
    const properties: Record<string, Described> = TUTOR_SCHEMA.properties[part].properties
    for (const [name, { description, default: preset }] of Object.entries(properties)) {
      const row = `| \`${name}\` | ${presetCell(preset)} | ${description} |\n`
      t.ok(page.includes(row), row)
    }
  }
  for (const method of SLOW_METHODS) t.ok(page.includes(`\`${method}\``), method)
})

function presetCell(preset: unknown): string {
  if (Array.isArray(preset)) return `\`${JSON.stringify(preset)}\``
  return typeof preset === 'object' ? '' : `${preset}`
}

/** Hours of the same span on several days: `mon–fri 10:00-20:00`. */
function shown(preset: unknown): string {
  if (typeof preset !== 'object' || preset === null) return `${preset ?? ''}`
  const days = Object.keys(preset) as (typeof WEEKDAYS)[number][]
  const [first = '', last = ''] = [days[0], days.at(-1)].map(day => day?.slice(0, 3))
  const spans = [...new Set(Object.values(preset).flat())]
  return `${first}–${last} ${spans.join(', ')}`
}

t.test('it names every setting, and shows what wrong ones get', async t => {
  for (const name of Object.keys(TUTOR_SCHEMA.properties))
    t.ok(page.includes(`\`${name}\``) || page.includes(`"${name}": `), name)
  const [, shown = ''] = /did not start: (tutor\.json: .*?)\n```/s.exec(page) ?? []
  const wrong = { planning: { all: { hours: { monday: ['20:00-09:00'] } } }, closed: ['2026-07-31/2026-07-01'] }
  t.throws(() => checkTutor(wrong, 'tutor.json: '), { message: shown })
})

t.test('the schema is a JSON Schema, without keywords that are ignored', async t => {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true })
  t.ok(ajv.validateSchema(TUTOR_SCHEMA))
  t.ok(ajv.compile(TUTOR_SCHEMA)(JSON.parse(exampleText)))
})

t.test('its example is a file that is read', async t => {
  const file = `${t.testdir({ 'tutor.json': `\uFEFF${exampleText}` })}/tutor.json`
  const tutor = tutorOf(readTutorFile(file), 'Europe/Brussels')
  t.strictSame(tutor.planning.existing.hours[6], [[540, 780]])
})
