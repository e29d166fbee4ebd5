import t from 'tap'
import { profileOf } from '../../handlers/planning.ts'
import { spokenTime } from '../../handlers/spoken-time.ts'
import { TEXTS } from '../../handlers/texts/index.ts'
import { whyNot } from '../../handlers/why-not.ts'
import { tutorOf } from '../../tutor/tutor.ts'

/** A Monday, 11:00 in Amsterdam. */
const NOW = Date.parse('2026-11-23T10:00:00Z')
const ZONE = 'Europe/Amsterdam'
const DAY_MINUTES = 24 * 60

t.test('a time at which lessons begin, but which is not free, is taken', async t => {
  const reader = { language: 'nl', zone: ZONE, tutorZone: ZONE } as const
  const spoken = spokenTime('donderdag 16:00', NOW, reader)
  t.ok(spoken)
  if (spoken === undefined) return
  const profile = profileOf(tutorOf({}, ZONE), 'new', { type: 'regular', minutes: 60 })
  t.match(whyNot(spoken, profile, NOW, reader, TEXTS.nl), /^Die tijd is helaas niet meer vrij/)
})

t.test('too short notice, where no lesson can be had at all: no first one is named', async t => {
  const reader = { language: 'nl', zone: ZONE, tutorZone: ZONE } as const
  const profile = profileOf(tutorOf({}, ZONE), 'new', { type: 'regular', minutes: 60 })
  const spoken = spokenTime('dinsdag 17:00', NOW, reader)
  t.ok(spoken)
  if (spoken === undefined) return
  const why = (leadMinutes: number) => whyNot(spoken, { ...profile, leadMinutes }, NOW, reader, TEXTS.nl)
  t.match(why(2 * DAY_MINUTES), /^Dat is te kort van tevoren: de eerste les kan woensdag 25 november/)
  t.match(why(60 * DAY_MINUTES), /^Precies dan begint er geen les/)
})
