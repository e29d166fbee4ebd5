import type { Language } from './language.ts'

export const en: Language = {
  codes: ['en'],
  locale: 'en',
  stripeLocale: 'en',
  formats: { choice: 'ccc d LLL HH:mm', date: 'cccc d LLLL', time: 'HH:mm' },
  wayBack: {
    bot: 'To give the conversation back to TutorBot, set it to pending, or resolve it.',
    account: 'To give the conversation back to TutorBot, resolve it: the next message is answered by TutorBot.',
    byItself: hours => `Otherwise TutorBot answers again ${hours} hours after your last message.`,
  },
  personWords:
    /^(an? )?(human|person|agent)\W*$|\b(talk|speak|chat) (to|with) (an? )?(real )?(human|person|somebody|someone|agent)\b|\breal person\b/i,
  wishes: {
    fillers:
      'i we id im a an the to for my me you your please pls just then and of it this that would like want can could may so hi hello hey um uh ok yes now',
    person: `
      on the phone, by phone, with the teacher, with the tutor, to the teacher, to the tutor, real someone, call me,
      call .. me, ring me, phone me, phone call, phone number, give .. a call, someone .. call, somebody .. call,
      speak to, speak with, talk to, talk with, chat with, real human, real person, actual person, actual human,
      live agent, human being, a human, =human, =person, =agent, customer service, customer support, get in touch,
      contact you, contact someone, not a bot, not a robot, no bot, no bots, to a bot, a bot, a robot, with a human,
      urgent, urgently, emergency`,
    ill: `
      sick, =ill, am ill, im ill, is ill, are ill, was ill, feel ill, feeling ill, fallen ill, got ill, very ill,
      ill today, unwell, flu, fever, covid, corona, hospital, not feeling well, dont feel well, feel .. bad,
      feeling bad, headache, migraine, throwing up, funeral, accident, passed away`,
    cancel: `
      cancel*, reschedul*, call off, called off, postpon*, put off, move .. lesson, moving .. lesson, move .. class,
      move .. appointment, move .. booking, change .. my lesson, change .. my booking, change .. my appointment,
      unsubscribe, quit .. lessons, stop .. lessons`,
    absent: `
      wont work, not going to work, have to skip, need to skip, cant come, cannot come, can not come, wont come,
      cant make, cannot make, wont make, can not make, not able to come, not coming, not able to make, unable to,
      cant attend, cannot attend, miss .. lesson, miss .. class, running late, be late, im late, too late,
      something came up, change .. lesson, change .. appointment, change .. booking, change .. time, no lesson,
      no lessons, dont need .. lesson, dont want .. lesson, lesson .. another day, lesson .. another time,
      lesson .. earlier, lesson .. later`,
    money: `
      money back, refund*, reimburs*, charged twice, paid twice, double charged, charged double, overcharged,
      wrong amount, already paid, have paid, ive paid, i paid, payment .. failed, payment .. not work*,
      payment .. doesnt work, cant pay, cannot pay, can not pay, paying .. not work*, chargeback, compensation`,
    complaint: `
      complain*, unhappy, dissatisfied, not satisfied, not happy, disappointed, disappointing, disappointment,
      unacceptable, ridiculous, scam, scammed, terrible, awful, horrible, angry, furious, lawyer, bad lesson,
      bad experience, bad service, very bad, never showed, didnt show, did not show, no show, nobody came,
      no one came, didnt come, still waiting, still no`,
    invoice: 'invoice, invoices, receipt, receipts, the bill, a bill, proof of payment, vat',
    lesson: `
      what time was, what time is my, what time is the lesson, what time does, when is my, when was, when does my,
      which day was, where is the lesson, where .. my lesson, what address, which address, your address, the address,
      zoom link, meet link, teams link, my appointment, time again, when do i have, what time do i, remind me`,
    book: `
      =book, =booking, =lesson, =lessons, =book lesson, book .. lesson, book .. lessons, book .. class,
      book .. session, book .. slot, book .. appointment, schedule .. lesson, schedule .. class, schedule .. session,
      schedule .. appointment, make .. appointment, make .. booking, make .. reservation, reserve .. lesson,
      like .. lesson, like .. lessons, like .. class, want .. lesson, want .. lessons, need .. lesson, have .. lesson,
      get .. lesson, another lesson, new lesson, plan .. lesson, =schedule, =appointment, =reserve`,
    newLesson: 'a lesson, a class, another lesson, another class, new lesson, extra lesson, a trial, one more',
    trial: 'trial, trial lesson, free lesson, free class, free trial, try .. lesson, =free, =try',
    prices: `
      price, prices, pricing, =rates, your rates, fee, fees, tariff, how much, what .. cost, what .. costs, =cost,
      =costs, =rate, cost of, how expensive, what .. charge`,
    menu: `
      =menu, =main menu, =go back, =options, =help, =start, =restart, main menu, to the menu, what can you do,
      start over, start again, =choices`,
    otherTimes: `
      other time, other times, another time, different time, different times, other day, other days, another day,
      different day, more times, more options, other options, other slots, more slots, =other, =others, =more, =later,
      none of, doesnt work, dont work, doesnt suit`,
    payLink: `
      =link, =payment link, send .. link, resend, link again, new link, link .. not work*, link .. doesnt work,
      link .. expired, link broken, where .. link, lost .. link, no link, need .. link, where .. pay, how .. pay, =pay`,
    greeting: `
      hi, hello, hey, hiya, heya, good morning, good afternoon, good evening, good day, morning, greetings,
      anyone there, anybody there, are you there, you there, there`,
    thanks: `
      see you tomorrow, see you monday, see you tuesday, see you wednesday, see you thursday, see you friday,
      see you saturday, see you sunday, see you next week, see you soon,
      thanks, thank you, thank u, thankyou, thx, thnx, ty, tysm, cheers, ok, okay, okey, k, great, cool, nice,
      perfect, super, good, fine, lovely, awesome, brilliant, excellent, wonderful, amazing, got it, understood,
      sounds good, sounds great, all good, see you, see you then, see ya, bye, goodbye, take care, have a nice day,
      have a good day, a lot, so much, very much, many, for your help, for the help, for everything, no problem,
      no worries, alright, noted, will do, haha, lol, much appreciated, appreciate it, works`,
    yes: `
      yes, yeah, yea, yep, yup, sure, ok, okay, please, yes please, please do, of course, definitely, absolutely,
      that would be great, that would be nice, sounds good, great, good, fine, i would, y`,
    no: 'no, nope, no thanks, no thank you, not needed, not necessary, nah',
    back: `
      never mind, nevermind, nvm, stop, cancel, cancel it, cancel that, cancel this, forget it, forget about it,
      not now, abort, quit, dont want it, dont want to, no longer needed, changed my mind, ive changed my mind,
      i changed my mind, maybe later, another day, some other time`,
  },
  recognisedBy: {
    surely: 'would the hello lesson lessons tomorrow my you your english thank have does ive im whats dont',
    perhaps:
      'i can could how much what when like book want need for with it at and are price son daughter good morning afternoon evening next please thanks time class to me there any this that monday tuesday wednesday thursday friday saturday sunday today learn possible',
  },
  asking: {
    inside: `
      do you speak @, can you speak @, you speak @, do @, is @ ok, is @ okay, is @ possible, is @ fine, can we speak @, we speak @, anyone speak @, anyone speaks @,
      speak in @, talk in @, write in @, reply in @, answer in @, switch to @, continue in @, chat in @, prefer @`,
    alone: 'in @, @ please, please @, @ pls, @ instead, @ only, rather @, use @, speak @, talk @, write @',
    lacks: `
      dont speak @, dont understand @, do not speak @, do not understand @, cant speak @, cannot speak @, cant read @,
      dont read @, dont know @, no @, speak no @, not speak @, not understand @`,
    fillers:
      'can could may we you i do this it be is also and or possible continue maybe please hi hello sorry if would like to want have conversation chat the',
    subjects:
      'lesson lessons class classes course learn learning tutoring tutor teach teacher exam test homework grade help subject',
  },
  numbers: {
    markers: ['option', 'number', 'nr', 'no', 'choice'],
    ordinals: { first: 1, second: 2, third: 3, fourth: 4, fifth: 5, sixth: 6 },
    fillers: 'the that one please pls then is good fine ok okay yes i take ill choose pick want',
  },
  times: {
    alsoReads: ['nl'],
    inDays: { today: 0, tomorrow: 1 },
    fillers: 'on at the can it be please then fine good ok yes',
    separators: [],
    afterHour: ['h', "o'clock", 'o’clock'],
    afterMinutes: [],
    halves: { am: ['am'], pm: ['pm'] },
    spelled: {
      hours: {
        one: 1,
        two: 2,
        three: 3,
        four: 4,
        five: 5,
        six: 6,
        seven: 7,
        eight: 8,
        nine: 9,
        ten: 10,
        eleven: 11,
        twelve: 12,
      },
      articles: [],
      beforeHour: {
        at: 0,
        half: 30,
        'half past': 30,
        'quarter past': 15,
        'quarter to': -15,
        'a quarter past': 15,
        'a quarter to': -15,
        'five past': 5,
        'five to': -5,
        'ten past': 10,
        'ten to': -10,
        'twenty past': 20,
        'twenty to': -20,
      },
      // `half two` is 2:30 in Britain, and 1:30 to a student who thinks in Dutch; `ten to three` may be from 10 to 3.
      unsure: ['half', 'five to', 'ten to'],
      afterWeekday: [],
    },
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
    languages: names =>
      `I only read and write ${names}. Please write to me in one of these; if you write in another again, a person will come.`,
    offerPerson: 'Sorry, I still do not understand. Would you like to talk to a person?',
    handoff: 'One moment please: someone from our team will take over this conversation.',
    cannotListen:
      'I can’t listen to voice messages or look at pictures and locations. Someone from our team will look at it and answer you here.',
    awaitsPayment: when => `Your lesson on ${when} is reserved and awaits your payment. What would you like to do?`,
    didNotWork: 'Sorry, that did not work just now. Someone from our team will look at it and answer you here.',
    prices: lines => `Our prices:\n${lines.join('\n')}`,
    price: (minutes, amount) => `${minutes} minutes: ${amount}`,
    chooseTime: minutes =>
      `When would you like your lesson of ${minutes} minutes? You can also write a day and a time.`,
    thisTime: (when, minutes) => `${when} is free for a lesson of ${minutes} minutes. Shall I reserve it for you?`,
    noTimes: 'There are no free times in the coming days. A person will look for one with you.',
    taken: 'Unfortunately that time is not free any more.',
    payFirst: (when, url, until, amount) =>
      `Your lesson on ${when} is reserved. Please pay ${amount} before ${until} to make it final: ${url}`,
    paymentUnderWay: 'Your payment is on its way. We will let you know as soon as it has arrived.',
    timeKept: when => `Your lesson on ${when} is reserved for you.`,
    timeNotKept: when => `Please note: your lesson on ${when} is not reserved until the payment is in.`,
    trialBooked: when => `Your free trial lesson is booked: ${when}. See you then!`,
    booked: when => `Your lesson is booked: ${when}. See you then!`,
    paid: amount => `Thank you! We have received your payment of ${amount}.`,
    paidPage: { title: 'Thank you!', text: 'You can close this window. The confirmation will be in your chat.' },
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
