import { Info } from 'luxon'
import t from 'tap'
import { fitsWhatsApp, forChannel, WHATSAPP_LIMITS } from '../../handlers/channel.ts'
import type { Conversation } from '../../handlers/conversation.ts'
import { conversationSettings } from '../../handlers/conversation-options.ts'
import { choicesOf, DIALOGUE, type Intent, type Step } from '../../handlers/dialogue.ts'
import { moneyIn } from '../../handlers/money.ts'
import type { Services } from '../../handlers/services.ts'
import { LANGUAGE_CODES, LANGUAGES, type LanguageCode, TEXTS, type Texts } from '../../handlers/texts/index.ts'
import { languageNames } from '../../handlers/texts/recognise.ts'
import { choiceTitle, formatDay, formatWhen } from '../../handlers/times.ts'
import { chatwootSource } from '../../sources/chatwoot.ts'
import { tutorOf } from '../../tutor/tutor.ts'

/** What WhatsApp takes, over all texts of all languages; and the settings of channels. */

const HOUR = 60 * 60_000
/** As many as are offered at most. */
const OFFERED = 6

t.test('WhatsApp’s limits of rows and characters hold for every choice of every language', async t => {
  const none = new Set<Step>()
  const tutor = tutorOf({}, 'Europe/Amsterdam')
  for (const language of LANGUAGE_CODES) {
    for (const title of [
      ...Object.values(TEXTS[language].choices),
      TEXTS[language].otherLength(600),
      TEXTS[language].packageChoice(10, 60),
    ]) {
      t.ok(title.length <= WHATSAPP_LIMITS.buttonTitle, `${language}: ${title} (${title.length})`)
    }
    const reader = { language, zone: 'America/Argentina/Buenos_Aires', tutorZone: 'Europe/Amsterdam' }
    for (let day = 0; day < 366; day++) {
      const start = Date.parse('2027-01-01T10:00:00Z') + day * 24 * HOUR
      const offered = Array.from({ length: OFFERED }, (_, index) => start + index * HOUR)
      for (const intent of Object.keys(DIALOGUE) as Intent[]) {
        // One of the two lengths is the one that is being chosen.
        for (const without of [new Set<Step>(['minutes_60']), new Set<Step>(['minutes_90'])]) {
          const items = choicesOf({ intent, offered, tutor, without, reader })
          if (!fitsWhatsApp('', items)) t.fail(`${language} ${intent}: ${items.map(({ title }) => title)}`)
        }
      }
    }
    t.notOk(fitsWhatsApp('', choicesOf({ intent: 'slot', offered: Array(20).fill(0), tutor, without: none, reader })))
  }
})

/** Of a message without choices: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages */
const MAX_TEXT = 4_096

/** The longest of what code can make. */
const longest = (texts: Iterable<string>) =>
  [...texts].reduce((one, other) => (other.length > one.length ? other : one))
const ZONES = Intl.supportedValuesOf('timeZone')
/** Stripe's largest amount, in each of its currencies that are written longest. */
const SUMS = ['eur', 'usd', 'kwd', 'jpy', 'chf'].map(currency => ({ amount: 99_999_999, currency }))

/** As many lessons as a tutor can have. */
const PACKAGES = [100, 99, 98]
const LENGTHS = [600, 540, 480, 420, 360, 300]

