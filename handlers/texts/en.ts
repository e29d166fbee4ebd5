/** What students read in English; its keys are what every language has. */
export const en = {
  menu: 'Hi! What can I do for you?',
  /** What can be chosen, by its step in handlers/dialogue.ts. WhatsApp shows 24 characters at most. */
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
  /** Words that ask for a person, wherever the dialogue is. */
  personWords:
    /^(an? )?(human|person|agent)\W*$|\b(talk|speak|chat) (to|with) (an? )?(real )?(human|person|somebody|someone|agent)\b|\breal person\b/i,
  /** luxon's tokens: of a time to choose (24 characters at most), of a date and of a time of day. */
  formats: { choice: 'ccc d LLL HH:mm', date: 'cccc d LLLL', time: 'HH:mm' },
  when: (date: string, time: string, zone: string | null) => `${date} at ${time}${zone === null ? '' : ` (${zone})`}`,
  /** What is taught, where the conversation does not say. */
  lesson: 'Lesson',
  notUnderstood: 'Sorry, I did not understand that.',
  offerPerson: 'Sorry, I still do not understand. Would you like to talk to a person?',
  handoff: 'One moment please: someone from our team will take over this conversation.',
  didNotWork: 'Sorry, that did not work just now. Someone from our team will look at it and answer you here.',
  prices: (lines: string[]) => `Our prices:\n${lines.join('\n')}`,
  price: (minutes: number, amount: string) => `${minutes} minutes: ${amount}`,
  chooseTime: (minutes: number) =>
    `When would you like your lesson of ${minutes} minutes? You can also write a day and a time.`,
  noTimes: 'There are no free times in the coming days. A person will look for one with you.',
  taken: 'Unfortunately that time is not free any more.',
  payFirst: (when: string, url: string, until: string) =>
    `Your lesson on ${when} is reserved. Please pay before ${until} to make it final: ${url}`,
  paymentUnderWay: 'Your payment is on its way. We will let you know as soon as it has arrived.',
  timeKept: (when: string) => `Your lesson on ${when} is reserved for you.`,
  timeNotKept: (when: string) => `Please note: your lesson on ${when} is not reserved until the payment is in.`,
  trialBooked: (when: string) => `Your free trial lesson is booked: ${when}. See you then!`,
  booked: (when: string) => `Your lesson is booked: ${when}. See you then!`,
  paid: (amount: string) => `Thank you! We have received your payment of ${amount}.`,
  paidButTaken: 'Unfortunately the time you chose is not free any more. Your payment counts for another one.',
  paidButPast: 'The time you chose has already passed. You can use your payment for another time.',
  personBooks: 'Someone from our team will put your lesson into the calendar and confirm the time to you.',
  paymentFailed: 'Unfortunately your payment did not succeed. Nothing was charged.',
  expired: (when: string) =>
    `Your reservation for ${when} has lapsed, because it was not paid in time. Would you like to choose a time again?`,
  refunded: (amount: string) => `Your payment of ${amount} has been refunded.`,
  refundFailed: (amount: string) =>
    `Unfortunately the refund of ${amount} did not arrive. We are sorting it out, and you will hear from us.`,
  cancelled: (when: string) => `Your lesson on ${when} is cancelled.`,
}

export type Texts = typeof en
