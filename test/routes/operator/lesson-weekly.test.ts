import tap from 'tap'
import { startWithLessons } from '../../helpers/lessons.ts'
import { weeklyTime } from '../../helpers/local-calendar-conformance.ts'
import { STORES } from '../../helpers/stores.ts'

/** The times that students have each week, on the operator's page and in the API. */

const hidden = (body: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(body)?.[1] as string

for (const [name, store] of Object.entries(STORES)) {
  tap.test(`weekly times are listed and ended: ${name}`, async t => {
    const chatwoot = { url: 'https://chat.example.com', accountId: '3' }
    const { calendar, page, form, signIn, api, book, log } = await startWithLessons(t, {
      store: await store(t),
      chatwoot,
    })
    await signIn()
    t.match((await page('/dashboard/lessons')).body, '<a href="/dashboard/lessons/weekly">Weekly</a>')
    t.match((await page('/dashboard/lessons/weekly')).body, 'There are no weekly lessons.')
    await calendar.weekly.add({ ...weeklyTime('42-aa', 2, '17:05'), student: '<Bob>', conversation: '42' })
    await calendar.weekly.add({ ...weeklyTime('42-bb', 1, '09:00'), student: '', conversation: '42' })
    await book('42-aa-20261201', '2026-12-01T16:00:00Z', { payment: 'unpaid' })
    const { body } = await page('/dashboard/lessons/weekly')
    t.match(body, /Monday 09:00, no name<[\s\S]*Tuesday 17:05, &#60;Bob&#62;<\/strong>: Maths, 60 minutes/)
    t.match(await api('GET', '/lessons/weekly'), {
      weekly: [
        { id: '42-bb', day: 'Monday', time: '09:00' },
        { id: '42-aa', conversationUrl: 'https://chat.example.com/app/accounts/3/conversations/42' },
      ],
    })
    const ended = await form('/dashboard/lessons/weekly/42-aa/end', { key: hidden(body, 'key') })
    t.match(ended, { statusCode: 303, headers: { location: '/dashboard/lessons/weekly?done=ending' } })
    await log.line(line => line.event === 'tutorbot.weekly_end' && line.attempt === 1)
    const after = (await page('/dashboard/lessons/weekly?done=ending')).body
    t.match(after, 'Asked for: it ends in a moment')
    t.notMatch(after, '42-aa')
    t.strictSame(await calendar.lessons(0, 8e12), [])
    t.match(await form('/dashboard/lessons/weekly/42-aa/end', { key: 'x' }), { statusCode: 404 })

    const asked = await api('POST', '/lessons/weekly/42-b/end', { key: 'mine' })
    t.match(asked, { status: 'asked', id: '42-bb', change: /^[\w-]{36}$/ })
    await log.line(line => line.delivery === asked.change && line.attempt === 1 && line.event !== undefined)
    t.match(await api('GET', `/lessons/changes/${asked.change}`), { state: 'done', why: /^ended; 0 unpaid/ })
    const again = await api('POST', '/lessons/weekly/42-bb/end', { key: 'mine' })
    t.match(again, { status: 'asked', id: '42-bb', change: asked.change }, 'the same request, although it has ended')
    t.match(await api('POST', '/lessons/weekly/42-bb/end', { key: 'other' }), { statusCode: 404 })
    t.match(await api('POST', '/lessons/weekly/zz/end', {}), {
      statusCode: 404,
      message: 'There are no weekly lessons zz',
    })
  })
}