/** Every text with the longest that can stand in it; null: a part of others, or no message. */
function longestTexts(language: LanguageCode): { [Name in keyof Texts]: string | null } {
  const texts = TEXTS[language]
  const reader = { language, zone: longest(ZONES), tutorZone: 'UTC' }
  const days = Array.from({ length: 366 }, (_, day) => Date.parse('2028-01-01T22:30:00Z') + day * 24 * HOUR)
  const when = longest(days.map(at => formatWhen(at, reader)))
  const day = longest(days.map(at => formatDay(at, reader)))
  const money = longest(SUMS.map(sum => moneyIn(language, sum)))
  const weekdays = Info.weekdays('long', { locale: LANGUAGES[language].locale })
  const list = (parts: string[]) => new Intl.ListFormat(LANGUAGES[language].locale).format(parts)
  const part = null
  return {
    ...texts,
    greeting: texts.greeting('x'.repeat(60)),
    choices: part,
    otherLength: part,
    packageChoice: part,
    package: part,
    lessonsAndMinutes: part,
    packages: texts.packages(PACKAGES.map(lessons => texts.package(lessons, 600, money))),
    packagePay: texts.packagePay(100, 600, `https://checkout.stripe.com/c/pay/${'x'.repeat(2_000)}`, when, money),
    unpaidAfterAll: texts.unpaidAfterAll(when),
    lessonsLeft: texts.lessonsLeft(texts.lessonsAndMinutes(100, 600, 599)),
    when: part,
    lesson: part,
    price: part,
    dayRange: part,
    onDays: part,
    hourRange: part,
    paidPage: part,
    languages: texts.languages(languageNames(language, LANGUAGE_CODES)),
    awaitsPayment: texts.awaitsPayment(when),
    prices: texts.prices(LENGTHS.map(minutes => texts.price(minutes, money))),
    chooseTime: texts.chooseTime(600),
    thisTime: texts.thisTime(when, 600),
    tooFar: texts.tooFar(day),
    tooSoon: texts.tooSoon(when),
    notOnThatDay: texts.notOnThatDay(texts.onDays(list(weekdays.filter((_, index) => index !== 2)))),
    notAtThatHour: texts.notAtThatHour(list(Array(6).fill(texts.hourRange('23:30', '23:45')))),
    closed: texts.closed(texts.dayRange(day, day)),
    otherLengths: texts.otherLengths(LENGTHS),
    weeklyTooFar: texts.weeklyTooFar(day),
    thisWeekly: texts.thisWeekly(longest(weekdays), '23:45', 600, when),
    weeklyBooked: texts.weeklyBooked(longest(weekdays), '23:45', when),
    weeklySkipped: texts.weeklySkipped(Array(4).fill(day).join(', ')),
    weeklyEnded: texts.weeklyEnded(longest(weekdays), '23:45'),
    payLesson: texts.payLesson(when, `https://checkout.stripe.com/c/pay/${'x'.repeat(2_000)}`, when, money),
    inZone: texts.inZone(reader.zone),
    payFirst: texts.payFirst(when, `https://checkout.stripe.com/c/pay/${'x'.repeat(2_000)}`, '23:45', money),
    timeKept: texts.timeKept(when),
    timeNotKept: texts.timeNotKept(when),
    trialBooked: texts.trialBooked(when),
    booked: texts.booked(when),
    online: texts.online(`https://meet.example.com/${'x'.repeat(500)}`),
    pupilUnknown: texts.pupilUnknown('x'.repeat(24)),
    pupilSet: texts.pupilSet('x'.repeat(24)),
    pupilsSet: texts.pupilsSet(list(Array(7).fill('x'.repeat(24)))),
    pupilRenamed: texts.pupilRenamed('x'.repeat(24)),
    pupilIs: texts.pupilIs('x'.repeat(24)),
    atPlace: texts.atPlace('x'.repeat(200)),
    paid: texts.paid(money),
    expired: texts.expired(when),
    refunded: texts.refunded(money),
    refundFailed: texts.refundFailed(money),
    cancelled: texts.cancelled(when),
    lessonAt: texts.lessonAt(when, 600),
    lessonPaid: texts.lessonPaid(money),
    lessonBegun: texts.lessonBegun(when),
    lessonKept: texts.lessonKept(when),
    moveTo: texts.moveTo(when),
    moveToThis: texts.moveToThis(when, when),
    moved: texts.moved(when, when),
    askCancel: texts.askCancel(when),
    willRefund: texts.willRefund(money),
    willStopPayment: texts.willStopPayment(money),
    cancelChoice: part,
    cancelChoiceRefund: part,
    refundAwaited: texts.refundAwaited(money),
    reminder: texts.reminder(when),
    linkExpires: texts.linkExpires(when, '23:45', `https://checkout.stripe.com/c/pay/${'x'.repeat(2_000)}`),
  }
}

