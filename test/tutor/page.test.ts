import t from 'tap'
import { readTutorFile } from '../../tutor/file.ts'
import { TUTOR_SCHEMA } from '../../tutor/schema.ts'
import type { WEEKDAYS } from '../../tutor/settings.ts'
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

/** Hours of the same span on several days: `mon–fri 10:00-20:00`. */
function shown(preset: unknown): string {
  if (typeof preset !== 'object' || preset === null) return `${preset ?? ''}`
  const days = Object.keys(preset) as (typeof WEEKDAYS)[number][]
  const [first = '', last = ''] = [days[0], days.at(-1)].map(day => day?.slice(0, 3))
  const spans = [...new Set(Object.values(preset).flat())]
  return `${first}–${last} ${spans.join(', ')}`
}

t.test('its example is a file that is read', async t => {
  const file = `${t.testdir({ 'tutor.json': `\uFEFF${exampleText}` })}/tutor.json`
  const tutor = tutorOf(readTutorFile(file), 'Europe/Brussels')
  t.strictSame(tutor.planning.existing.hours[6], [[540, 780]])
})
