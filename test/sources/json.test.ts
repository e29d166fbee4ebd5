import t from 'tap'
import { asArray, asId, asObject, asText, isObject } from '../../sources/json.ts'

const ODDITIES = [undefined, null, true, 0, 1.5, '', ' ', 'text', [], ['a'], {}, { a: 1 }, Number.NaN]

t.test('objects', async t => {
  const object = { a: 1 }
  t.equal(asObject(object), object)
  t.strictSame(
    ODDITIES.filter(value => isObject(value)),
    [{}, { a: 1 }],
  )
  for (const value of ODDITIES.filter(value => !isObject(value))) t.strictSame(asObject(value), {})
})

t.test('strings', async t => {
  t.strictSame(
    ODDITIES.map(asText).filter(text => text !== undefined),
    [' ', 'text'],
  )
})

t.test('arrays', async t => {
  t.strictSame(asArray(['a']), ['a'])
  for (const value of ODDITIES.filter(value => !Array.isArray(value))) t.strictSame(asArray(value), [])
})

t.test('ids', async t => {
  t.equal(asId(42), '42')
  t.equal(asId('42'), '42')
  t.equal(asId('evt_1'), 'evt_1')
  t.equal(asId('x'.repeat(255)), 'x'.repeat(255))
  for (const wrong of [
    0,
    -1,
    1.5,
    2 ** 53,
    Number.NaN,
    '',
    'a b',
    'a\n',
    'x'.repeat(256),
    {},
    [],
    null,
    undefined,
    true,
  ]) {
    t.equal(asId(wrong), undefined, JSON.stringify(wrong))
  }
})