t.test('the longest messages of every language fit: with choices, and without', async t => {
  for (const language of LANGUAGE_CODES) {
    const texts = longestTexts(language)
    const whyNot = longest(
      [texts.tooFar, texts.tooSoon, texts.notOnThatDay, texts.notAtThatHour, texts.closed, texts.notThen].map(String),
    )
    const before = [
      texts.taken,
      texts.weeklyTaken,
      texts.weeklyHow,
      texts.weeklyTooFar,
      texts.otherLengths,
      texts.noEarlier,
      texts.paidButTaken,
      texts.paidButPast,
    ].map(String)
    const note = longest([texts.lastTimes, texts.allShown].map(String))
    const saidFirst = longest([...before, `${texts.otherLengths}\n${texts.weekly}\n${whyNot}`])
    const offer = [saidFirst, note, texts.chooseTime, texts.inZone].join('\n')
    const paid = longest([texts.lessonPaid, texts.lessonFree, texts.lessonHeld].map(String))
    const lesson = [texts.lessonAt, paid, longest([texts.online, texts.atPlace].map(String))].join('\n')
    const money = longest([texts.willRefund, texts.willStopPayment, texts.personRefunds, texts.noRefund].map(String))
    const about = longest([texts.offerPerson, texts.questionOver, texts.lessonChanged].map(String))
    const questions = {
      offer,
      lesson: [about, lesson, texts.changeLesson].join('\n'),
      whichLesson: `${Array(7).fill(texts.lessonAt).join('\n')}\n${texts.whichLesson}`,
      move: [longest([...before, `${texts.weekly}\n${whyNot}`]), note, texts.moveTo, texts.inZone].join('\n'),
      moveToThis: texts.moveToThis,
      cancel: [about, texts.askCancel, money, texts.onlyByChoice].join('\n'),
      moved: `${texts.moved}\n${longest([texts.online, texts.atPlace].map(String))}`,
      failed: `${texts.paymentFailed}\n${offer}`,
      packages: `${texts.packages}\n\n${longest([texts.chooseTime, texts.thisWeekly, texts.awaitsPayment].map(String))}`,
      prices: `${texts.prices}\n\n${longest([texts.chooseTime, texts.thisWeekly, texts.awaitsPayment].map(String))}`,
      menu: texts.menu,
      thisTime: `${texts.otherLengths}\n${texts.thisTime}`,
      thisWeekly: `${texts.otherLengths}\n${texts.weeklyExcept}\n${texts.thisWeekly}`,
      awaitsPayment: texts.awaitsPayment,
      expired: texts.expired,
      notUnderstood: texts.notUnderstood,
      offerPerson: texts.offerPerson,
    }
    for (const [name, question] of Object.entries(questions)) {
      const { length } = `${texts.sorryForWait}\n${texts.greeting}\n${question}`
      t.ok(length <= WHATSAPP_LIMITS.text, `${language} ${name}: ${length}`)
    }
    const messages = {
      ...texts,
      failed: `${texts.paymentFailed}\n${texts.payFirst}`,
      booked: [texts.paid, texts.booked, longest([texts.online, texts.atPlace].map(String))].join('\n'),
      refunded: `${texts.refunded}\n${texts.cancelled}`,
      weekly: [
        texts.weeklyBooked,
        texts.weeklySkipped,
        longest([texts.online, texts.atPlace].map(String)),
        texts.weeklyPaid,
      ].join('\n'),
      reminder: [texts.reminder, longest([texts.online, texts.atPlace].map(String))].join('\n'),
      underWay: `${texts.paymentUnderWay}\n${texts.timeNotKept}`,
      noTimes: `${longest([...before, whyNot])}\n${texts.noTimes}`,
      languages: LANGUAGE_CODES.map(code => longestTexts(code).languages).join('\n\n'),
    }
    for (const [name, message] of Object.entries(messages)) {
      const { length } = `${texts.sorryForWait}\n${texts.greeting}\n${message}`
      t.ok(length <= MAX_TEXT, `${language} ${name}: ${length}`)
    }
  }
})

