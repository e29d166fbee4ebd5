import t from 'tap'
import { contentTypes, readPayload } from '../../sources/body.ts'
import type { BodyKind } from '../../sources/source.ts'

const FORM = 'application/x-www-form-urlencoded'

function read(text: string, contentType?: string, accepts?: BodyKind[]) {
  const { payload, body } = readPayload(Buffer.from(text), contentType, accepts)
  return { payload, body: body.toString() }
}

t.test('a JSON object is stored byte for byte, without its secrets', async t => {
  t.same(read('{"token": "xy", "a":1.0}'), { payload: { token: '**', a: 1 }, body: '{"token": "**", "a":1.0}' })
})

t.test('anything but a JSON object is malformed, with the reason', async t => {
  for (const [text, message] of [
    ['[1]', /^The body is not a JSON object: it is an array$/],
    ['5', /it is 5$/],
    ['null', /it is null$/],
    ['{"a"', /^The body is not a JSON object: .*position/],
  ] as const) {
    t.throws(() => read(text), { code: 'WEBHOOK_MALFORMED', statusCode: 400, message }, text)
  }
})

t.test('a source may accept lists', async t => {
  t.same(read('[{"token":"x"}]', 'application/json', ['list']), {
    payload: { items: [{ token: '*' }] },
    body: '{"items":[{"token":"*"}]}',
  })
  t.throws(() => read('{}', '', ['list']), { message: 'The body is not a JSON list: it is an object' })
  t.throws(() => read('1', '', ['json', 'list']), { message: 'The body is not a JSON object or list: it is 1' })
  t.same(read('{}', '', ['json', 'list']).payload, {})
  const deep = '['.repeat(200_000) + ']'.repeat(200_000)
  t.throws(() => read(deep, '', ['list']), { message: 'The body is not a JSON list: it is nested too deeply' })
})

t.test('a source may accept forms: a repeated field is a list', async t => {
  t.same(read('command=%2Fles&text=Zo%C3%AB+x&token=abc&a=1&a=2&a=3', `${FORM}; charset=utf-8`, ['json', 'form']), {
    payload: { command: '/les', text: 'Zoë x', token: '***', a: ['1', '2', '3'] },
    body: '{"command":"/les","text":"Zoë x","token":"***","a":["1","2","3"]}',
  })
  t.same(read('a=1', FORM.toUpperCase(), ['form']).payload, { a: '1' })
  t.same(read('__proto__=x', FORM, ['form']).body, '{"__proto__":"x"}')
  t.throws(() => read('a=1', FORM), { code: 'WEBHOOK_MALFORMED' }, 'not unless it says so')
})

t.test('a source may accept plain text', async t => {
  t.same(read('Zoë', 'text/plain', ['text']), { payload: { text: 'Zoë' }, body: '{"text":"Zoë"}' })
})

t.test('content types', async t => {
  t.same(contentTypes({}), ['application/json'])
  t.same(contentTypes({ accepts: ['json', 'list'] }), ['application/json'])
  t.same(contentTypes({ accepts: ['form', 'text'] }), [FORM, 'text/plain'])
})
