import t from 'tap'
import { chatwoot, stripeCharge, stripeEvent, stripePaymentIntent, stripeSession } from '../../commands/samples.ts'
import { conversationUrl } from '../../operator/conversation-url.ts'
import { isNamed, summaryOf } from '../../operator/summary.ts'
import type { Json } from '../../sources/json.ts'

/** What the lists show of a payload. */

const ofChatwoot = (payload: object) =>
  summaryOf({ source: 'chatwoot', event: (payload as { event: string }).event }, payload as Json)
const ofStripe = (object: object) =>
  summaryOf({ source: 'stripe', event: 'x' }, stripeEvent('x', object as never) as unknown as Json)

t.test('messages: the student, and the first words, after the name of who else wrote them', async t => {
  const name = 'Renée'
  const content = 'Hoi,\n  kan het  morgen?'
  const said = 'Hoi, kan het morgen?'
  t.same(ofChatwoot(chatwoot.incoming({ name, content })), { student: name, words: said })
  t.same(ofChatwoot(chatwoot.outgoing({ name, content })), { student: name, words: `TutorBot: ${said}` })
  t.same(ofChatwoot(chatwoot.privateNote({ name, content })), { student: name, words: `Sam (note): ${said}` })
  t.same(ofChatwoot(chatwoot.template({ name, content })), { student: name, words: `sent: ${said}` })
  t.same(ofChatwoot(chatwoot.submitted({ name })), { student: name, words: 'Prijzen' }, 'what the student chose')
  t.same(ofChatwoot(chatwoot.attachment({ name })), { student: name, words: '[image]' })
  const spoken = { ...chatwoot.attachment({ name }), attachments: [{ transcribed_text: 'Hallo' }, {}] }
  t.same(ofChatwoot(spoken), { student: name, words: 'Hallo [file]' })
})

t.test('other events name the student only', async t => {
  const name = 'Renée'
  const nameOnly = { student: name, words: null }
  for (const sample of ['conversationCreated', 'conversationUpdated', 'typing', 'contactCreated'] as const)
    t.same(ofChatwoot(chatwoot[sample]({ name })), nameOnly, sample)
  t.same(ofChatwoot({ event: 'webwidget_triggered', contact: { name }, current_conversation: null }), nameOnly)
  t.same(ofChatwoot({ event: 'webwidget_triggered', current_conversation: { meta: { sender: { name } } } }), nameOnly)
  t.same(ofChatwoot({ event: 'inbox_created', name: 'WhatsApp' }), { student: null, words: null })
  t.same(ofChatwoot({ event: 'message_created', message_type: 'incoming', content: 'a', sender: { name } }), {
    student: name,
    words: 'a',
  })
  t.same(ofChatwoot({ event: 'message_created', message_type: 'incoming', sender: { name, type: 'user' } }), {
    student: null,
    words: null,
  })
})

t.test('payments: the student as our metadata or Stripe names them, and the amount', async t => {
  const metadata = { student_name: 'Renée' }
  t.same(ofStripe(stripeSession({ metadata, amount: 6050 })), { student: 'Renée', words: '60.50 EUR' })
  t.same(ofStripe(stripeSession()), { student: "Renée O'Hara", words: '60.00 EUR' })
  t.same(ofStripe(stripePaymentIntent({ amount: 6000, currency: 'jpy' })), { student: null, words: '6000 JPY' })
  t.same(ofStripe(stripeCharge({ amount: 6000, refunded: 1500 })).words, '15.00 EUR', 'what was refunded')
  t.same(ofStripe({ ...stripeCharge({ refunded: 0 }), billing_details: { name: 'Jan' } }), {
    student: 'Jan',
    words: '60.00 EUR',
  })
  t.same(ofStripe({ id: 'x', amount: '6000', currency: 'eur' }), { student: null, words: null })
  t.same(ofStripe({ id: 'x', amount: 6000 }), { student: null, words: null })
  t.same(summaryOf({ source: 'stripe', event: 'x' }, { id: 'evt_1' }), { student: null, words: null })
})

t.test('nothing of what is deleted, of other sources, or of a wrong type', async t => {
  const nothing = { student: null, words: null }
  t.same(summaryOf({ source: 'chatwoot', event: 'message_created' }, null), nothing)
  t.same(summaryOf({ source: 'shop', event: 'order' }, { name: 'Renée', content: 'x' }), nothing)
  const odd = {
    content: 5,
    content_attributes: [],
    attachments: 'x',
    sender: 7,
    conversation: 'y',
    message_type: 'incoming',
  }
  t.same(ofChatwoot({ ...odd, event: 'message_created' }), nothing)
  t.same(ofChatwoot({ event: 'contact_created', name: ' \n' }), nothing)
})

t.test('of bounded length, on one line, and no character is halved', async t => {
  const long = ofChatwoot(chatwoot.incoming({ name: '🎓'.repeat(100), content: `\u0000a\u0007${'b'.repeat(100_000)}` }))
  t.same(long, { student: `${'🎓'.repeat(59)}…`, words: `a ${'b'.repeat(77)}…` })
})

t.test('a name is found by any of its words, in any case, with or without accents', async t => {
  for (const sought of ['renee', 'RENÉE', 'ohara', 'jansen renee', ' ren  jan ', 'e\u0301'])
    t.equal(isNamed('Renée Ohara-Jansen', sought), true, sought)
  for (const sought of ['reneé x', 'o%', '.', 'renee  janssen'])
    t.equal(isNamed('Renée Ohara-Jansen', sought), false, sought)
  t.equal(isNamed(null, 'x'), false)
  t.equal(isNamed(null, ''), false)
})

t.test('Chatwoot’s own page of a conversation, where it is known', async t => {
  const url = 'https://chat.example.com/base/'
  t.equal(
    conversationUrl({ url, accountId: '1' }, '42'),
    'https://chat.example.com/base/app/accounts/1/conversations/42',
  )
  t.equal(
    conversationUrl({ url, accountId: 'a/b' }, '42'),
    'https://chat.example.com/base/app/accounts/a%2Fb/conversations/42',
  )
  t.equal(conversationUrl({ url: undefined, accountId: '1' }, '42'), null)
  t.equal(conversationUrl({ url: 'javascript:alert(1)', accountId: '1' }, '42'), null)
  t.equal(conversationUrl({ url, accountId: undefined }, '42'), null)
  t.equal(conversationUrl({ url, accountId: '1' }, undefined), null)
})
