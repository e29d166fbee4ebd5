import type { Language } from './language.ts'

export const nl: Language = {
  codes: ['nl'],
  locale: 'nl',
  stripeLocale: 'nl',
  formats: { choice: 'ccc d LLL HH:mm', date: 'cccc d LLLL', time: 'HH:mm' },
  personWords:
    /^(een )?(mens|persoon|medewerker)\W*$|\b(mens|persoon|medewerker|iemand)( anders)? (spreken|aan de lijn)\b|\b(wil|graag|mag ik) een (mens|medewerker)\b/i,
  times: {
    alsoReads: ['en'],
    inDays: { vandaag: 0, morgen: 1, overmorgen: 2 },
    fillers: 'op om de het kan graag liefst dan is prima goed ok oke oké ja',
    separators: ['u'],
    afterHour: ['uur', 'u', 'h'],
    afterMinutes: ['uur'],
    halves: { am: [], pm: [] },
  },
  texts: {
    menu: 'Hoi! Waarmee kan ik je helpen?',
    choices: {
      menu: 'Terug naar het menu',
      book: 'Les boeken',
      trial: 'Gratis proefles',
      prices: 'Prijzen',
      human: 'Iemand spreken',
      other_times: 'Andere tijden',
      minutes_60: 'Liever 60 minuten',
      minutes_90: 'Liever 90 minuten',
      pay_link: 'Link opnieuw sturen',
      other_time: 'Een ander moment',
    },
    when: (date, time, zone) => `${date} om ${time}${zone === null ? '' : ` (${zone})`}`,
    lesson: 'Bijles',
    notUnderstood: 'Sorry, dat begreep ik niet.',
    offerPerson: 'Sorry, ik begrijp je nog steeds niet. Wil je iemand spreken?',
    handoff: 'Een ogenblik: iemand van ons neemt dit gesprek over.',
    didNotWork: 'Sorry, dat lukte nu even niet. Iemand van ons kijkt ernaar en antwoordt je hier.',
    prices: lines => `Onze prijzen:\n${lines.join('\n')}`,
    price: (minutes, amount) => `${minutes} minuten: ${amount}`,
    chooseTime: minutes =>
      `Wanneer wil je je les van ${minutes} minuten? Je kunt ook zelf een dag en een tijd schrijven.`,
    noTimes: 'De komende dagen is er geen tijd vrij. Iemand van ons zoekt er een met je.',
    taken: 'Die tijd is helaas niet meer vrij.',
    payFirst: (when, url, until) =>
      `Je les op ${when} staat voor je klaar. Betaal vóór ${until} om hem definitief te maken: ${url}`,
    paymentUnderWay: 'Je betaling komt binnen. Zodra die er is, hoor je van ons.',
    timeKept: when => `Je les op ${when} blijft tot dan voor je gereserveerd.`,
    timeNotKept: when => `Let op: je les op ${when} is pas gereserveerd als de betaling binnen is.`,
    trialBooked: when => `Je gratis proefles staat vast: ${when}. Tot dan!`,
    booked: when => `Je les staat vast: ${when}. Tot dan!`,
    paid: amount => `Dank je wel! We hebben je betaling van ${amount} ontvangen.`,
    paidButTaken: 'De tijd die je koos is helaas niet meer vrij. Je betaling telt voor een andere.',
    paidButPast: 'De tijd die je koos is inmiddels voorbij. Je betaling telt voor een andere.',
    personBooks: 'Iemand van ons zet je les in de agenda en bevestigt je de tijd.',
    paymentFailed: 'Je betaling is helaas niet gelukt. Er is niets afgeschreven.',
    expired: when =>
      `Je reservering voor ${when} is vervallen, omdat er niet op tijd is betaald. Wil je opnieuw een tijd kiezen?`,
    refunded: amount => `Je betaling van ${amount} is terugbetaald.`,
    refundFailed: amount =>
      `De terugbetaling van ${amount} is helaas niet aangekomen. We zoeken het uit, en je hoort van ons.`,
    cancelled: when => `Je les op ${when} gaat niet door.`,
  },
}
