import t from 'tap'
import { startWithLessons } from '../../helpers/lessons.ts'

t.test('a lesson without a name, of a conversation that is not Chatwoot’s', async t => {
  const { book, page, signIn } = await startWithLessons(t)
  await signIn()
  await book('elsewhere', '2026-11-25T09:00:00Z', { student: '', conversation: 'shop-7' })
  t.match((await page('/dashboard/lessons')).body, '</span> No name</a>', 'in the week')
  const list = (await page('/dashboard/lessons/list')).body
  t.match(list, /No name <small>Wiskunde B · elsewhere/, 'in the list')
  t.match(list, '<td role="cell">shop-7</td>', 'there is no page of that conversation')
  const { body } = await page('/dashboard/lessons/elsewhere')
  t.match(body, 'Lesson: no name')
  t.match(body, '<dt>Student</dt><dd>No name</dd>')
})
