import t from 'tap'
import { newestPart } from '../../handlers/newest-part.ts'
import { textOf } from '../../handlers/text-of.ts'
import { writtenTogether } from '../../handlers/together.ts'
import type { HandlerContext } from '../../inbox/drain.ts'
import type { InboxState } from '../../sandbox/chatwoot-state.ts'
import { type ChatwootMessage, readChatwoot } from '../../sources/chatwoot-payloads.ts'
import { setUp } from '../helpers/lesson-story.ts'

/** E-mails: only what is new in them is read. */

/** The sandbox's page shows none. */
const MAILBOX = { id: 10, name: 'Post', channel: 'Channel::Email' as string } as InboxState

/** As Chatwoot's mailbox makes one. @param email what MailPresenter has found in it */
const mail = (content: string | null, email: object = {}) => ({
  content,
  content_type: 'incoming_email',
  content_attributes: { email: { auto_reply: false, multipart: true, subject: 'Re: Bijles', ...email } },
})

const read = (message: object) =>
  readChatwoot('message_created', {
    id: 1,
    message_type: 'incoming',
    conversation: { id: 1 },
    ...message,
  }) as ChatwootMessage

const newest = (content: string | null, email?: object) => newestPart(read(mail(content, email)))

const HEADERS = {
  nl: 'Van: Bijles <b@example.com>\nVerzonden: maandag 23 november 2026 11:00\nAan: Sanne <s@example.com>\nOnderwerp: Re: Bijles',
  en: '*From:* Bijles <b@example.com>\n*Sent:* Monday, November 23, 2026 11:00\n*To:* Sanne\n*Subject:* Re: Bijles',
  de: 'Von: Bijles <b@example.com>\nGesendet: Montag, 23. November 2026 11:00\nAn: Sanne\nBetreff: AW: Bijles',
}

t.test('what an e-mail quotes, and its signature, are not read', async t => {
  const cases: [name: string, content: string][] = [
    ['quoted lines', 'Ja graag\n\n> Wil je iemand spreken?\n>> Hoi'],
    ['Gmail', 'Ja graag\n\nOp ma 23 nov 2026 om 11:00 schreef Bijles <b@example.com>:\n\n> Wil je iemand spreken?\n'],
    [
      'Gmail, wrapped',
      'Ja graag\r\n\r\nOp ma 23 nov 2026 om 11:00 schreef Bijles Amsterdam <\r\nb@example.com>:\r\n\r\n> Hoi',
    ],
    [
      'Gmail without signs of a quotation',
      'Ja graag\nOn Mon, 23 Nov 2026 at 11:00, Sam <s@example.com> wrote:\nHello\nBook',
    ],
    ['older Gmail', 'Ja graag\n\nBijles <b@example.com> schrieb am Mo., 23. Nov. 2026 um 11:00 Uhr:\n\nHallo'],
    [
      'Apple',
      'Ja graag\n\nVerstuurd vanaf mijn iPhone\n\n> Op 23 nov 2026 heeft Bijles <b@example.com> het volgende geschreven:\n> \n> Hoi',
    ],
    [
      'Apple, German',
      'Ja graag\n\nVon meinem iPhone gesendet\n\nAm 23.11.2026 um 11:00 schrieb Bijles <b@example.com>:\n\nHallo',
    ],
    ...Object.entries(HEADERS).map(([code, headers]): [string, string] => [
      `Outlook ${code}`,
      `Ja graag\n\n${headers}\n\nHoi`,
    ]),
    ['Outlook, with a line', `Ja graag\n\n________________________________\n${HEADERS.en}`],
    ['a named line', 'Ja graag\n\n-----Original Message-----\nFrom: Bijles\n\nHello'],
    ['a named line, Dutch', 'Ja graag\n-------- Oorspronkelijk bericht --------\nVan: Bijles\n\nHallo'],
    ['a signature', 'Ja graag\n-- \nSanne\nMaandag tot vrijdag bereikbaar'],
    ['a greeting', 'Ja graag\n\nMet vriendelijke groet,\n\nSanne de Vries\nBel mij: 06-12345678'],
    ['a greeting with a name', 'Ja graag\nGroetjes Sanne\nVerstuurd met Outlook voor Android'],
    ['in English', 'Ja graag\nKind regards,\nSanne'],
    ['in German', 'Ja graag\nMit freundlichen Grüßen\nSanne'],
  ]
  for (const [name, content] of cases) t.equal(newest(content), 'Ja graag', name)
})

t.test('what is written below and between quoted lines is new', async t => {
  const intro = 'On 23 Nov 2026, at 11:00, Sam <s@example.com> wrote:'
  t.equal(newest(`${intro}\n\n> Which day?\n\nTuesday\n\n> How long?\n90 minutes`), 'Tuesday\n\n90 minutes')
  t.equal(newest('On 23 Nov 2026 Sam <\ns@example.com> wrote:\n> Which day?\nTuesday'), 'Tuesday')
})

