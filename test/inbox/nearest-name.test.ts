import t from 'tap'
import { didYouMean } from '../../inbox/nearest-name.ts'

const KNOWN = ['message_created', 'message_updated', 'url', 'token', 'accountId', 'secrets']

t.test('one letter added, missing, changed or swapped: suggests the known name', async t => {
  for (const [given, known] of [
    ['mesage_created', 'message_created'],
    ['message_craeted', 'message_created'],
    ['message_udpated', 'message_updated'],
    ['messages_created', 'message_created'],
    ['secret', 'secrets'],
    ['tokn', 'token'],
    ['uri', 'url'],
    ['AccountID', 'accountId'],
  ] as const) {
    t.equal(didYouMean(given, KNOWN), ` (did you mean ${known}?)`, given)
  }
})

t.test('a different name gets no suggestion', async t => {
  for (const given of ['', 'x', 'ur', 'colour', 'message', 'contact_created'])
    t.equal(didYouMean(given, KNOWN), '', given)
  t.equal(didYouMean('x', []), '')
})

t.test('the nearest one is suggested', async t => {
  t.equal(didYouMean('path1', ['paths12', 'path']), ' (did you mean path?)')
  t.equal(didYouMean('path1', ['path', 'paths12']), ' (did you mean path?)')
})
