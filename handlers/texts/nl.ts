import type { Language } from './language.ts'

export const nl: Language = {
  codes: ['nl'],
  locale: 'nl',
  stripeLocale: 'nl',
  formats: { choice: 'ccc d LLL HH:mm', date: 'cccc d LLLL', time: 'HH:mm' },
  wayBack: {
    bot: 'Wil je het gesprek teruggeven aan TutorBot? Zet het op pending (in de wacht), of sluit het af.',
    account: 'Wil je het gesprek teruggeven aan TutorBot? Sluit het af: op het volgende bericht antwoordt TutorBot.',
    byItself: hours => `Anders antwoordt TutorBot weer ${hours} uur na je laatste bericht.`,
  },
  personWords:
    /^(een )?(mens|persoon|medewerker)\W*$|\b(mens|persoon|medewerker|iemand)( anders)? (spreken|aan de lijn)\b|\b(wil|graag|mag ik) een (mens|medewerker)\b/i,
  wishes: {
    fillers:
      'ik we wij wil willen zou een de het graag aub alsjeblieft alstublieft svp even nog maar dan hoor wel dus en eh uh mij me je u jullie voor mijn kan mag ja hoi hallo hey hi dit toch',
    person: `
      aan de telefoon, per telefoon, jullie .. spreken, jullie .. praten, u .. spreken, je .. spreken,
      docent .. praten, met de docent, met de leraar, met de lerares, =contact, met een persoon, echt iemand, mens of,
      =mens, =persoon, =medewerker, bel mij, bel me, bel .. terug, bellen jullie, mij .. bellen, me .. bellen,
      kan .. bellen, kun .. bellen, kunnen .. bellen, gebeld worden, opbellen, terugbel*, telefonisch, telefoonnummer,
      =bellen, echt persoon, echte persoon, echt mens, echte mensen, echte medewerker, een medewerker,
      medewerker .. spreken, een mens, met mens*, iemand .. spreken, iemand .. praten, iemand .. bellen,
      iemand .. contact, spreek .. iemand, met iemand .. overleg*, praten met, spreken met, overleggen met,
      docent .. spreken, leraar .. spreken, tutor .. spreken, lerares .. spreken, contact opnemen, contact met,
      persoonlijk contact, menselijk contact, geen bot, geen robot, met een bot, met een robot, een bot, een robot,
      geen computer, klantenservice, helpdesk, spoed, dringend, noodgeval`,
    ill: `
      ziek, zieke, ziekjes, griep, buikgriep, koorts, corona, ziekenhuis, migraine, overgeven, keelontsteking,
      hoofdpijn, niet lekker, voel .. niet goed, ziekgemeld, ziekmeld*, ziek melden, begrafenis, ongeluk gehad,
      overleden`,
    cancel: `
      annul*, afzeg*, afgezegd, zeg .. af, zeggen .. af, gaat niet door, ga niet door, niet doorgaan,
      niet door .. gaan, afbel*, cancel*, gecancel*, afmeld*, afgemeld, meld .. af, opzeg*, zeg .. op, stoppen met,
      uitschrijv*, verzetten, verzet, verzeten, verzette, verplaatsen, verplaats, verplaatst, verplaatsten,
      verschuiven, verschuif, verschoven, uitstellen, uitgesteld, omboeken, omzetten, afgelast*, les laten vervallen,
      vervallen les`,
    absent: `
      niet lukken, lukt .. niet, lukt niet, moet .. overslaan, sla .. over, kan niet komen, kan .. niet komen,
      kunnen niet komen, kunnen .. niet komen, niet aanwezig, kan er niet zijn, kan er .. niet bij zijn, kom .. niet,
      komt .. niet naar, niet erbij, red het niet, haal het niet, redden het niet, halen het niet, verhinderd,
      te laat, kan mijn les niet, kan de les niet, les kan niet, geen les, geen lessen, geen bijles,
      les .. andere dag, les .. andere tijd, les .. ander moment, les .. ander tijdstip, afspraak .. andere dag,
      afspraak .. ander moment, afspraak .. andere tijd, les .. vroeger, les .. later, les .. wijzigen,
      les .. veranderen, afspraak .. wijzigen, afspraak .. veranderen, reservering .. wijzigen, boeking .. wijzigen,
      tijd .. wijzigen, iets tussengekomen, tussen gekomen`,
    money: `
      geld .. terug, terug .. geld, terugbetal*, terugbetaald, betaling terug, bedrag terug, terugstort*,
      teruggestort, terugkrijg*, terugvorder*, terugvraag*, refund*, stornere*, dubbel betaald, twee keer betaald,
      dubbel afgeschreven, twee keer afgeschreven, teveel betaald, te veel betaald, verkeerd bedrag, al betaald,
      heb .. betaald, hebben .. betaald, betaling .. mislukt, betaling .. lukt niet, betalen lukt niet,
      betalen werkt niet, niet betalen, compensatie, vergoeding, restitutie`,
    complaint: `
      klacht, klachten, klagen, ontevreden, niet tevreden, teleurgesteld, teleurstellend, schandalig, schande,
      belachelijk, oplicht*, waardeloos, boos, woedend, advocaat, slechte les, slechte ervaring, slechte service,
      slechte uitleg, heel slecht, niet opgedaagd, niet komen opdagen, kwam niet, kwam .. niet opdagen, was er niet,
      niemand .. kwam, niemand gekomen, wacht al, nog steeds geen, niet normaal, onacceptabel`,
    invoice: `
      factuur, facturen, factureren, faktuur, factuurtje, nota, bonnetje, kwitantie, betaalbewijs, betalingsbewijs,
      ontvangstbewijs, aankoopbewijs, een rekening, de rekening, rekening sturen, btw, declareren, declaratie,
      op naam van`,
    lesson: `
      hoe laat was, hoe laat .. les, hoe laat .. afspraak, hoe laat begin*, hoe laat moet, hoe laat hadden,
      welke tijd was, welk tijdstip, wanneer is mijn, wanneer was, wanneer is de les, wanneer heb ik, wanneer begin*,
      welke dag was, waar is de les, waar .. de les, waar moet ik, welk adres, adres, mijn afspraak, zoom link,
      meet link, teams link, lesmateriaal, was het ook alweer, ook al weer`,
    book: `
      =boeken, =boek, =les, =lessen, =les boeken, les .. boeken, lessen .. boeken, boek .. les, boeken .. les,
      bijles .. boeken, les .. inplannen, lessen .. inplannen, les .. plannen, les .. reserveren, =inplannen,
      =reserveren, =plannen, afspraak .. maken, wil .. les, willen .. les, graag .. les, wil .. lessen, =bijles,
      les .. afspreken, nieuwe les, nog een les, =afspraak, tijd .. reserveren, =boeking`,
    newLesson: 'een les, een bijles, nog een, nieuwe les, extra les, weer een les, een proefles, lessen boeken',
    trial: 'proefles*, proef les, gratis les, kennismaking*, kennismakingsles, les .. uitproberen, =proef, =gratis',
    prices: `
      prijs, prijzen, prijslijst, tarief, tarieven, uurtarief, wat kost*, hoeveel kost*, hoe duur, hoeveel .. kost*,
      wat .. kosten, =kosten, =kost, kosten .. les, hoeveel .. betalen, hoeveel .. vragen, hoeveel is, hoeveel euro`,
    menu: `
      =menu, =terug, =opties, =help, =hulp, =start, =begin, hoofdmenu, naar .. menu, wat kun je, wat kan je,
      opnieuw beginnen, =opnieuw, =keuzes`,
    otherTimes: `
      andere tijd, andere tijden, ander tijdstip, andere tijdstippen, ander moment, andere momenten, andere dag,
      andere dagen, meer tijden, meer opties, andere opties, meer momenten, =iets anders, =andere, =anders, =meer,
      =later, geen van, past niet, komt niet uit, passen niet, komen niet uit`,
    payLink: `
      =link, =betaallink, stuur .. link, link .. sturen, link .. stuur, link .. keer, link .. opnieuw, nieuwe link,
      link werkt, link .. werkt niet, link .. doet het niet, waar .. link, link kwijt, link .. verlopen, geen link,
      betaallink .. opnieuw, stuur .. betaallink, link niet, betaallink niet, waar .. betalen, hoe .. betalen,
      =betalen`,
    greeting: `
      hoi, hallo, hey, hee, heej, hai, hi, dag, goedemorgen, goedemiddag, goedenavond, goedeavond, goedendag,
      goede morgen, goede middag, goeden avond, goede avond, goeiemorgen, hoihoi, yo, ben je er, ben je daar,
      is er iemand, is daar iemand, iemand daar, nog daar, daar`,
    thanks: `
      tot morgen, tot overmorgen, tot maandag, tot dinsdag, tot woensdag, tot donderdag, tot vrijdag, tot zaterdag,
      tot zondag, tot volgende week, tot de volgende keer, tot gauw,
      bedankt, dank je, dank je wel, dank jullie, dankjewel, dankje, dank u, dank u wel, dankuwel, dank,
      hartelijk dank, thnx, top, super, prima, goed, mooi, fijn, ok, oke, okee, okidoki, okay, oki, k, perfect,
      helemaal goed, heel goed, helemaal, tot dan, tot ziens, tot straks, tot snel, tot de les, doei, doeg, fijne dag,
      fijn weekend, fijne avond, groetjes, groeten, graag gedaan, is goed, komt goed, geweldig, leuk, tof, lekker,
      duidelijk, begrepen, snap ik, snap het, geen probleem, heel erg, erg, zeer, voor de hulp, voor je hulp,
      voor alles, voor de les, alvast, heel fijn, wat fijn, haha, hahaha, gelukt, merci`,
    yes: `
      heel, heel graag, ja heel graag, ja, jaa, jawel, jazeker, jep, jup, graag, zeker, doe maar, is goed, ok, oke,
      okee, prima, goed, alsjeblieft, alstublieft, aub, top, natuurlijk, zou fijn zijn, dat wil ik, dat is goed`,
    no: 'nee, neen, nee hoor, niet nodig, hoeft niet, liever niet',
    back: `
      laat maar, laat maar zitten, stop, stoppen, annuleren, annuleer, vergeet het, toch niet, niet meer nodig,
      hoeft niet, hoeft niet meer, afbreken, wil niet meer, bedacht me, ik zie ervan af, nu niet, even niet, niet nu,
      andere keer, een andere keer, ander keertje`,
  },
  recognisedBy: {
    surely:
      'ik wij jij jullie graag bijles wanneer hoeveel kunnen zou lessen proefles goedemorgen goedemiddag goedenavond alsjeblieft alstublieft dankjewel nederlands afspraak boeken mijn niet inplannen',
    perhaps:
      'een het voor met van kan wil heb hebt heeft les om uur hoi wat hoe nog ook naar bij maar als dag vandaag overmorgen volgende prijs tijd zoon dochter mag we je u uw er geen wel moet zijn maandag dinsdag woensdag donderdag vrijdag zaterdag zondag goede avond middag morgen hallo',
  },
  asking: {
    inside: `
      spreek je @, spreek je ook @, spreek je misschien @, praat @, kun je @, kan je @, spreekt u @, spreekt u ook @, spreken jullie @, praat je @, praten jullie @, in het @ praten, in het @ spreken,
      in het @ schrijven, in het @ verder, in het @ antwoorden, schrijf .. in het @, antwoord .. in het @,
      overschakelen naar het @, liever in het @`,
    alone: 'in het @, liever @, @ graag, graag @, @ aub, @ alsjeblieft, @ svp, @ alstublieft, @ spreken, @ praten',
    lacks:
      'spreek geen @, versta geen @, begrijp geen @, lees geen @, spreek niet .. @, spreken geen @, geen @ spreken',
    fillers:
      'kan kun kunt kunnen we wij je jij jullie u het dit ook en of verder mag graag even misschien mogelijk is hoi hallo gesprek chatten ik wil',
    subjects: 'les lessen bijles proefles leren leer examen toets huiswerk cursus vak cijfer docent leraar hulp',
  },
  numbers: {
    markers: ['optie', 'nummer', 'nr', 'keuze', 'keus', 'mogelijkheid'],
    ordinals: { eerste: 1, tweede: 2, derde: 3, vierde: 4, vijfde: 5, zesde: 6 },
    fillers: 'de die graag aub alsjeblieft alstublieft svp doe maar dan is goed prima ok oke ja ik neem kies wil',
  },
  times: {
    alsoReads: ['en'],
    inDays: { vandaag: 0, morgen: 1, overmorgen: 2 },
    fillers: 'op om de het kan graag liefst dan is prima goed ok oke oké ja',
    separators: ['u'],
    afterHour: ['uur', 'u', 'h'],
    afterMinutes: ['uur'],
    halves: { am: [], pm: [] },
    spelled: {
      hours: {
        een: 1,
        één: 1,
        twee: 2,
        drie: 3,
        vier: 4,
        vijf: 5,
        zes: 6,
        zeven: 7,
        acht: 8,
        negen: 9,
        tien: 10,
        elf: 11,
        twaalf: 12,
      },
      // `een uur` is how long a lesson lasts.
      articles: ['een', 'één'],
      // `na` is Flemish.
      beforeHour: {
        om: 0,
        half: -30,
        'kwart voor': -15,
        'kwart over': 15,
        'kwart na': 15,
        'vijf voor': -5,
        'vijf over': 5,
        'vijf na': 5,
        'tien voor': -10,
        'tien over': 10,
        'tien na': 10,
        'twintig voor': -20,
        'twintig over': 20,
        'twintig na': 20,
      },
      unsure: [],
      afterWeekday: ['morgen'],
    },
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
    languages: names =>
      `Ik lees en schrijf alleen ${names}. Schrijf me in een van deze talen, of nog een keer: dan komt er iemand van ons.`,
    offerPerson: 'Sorry, ik begrijp je nog steeds niet. Wil je iemand spreken?',
    handoff: 'Een ogenblik: iemand van ons neemt dit gesprek over.',
    cannotListen:
      'Spraakberichten, foto’s en locaties kan ik niet beluisteren of bekijken. Iemand van ons kijkt ernaar en antwoordt je hier.',
    awaitsPayment: when => `Je les op ${when} is gereserveerd en wacht op je betaling. Wat wil je doen?`,
    didNotWork: 'Sorry, dat lukte nu even niet. Iemand van ons kijkt ernaar en antwoordt je hier.',
    prices: lines => `Onze prijzen:\n${lines.join('\n')}`,
    price: (minutes, amount) => `${minutes} minuten: ${amount}`,
    chooseTime: minutes =>
      `Wanneer wil je je les van ${minutes} minuten? Je kunt ook zelf een dag en een tijd schrijven.`,
    thisTime: (when, minutes) =>
      `${when} is vrij voor een les van ${minutes} minuten. Zal ik die tijd voor je vastleggen?`,
    noTimes: 'De komende dagen is er geen tijd vrij. Iemand van ons zoekt er een met je.',
    taken: 'Die tijd is helaas niet meer vrij.',
    payFirst: (when, url, until, amount) =>
      `Je les op ${when} staat voor je klaar. Betaal ${amount} vóór ${until} om hem definitief te maken: ${url}`,
    paymentUnderWay: 'Je betaling komt binnen. Zodra die er is, hoor je van ons.',
    timeKept: when => `Je les op ${when} blijft tot dan voor je gereserveerd.`,
    timeNotKept: when => `Let op: je les op ${when} is pas gereserveerd als de betaling binnen is.`,
    trialBooked: when => `Je gratis proefles staat vast: ${when}. Tot dan!`,
    booked: when => `Je les staat vast: ${when}. Tot dan!`,
    paid: amount => `Dank je wel! We hebben je betaling van ${amount} ontvangen.`,
    paidPage: { title: 'Bedankt!', text: 'Je kunt dit venster sluiten. De bevestiging staat zo in je chat.' },
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
