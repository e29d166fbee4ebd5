import t from 'tap'
import { fuzz } from './run.ts'

t.test('half a minute of chaos violates no promise', async t => {
  const { code, said } = await fuzz('--seconds', '30', '--seed', '14')
  if (code !== 0) t.comment(said)
  t.equal(code, 0)
})