t.test('the choice that cancels a lesson fits WhatsApp’s lists', async t => {
  for (const language of LANGUAGE_CODES) {
    const reader = { language, zone: 'Europe/Amsterdam', tutorZone: 'Europe/Amsterdam' }
    for (let day = 0; day < 366; day++) {
      const when = choiceTitle(Date.parse('2028-01-01T22:30:00Z') + day * 24 * HOUR, reader, 'shortChoice')
      const title = TEXTS[language].cancelChoice(when)
      if (title.length > WHATSAPP_LIMITS.rowTitle) t.fail(`${title}: ${title.length}`)
    }
  }
  t.pass()
})

t.test('what WhatsApp would refuse as buttons stands in the text instead', async t => {
  const conversation = { channel: 'Channel::Whatsapp', canReply: true, attributes: {} } as Conversation
  const items = [{ title: 'So, 10.10., 07:00 Uhr', value: 'x' }]
  t.strictSame(forChannel({} as Services, conversation, { content: 'Wann?', items }), {
    content: 'Wann?\n\n1. So, 10.10., 07:00 Uhr',
    attributes: { numbers_shown: true },
  })
  const unknown = { ...conversation, channel: null }
  t.match(forChannel({} as Services, unknown, { content: 'Wann?', items }), { content: 'Wann?', items })
})

t.test('templates that make no sense are named', async t => {
  const of = (templates: unknown) => () => conversationSettings({ templates: templates as never })
  const languages = { nl: 'nl' }
  t.throws(of('x'), /CW_TEMPLATES\) must be an object/)
  t.throws(of(null), /must be an object/)
  t.throws(of({ bookd: {} }), /has no text bookd: there are paid, booked/)
  t.throws(of({ booked: null }), /booked\.name/)
  t.throws(of({ booked: { name: '', languages } }), /booked\.name/)
  for (const wrong of [undefined, {}, { fr: 'fr' }, { nl: 1 }]) {
    t.throws(of({ booked: { name: 'x', languages: wrong } }), /booked\.languages .*"en": "en_US"/)
  }
  const templates = { booked: { name: 'x', languages, category: 'MARKETING' } }
  t.strictSame(conversationSettings({ templates }).templates, templates)
})

t.test('CW_INBOX_IDS: other inboxes’ events are ignored, and why is said', async t => {
  const source = chatwootSource({ verify: () => true, accountId: '1', inboxIds: [7] })
  const identify = (payload: object) =>
    source.identify({ payload, header: () => 'uuid', hash: () => 'hash' } as never) as {
      ignored?: string
      key?: string
    }
  const message = (inbox: object) => ({ event: 'message_created', id: 1, account: { id: 1 }, ...inbox })
  t.match(identify(message({ inbox: { id: 8 }, conversation: { id: 2 } })), {
    ignored: 'inbox 8, not among CW_INBOX_IDS',
  })
  t.match(identify(message({ conversation: { id: 2, inbox_id: 8 } })), { ignored: /^inbox 8/ })
  t.match(identify({ event: 'conversation_created', id: 2, inbox_id: 8 }), { ignored: /^inbox 8/ })
  t.ok(identify(message({ inbox: { id: 7 }, conversation: { id: 2 } })).key)
  t.ok(identify({ event: 'contact_created', id: 2 }).key, 'of no inbox')
  for (const inboxIds of [[], ['7'], [0], 7]) {
    t.throws(() => chatwootSource({ verify: () => true, inboxIds: inboxIds as never }), /CW_INBOX_IDS/)
  }
})