t.test('what only looks like it is read', async t => {
  for (const content of [
    'Op dinsdag kan ik niet.\nIk schreef het al in mijn mail van 3 november:\nwoensdag',
    'Op dinsdag schreef ik al:\nwoensdag',
    'Op 3 november kan ik, want:\nvakantie',
    'Van: maandag\nAan: woensdag\nik heb dan tijd',
    'Ik kan dinsdag\nVan: 16:00\nTot: 17:00\nDatum: 24 november',
    'Groeten uit Spanje! Ik ben ziek',
    'Dinsdag 17:00 - 18:00\n-\n--- of anders',
    `Ik kan ${'heel '.repeat(45)}goed op 24 november, zoals ik schreef:`,
    `--${'a'.repeat(200)}--`,
    'Op 24 november\n\nschreef ik al:',
  ]) {
    t.equal(newest(content), content)
  }
  t.equal(newest(null), '')
  t.equal(newest('> Wil je iemand spreken?'), '', 'the bot’s own question is no answer')
})

t.test('Chatwoot’s own cut counts too, by whichever name', async t => {
  const content = 'Oui\n\nLe lun. 23 nov. 2026 à 11:00, Bijles a écrit :\n\nBonjour'
  t.equal(newest(content, { text_content: { full: content, reply: content, quoted: 'Oui\n' } }), 'Oui', 'today')
  t.equal(newest(content, { text_content: { reply: 'Oui', quoted: content.slice(5) } }), 'Oui', 'before')
  t.equal(newest(content, { text_content: null, html_content: { reply: content, quoted: 'Oui' } }), 'Oui', 'HTML alone')
  t.equal(
    newest(content, { text_content: { quoted: 'Bonjour' }, html_content: { quoted: '' } }),
    content,
    'no beginning',
  )
})

t.test('only e-mails are cut', async t => {
  const content = 'Ja\n> nee'
  t.equal(newestPart(read({ content })), content)
  t.equal(newestPart(read({ content, content_attributes: { email: { subject: 'x' } } })), 'Ja')
  t.equal(newestPart(read({ content, conversation: { id: 1, channel: 'Channel::Email' } })), 'Ja')
  t.equal(newestPart(read({ content, conversation: { id: 1, meta: { channel: 'Channel::Email' } } })), 'Ja')
})

t.test('e-mails that are answered together are each cut by themselves', async t => {
  const of = (content: string, quoted: string) => ({
    event: 'message_created',
    payload: read(mail(content, { text_content: { reply: content, quoted } })),
  })
  const together = [of('Dinsdag 17:00\n> Hoi', 'Dinsdag 17:00'), of('Dinsdag\n\nSanne', 'Dinsdag')]
  const written = writtenTogether({ together } as unknown as HandlerContext)
  t.equal(textOf(written?.delivery.payload as ChatwootMessage), 'Dinsdag 17:00\nDinsdag')
})

t.test('whatever an e-mail contains, it is cut at once', async t => {
  for (const line of [
    '\n',
    'Op \n',
    'On 1 a@b\n',
    'On 1 wrote x:\n',
    '> a\n',
    '-- a\n',
    'From:a\n',
    'a:\n',
    'On 1 wrote ',
  ]) {
    const content = line.repeat(Math.ceil(150_000 / line.length))
    const before = process.cpuUsage()
    newest(content)
    const { user, system } = process.cpuUsage(before)
    t.ok(user + system < 500_000, `${JSON.stringify(line)}: ${user + system} µs`)
  }
})

t.test('an answer by e-mail is understood, though the bot’s question stands below it', async t => {
  const tutor = await setUp(t)
  const renee = tutor.student('whatsapp', { inbox: MAILBOX })
  const [menu] = await renee.sendsMessage(mail('Hoi'))
  t.match(menu, /\n1\. Les boeken\n/, 'no buttons: the choices stand in the text')
  const quoted = (text = '') =>
    `\n\nOp ma 23 nov 2026 om 11:00 schreef Bijles <b@example.com>:\n\n${text.replaceAll(/^/gm, '> ')}`
  const [times] = await renee.sendsMessage(mail(`1${quoted(menu)}`))
  t.match(times, /^Wanneer wil je je les van 60 minuten/)
  t.match(await renee.sendsMessage(mail(`Dinsdag 17:00\n\nGroet,\nRenée${quoted(times)}`)), [
    /^Je les op dinsdag 24 november om 17:00/,
  ])
  await renee.sendsMessage(mail(`Ik ben ziek${quoted(times)}`))
  t.match(renee.notes().at(-1), /:\n"Ik ben ziek"\n/, 'the note quotes what is new')
})
