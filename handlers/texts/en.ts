import type { Language } from './language.ts'

export const en: Language = {
  codes: ['en'],
  locale: 'en',
  stripeLocale: 'en',
  formats: { choice: 'ccc d LLL HH:mm', date: 'cccc d LLLL', time: 'HH:mm' },
  personWords:
    /^(an? )?(human|person|agent)\W*$|\b(talk|speak|chat) (to|with) (an? )?(real )?(human|person|somebody|someone|agent)\b|\breal person\b/i,
  times: {
    alsoReads: ['nl'],
    inDays: { today: 0, tomorrow: 1 },
    fillers: 'on at the can it be please then fine good ok yes',
    separators: [],
    afterHour: ['h'],
    afterMinutes: [],
    halves: { am: ['am'], pm: ['pm'] },
  },
  texts: {
    menu: 'Hi! What can I do for you?',
    choices: {
      menu: 'Back to the menu',
      book: 'Book a lesson',
      trial: 'Free trial lesson',
      prices: 'Prices',
      human: 'Talk to a person',
      other_times: 'Other times',
      minutes_60: '60 minutes instead',
      minutes_90: '90 minutes instead',
      pay_link: 'Send the link again',
      other_time: 'Another time',
    },
    when: (date, time, zone) => `${date} at ${time}${zone === null ? '' : ` (${zone})`}`,
    lesson: 'Lesson',
    notUnderstood: 'Sorry, I did not understand that.',
    offerPerson: 'Sorry, I still do not understand. Would you like to talk to a person?',
    handoff: 'One moment please: someone from our team will take over this conversation.',
    didNotWork: 'Sorry, that did not work just now. Someone from our team will look at it and answer you here.',
    prices: lines => `Our prices:\n${lines.join('\n')}`,
    price: (minutes, amount) => `${minutes} minutes: ${amount}`,
    chooseTime: minutes =>
      `When would you like your lesson of ${minutes} minutes? You can also write a day and a time.`,
    noTimes: 'There are no free times in the coming days. A person will look for one with you.',
    taken: 'Unfortunately that time is not free any more.',
    payFirst: (when, url, until) =>
      `Your lesson on ${when} is reserved. Please pay before ${until} to make it final: ${url}`,
    paymentUnderWay: 'Your payment is on its way. We will let you know as soon as it has arrived.',
    timeKept: when => `Your lesson on ${when} is reserved for you.`,
    timeNotKept: when => `Please note: your lesson on ${when} is not reserved until the payment is in.`,
    trialBooked: when => `Your free trial lesson is booked: ${when}. See you then!`,
    booked: when => `Your lesson is booked: ${when}. See you then!`,
    paid: amount => `Thank you! We have received your payment of ${amount}.`,
    paidButTaken: 'Unfortunately the time you chose is not free any more. Your payment counts for another one.',
    paidButPast: 'The time you chose has already passed. You can use your payment for another time.',
    personBooks: 'Someone from our team will put your lesson into the calendar and confirm the time to you.',
    paymentFailed: 'Unfortunately your payment did not succeed. Nothing was charged.',
    expired: when =>
      `Your reservation for ${when} has lapsed, because it was not paid in time. Would you like to choose a time again?`,
    refunded: amount => `Your payment of ${amount} has been refunded.`,
    refundFailed: amount =>
      `Unfortunately the refund of ${amount} did not arrive. We are sorting it out, and you will hear from us.`,
    cancelled: when => `Your lesson on ${when} is cancelled.`,
  },
}
