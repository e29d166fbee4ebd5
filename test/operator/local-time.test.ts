import tap from 'tap'
import { localZone, type Occurrence, readTime, timeField } from '../../operator/local-time.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const OCCURRENCES: Occurrence[] = ['first', 'second']
const read = (text: string, zone: string, occurrence: Occurrence = 'first') => {
  const time = readTime(text, zone, occurrence)
  return time === undefined ? undefined : new Date(time).toISOString()
}

tap.test('a time in a repeated hour is its first or second instant, as requested', async t => {
  for (const [zone, text, first, second] of [
    ['Europe/Amsterdam', '2026-10-25T02:30', '2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z'],
    ['Europe/Amsterdam', '2026-10-25T02:00', '2026-10-25T00:00:00.000Z', '2026-10-25T01:00:00.000Z'],
    ['Europe/Amsterdam', '2026-10-25T02:59:59.999', '2026-10-25T00:59:59.999Z', '2026-10-25T01:59:59.999Z'],
    ['Australia/Lord_Howe', '2026-04-05T01:45', '2026-04-04T14:45:00.000Z', '2026-04-04T15:15:00.000Z'],
    ['America/New_York', '2026-11-01T01:30', '2026-11-01T05:30:00.000Z', '2026-11-01T06:30:00.000Z'],
    ['America/Havana', '2026-11-01T00:00', '2026-11-01T04:00:00.000Z', '2026-11-01T05:00:00.000Z'],
  ] as const) {
    t.equal(read(text, zone, 'first'), first, `${zone} ${text}`)
    t.equal(read(text, zone, 'second'), second, `${zone} ${text}`)
  }
})

tap.test('a skipped time is the moment of the change', async t => {
  for (const [zone, text, instant] of [
    ['Europe/Amsterdam', '2026-03-29T02:30', '2026-03-29T01:00:00.000Z'],
    ['Europe/Amsterdam', '2026-03-29T02:00', '2026-03-29T01:00:00.000Z'],
    ['Europe/Amsterdam', '2026-03-29T02:59:59.999', '2026-03-29T01:00:00.000Z'],
    ['Australia/Lord_Howe', '2026-10-04T02:15', '2026-10-03T15:30:00.000Z'],
    ['Africa/Cairo', '2026-04-24', '2026-04-23T22:00:00.000Z'],
    ['Pacific/Apia', '2011-12-30T12:00', '2011-12-30T10:00:00.000Z'],
  ] as const) {
    for (const occurrence of OCCURRENCES) t.equal(read(text, zone, occurrence), instant, `${zone} ${text}`)
  }
})

tap.test('any other time has one instant, in winter and in summer', async t => {
  for (const occurrence of OCCURRENCES) {
    const inAmsterdam = (text: string) => read(text, 'Europe/Amsterdam', occurrence)
    t.equal(inAmsterdam('2026-01-15T10:00'), '2026-01-15T09:00:00.000Z')
    t.equal(inAmsterdam('2026-07-15 10:00:05'), '2026-07-15T08:00:05.000Z')
    t.equal(inAmsterdam('2026-07-15'), '2026-07-14T22:00:00.000Z', 'its beginning')
    t.equal(inAmsterdam('2026-07-15T24:00'), '2026-07-15T22:00:00.000Z')
    t.equal(inAmsterdam('2026-03-29T01:59'), '2026-03-29T00:59:00.000Z')
    t.equal(inAmsterdam('2026-03-29T03:00'), '2026-03-29T01:00:00.000Z')
    t.equal(inAmsterdam('2026-10-25T01:59'), '2026-10-24T23:59:00.000Z')
    t.equal(inAmsterdam('2026-10-25T03:00'), '2026-10-25T02:00:00.000Z')
    for (const offset of ['+01:00', '+0100', '+01']) {
      t.equal(inAmsterdam(`2026-10-25T02:30${offset}`), '2026-10-25T01:30:00.000Z')
    }
    t.equal(inAmsterdam('2026-10-25T02:30-04:30'), '2026-10-25T07:00:00.000Z')
    t.equal(inAmsterdam(' 2026-10-25t02:30z '), '2026-10-25T02:30:00.000Z')
  }
  t.equal(read('2026-07-15T10:00', localZone()), new Date(2026, 6, 15, 10).toISOString())
})

tap.test('invalid times', async t => {
  for (const text of [
    '',
    'yesterday',
    '2026',
    '2026-13-01',
    '2026-02-30',
    '2026-02-29T10:00',
    '2026-10-25T25:00',
    '10:00',
  ]) {
    t.equal(read(text, 'Europe/Amsterdam'), undefined, text)
  }
  for (const text of ['2026-10-25T10', '2026-10-25T10:00+1', '2026-10-25T10:00 CET', '+012026-10-25T10:00']) {
    t.equal(read(text, 'Europe/Amsterdam'), undefined, text)
  }
})

tap.test('a form value parses to the same instant', async t => {
  const changes: Record<string, string[]> = {
    'Europe/Amsterdam': ['2026-03-29T01:00Z', '2026-10-25T01:00Z'],
    'America/New_York': ['2026-03-08T07:00Z', '2026-11-01T06:00Z'],
    'Australia/Lord_Howe': ['2026-04-04T15:00Z', '2026-10-03T15:30Z'],
    'Africa/Casablanca': ['2026-02-15T02:00Z', '2026-03-22T02:00Z'],
    'Africa/Cairo': ['2026-04-23T22:00Z', '2026-10-29T21:00Z'],
    'Pacific/Apia': ['2011-12-30T10:00Z'],
    'Asia/Kolkata': ['2026-06-01T00:00Z'],
    UTC: ['2026-06-01T00:00Z'],
  }
  for (const [zone, instants] of Object.entries(changes)) {
    const wrong: string[] = []
    for (const change of instants.map(Date.parse)) {
      for (let at = change - 30 * HOUR; at <= change + 30 * HOUR; at += 7.5 * MINUTE) {
        for (const exact of [at - 1, at, at + 1_000]) {
          for (const occurrence of OCCURRENCES) {
            const { value } = timeField(exact, zone, occurrence)
            if (readTime(value, zone, occurrence) !== exact) wrong.push(value)
          }
        }
      }
    }
    t.same(wrong, [], zone)
  }
  const field = (at: string, occurrence: Occurrence) => timeField(Date.parse(at), 'Europe/Amsterdam', occurrence)
  t.same(field('2026-10-25T00:30Z', 'first'), { type: 'datetime-local', value: '2026-10-25T02:30' })
  t.same(field('2026-10-25T01:30Z', 'first'), { type: 'text', value: '2026-10-25T01:30:00.000Z' })
  t.same(field('2026-10-25T01:30:05Z', 'second'), { type: 'datetime-local', value: '2026-10-25T02:30:05' })
})
