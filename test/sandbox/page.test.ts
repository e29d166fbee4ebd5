import t from 'tap'
import { formsOf, startPage, textOf } from '../helpers/sandbox-page.ts'

t.test('a lesson is asked for, paid and booked without a script', async t => {
  const { press, get } = await startPage(t)
  t.match(textOf(await get('/sandbox')), /Write as a student ?in any/)
  const asked = await press('/sandbox', 'example', { language: 'nl' })
  t.match(textOf(asked), /Wanneer wil je je les van 60 minuten\?/)
  t.notMatch(textOf(asked), /Write as a student ?in any/, 'only where nothing is written yet')
  const time = formsOf(asked).find(({ action }) => action.endsWith('/choose'))
  const value = /name="value" value="([^"]+)"[^>]*><span>di 24 nov 10:00/.exec(String(time?.content))?.[1] ?? ''
  const reserved = await press('/sandbox', 'choose', { value }, 'di 24 nov 10:00')
  t.match(textOf(reserved), /Je les op dinsdag 24 november om 10:00 staat voor je klaar/)
  t.match(reserved, '<a href="/sandbox/pay/cs_test_1" target="_blank">')
  t.match(textOf(reserved), /10:00–11:00 held/)
  t.match(textOf(await get('/sandbox/pay/cs_test_1')), /60 minutes, Tuesday 24 November, 10:00 Sanne/)
  const paid = await press('/sandbox/pay/cs_test_1', 'pay', {}, 'iDEAL')
  t.match(textOf(paid), /Je les staat vast: dinsdag 24 november om 10:00/)
  t.match(textOf(paid), /10:00–11:00 Sanne paid/)
})
