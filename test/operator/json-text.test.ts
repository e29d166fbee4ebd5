import tap from 'tap'
import { indentedJson, jsonText } from '../../operator/json-text.ts'

/** A value nested in that many arrays. */
function nested(levels: number, value: unknown): unknown {
  let outer = value
  for (let level = 0; level < levels; level++) outer = [outer]
  return outer
}

tap.test('deep nesting is written as JSON.stringify would', async t => {
  const value = {
    '"name"\n': [1, -0.5, true, false, null, 'é"\\\u2028\ud800', {}, [], [[], {}], { a: { b: [] }, c: '' }],
    __proto__: undefined,
    '': { 10: 'ten', 2: 'two' },
  }
  const plain = JSON.parse(JSON.stringify(value)) as unknown
  const text = JSON.stringify(plain)
  t.equal(jsonText(plain), text)
  t.equal(jsonText('text'), '"text"')
  t.equal(jsonText(nested(500, plain)), '['.repeat(500) + text + ']'.repeat(500))
})

tap.test('indented, unless nested too deeply', async t => {
  const shallow = nested(199, { a: 1 })
  t.same(indentedJson(shallow), { text: JSON.stringify(shallow, null, 2), isIndented: true })
  t.same(indentedJson(nested(20_000, 1)), { text: `${'['.repeat(20_000)}1${']'.repeat(20_000)}`, isIndented: false })
})
