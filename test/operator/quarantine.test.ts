import t from 'tap'
import { reasonsOf } from '../../operator/quarantine.ts'

t.test('reasons are said once each, with how many', async t => {
  t.equal(reasonsOf([{ id: '1', why: 'a' }]), 'a')
  t.equal(
    reasonsOf([
      { id: '1', why: 'a' },
      { id: '2', why: 'b' },
      { id: '3', why: 'a' },
    ]),
    '2 × a; 1 × b',
  )
})
