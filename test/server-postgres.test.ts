import t from 'tap'
import { chatwoot } from '../commands/samples.ts'
import { buildServer } from '../server.ts'
import { CHATWOOT_SECRET, chatwootRequest } from './helpers/app.ts'
import { lesson } from './helpers/calendar-conformance.ts'
import { postgresServer } from './helpers/postgres-server.ts'

t.test('the standalone server on PostgreSQL, twice on one database', async t => {
  const postgres = await postgresServer()
  t.teardown(() => postgres.close())
  const token = 'calendar-token-of-16'
  const env = {
    PORT: '0',
    LOG_LEVEL: 'silent',
    DATABASE_URL: await postgres.database(),
    CW_HMAC_SECRET: CHATWOOT_SECRET,
    CALENDAR_TOKEN: token,
  }
  const [one, two] = await Promise.all([buildServer({ env }), buildServer({ env })])
  t.teardown(() => Promise.all([one.close(), two.close()]))

  const request = chatwootRequest(chatwoot.conversationCreated())
  t.match((await one.inject(request)).json(), { status: 'accepted' })
  t.match((await two.inject(request)).json(), { status: 'duplicate' }, 'whichever gets it')
  t.match((await two.inject('/ready')).json(), { status: 'ready' })

  const { signal } = new AbortController()
  t.equal(await one.webhooks.calendar.book(lesson('A', '10:00-11:00'), signal), 'booked')
  t.equal(await two.webhooks.calendar.book(lesson('B', '10:30-11:30'), signal), 'taken')
  t.match((await two.inject(`/calendar.ics?token=${token}`)).body, /BEGIN:VEVENT/)
})
