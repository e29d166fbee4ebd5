import type { Language } from './language.ts'

export const de: Language = {
  codes: ['de'],
  locale: 'de',
  stripeLocale: 'de',
  formats: { choice: "ccc, d.L., HH:mm 'Uhr'", date: 'cccc, d. LLLL', time: "HH:mm 'Uhr'" },
  wayBack: {
    bot: 'So gibst du das Gespräch an TutorBot zurück: auf „pending“ (ausstehend) setzen oder abschließen.',
    account: 'So gibst du das Gespräch an TutorBot zurück: abschließen, auf die nächste Nachricht antwortet TutorBot.',
    byItself: hours => `Sonst antwortet TutorBot ${hours} Stunden nach deiner letzten Nachricht wieder.`,
  },
  personWords:
    /^(mit )?(ein(e[mnr]?)? )?(echte[mnrs]? )?(mensch(en)?|person|mitarbeiter(in)?|lehrer(in)?|jemand(e[mn])?)\W*$|\b(mensch(en)?|person|mitarbeiter(in)?|lehrer(in)?|jemand(e[mn])?)( (anders?|anderem|von euch|aus dem team|persönlich))? (sprechen|reden|chatten|telefonieren)\b|\b(will|möchte|brauche|gerne?) (bitte )?(mit )?eine[mn]? (echten )?(menschen|mitarbeiter(in)?)\b|\bechte[mnrs]? (mensch(en)?|person)\b/i,
  wishes: {
    fillers:
      'ich wir will wollen mochte mochten wurde gern gerne ein eine einen der die das bitte mal noch doch dann ja und aeh ah ahm mir mich dir du sie euch fur mein meine meinen kann konnte darf also hallo hi hey nur jetzt es',
    person: `
      am telefon, per telefon, mit dem lehrer, mit der lehrerin, =mensch, =person, =kontakt, jemand richtiges,
      ruf mich, ruft mich, rufen sie, mich .. anrufen, jemand .. anrufen, zuruckruf*, ruckruf, telefonisch,
      telefonnummer, telefonieren, =anrufen, mit jemandem .. sprechen, mit jemandem .. reden, mit jemandem,
      jemanden .. sprechen, mit einem menschen, mit einer person, einen menschen, einem menschen, echter mensch,
      echten menschen, echte person, echten person, ein mensch, menschen sprechen, mitarbeiter*, sprechen mit,
      reden mit, lehrer .. sprechen, tutor .. sprechen, kundenservice, kundendienst, kontakt aufnehmen, kontaktieren,
      personlich sprechen, kein bot, keinen bot, mit einem bot, ein bot, kein roboter, ein roboter, dringend, notfall,
      eilt`,
    ill: `
      krank, kranke, erkrankt, krankgeschrieben, krankmeld*, grippe, fieber, corona, krankenhaus, erkaltet, migrane,
      kopfschmerzen, ubergeben, nicht wohl, geht .. nicht gut, beerdigung, unfall gehabt, unfall, verstorben`,
    cancel: `
      absag*, abgesagt, sage .. ab, sag .. ab, stornier*, storno, cancel*, fallt aus, ausfallen, ausfall,
      findet nicht statt, nicht statt, verschieb*, verschoben, verleg*, umbuchen, umbuchung, kundig*, abmeld*,
      abgemeldet, melde .. ab, aufhoren mit, abbestell*`,
    absent: `
      kann nicht kommen, kann .. nicht kommen, konnen nicht kommen, konnen .. nicht kommen, komme nicht,
      komme .. nicht, nicht dabei, schaffe es nicht, schaffe .. nicht, schaffen es nicht, verhindert, zu spat,
      verspat*, dazwischen gekommen, dazwischengekommen, keine stunde, keine stunden, keine nachhilfe,
      keinen unterricht, stunde .. anderen tag, stunde .. anderen termin, stunde .. andern, termin .. andern,
      termin .. tauschen, stunde .. fruher, stunde .. spater, stunde .. tauschen`,
    money: `
      geld .. zuruck*, zuruckbekomm*, zuruck .. geld, zuruckzahl*, zuruckerstatt*, erstatt*, ruckerstattung,
      ruckzahlung, zuruckuberweis*, doppelt bezahlt, zweimal bezahlt, doppelt abgebucht, zweimal abgebucht,
      zu viel bezahlt, zuviel bezahlt, falscher betrag, falschen betrag, schon bezahlt, bereits bezahlt,
      habe .. bezahlt, haben .. bezahlt, zahlung .. fehlgeschlagen, zahlung .. nicht, bezahlen .. nicht,
      nicht bezahlen, nicht zahlen, entschadigung`,
    complaint: `
      beschwer*, reklam*, unzufrieden, nicht zufrieden, enttauscht, enttauschend, enttauschung, unverschamt*,
      frechheit, lacherlich, betrug, betruger, abzocke, schrecklich, furchtbar, wutend, sauer, anwalt,
      schlechte stunde, schlechter unterricht, schlechte erfahrung, schlechter service, sehr schlecht,
      nicht erschienen, nicht aufgetaucht, niemand .. gekommen, niemand kam, kam nicht, warte immer noch, warte schon,
      immer noch kein*`,
    invoice: `
      rechnung, rechnungen, quittung, quittungen, beleg, belege, zahlungsbeleg, zahlungsnachweis, mehrwertsteuer, mwst`,
    lesson: `
      wann war, wann ist meine, wann ist mein, wann ist die stunde, wann beginnt, wann habe ich, wann fangt,
      um wie viel uhr, wie viel uhr war, wieviel uhr, welcher tag war, wo ist die, wo findet, wo .. die stunde,
      welche adresse, adresse, mein termin, meinen termin, zoom link, meet link, teams link, war das nochmal,
      war es nochmal, nochmal wann`,
    book: `
      =buchen, =buchung, =stunde, =stunden, =nachhilfe, stunde .. buchen, stunden .. buchen, buche .. stunde,
      unterricht .. buchen, nachhilfe .. buchen, nachhilfestunde .. buchen, termin .. buchen, termin .. vereinbaren,
      termin .. ausmachen, termin .. machen, stunde .. vereinbaren, stunde .. reservieren, stunde .. nehmen,
      mochte .. stunde, will .. stunde, brauche .. stunde, hatte .. stunde, neue stunde, noch eine stunde, =termin,
      =reservieren`,
    newLesson:
      'eine stunde, noch eine, neue stunde, weitere stunde, eine probestunde, einen termin, eine nachhilfestunde',
    trial: `
      probestunde*, probe stunde, probeunterricht, kostenlose stunde, gratis stunde, schnupperstunde, kennenlern*,
      =probe, =kostenlos, =gratis, stunde .. ausprobieren`,
    prices: `
      preis, preise, preisliste, tarif, tarife, was kostet, was kosten, wie viel kost*, wieviel kost*, wie teuer,
      =kosten, =kostet, kosten .. stunde, wie viel .. bezahlen, wie hoch .. kosten, stundensatz, was .. nehmen sie`,
    menu: `
      =menu, =zuruck, =optionen, =hilfe, =start, =anfang, hauptmenu, zum menu, zuruck zum menu, was kannst du,
      was konnt ihr, von vorn*, =neustart, =auswahl`,
    otherTimes: `
      andere zeit, andere zeiten, anderer termin, anderen termin, andere termine, anderer tag, anderen tag,
      andere tage, mehr zeiten, mehr termine, weitere zeiten, weitere termine, andere optionen, =andere, =anderes,
      =mehr, =weitere, =spater, =etwas anderes, keine davon, keiner davon, passt nicht, passen nicht, passt .. nicht`,
    payLink: `
      =link, =zahlungslink, schick .. link, schicke .. link, schicken .. link, sende .. link, link .. senden,
      link .. schicken, link nochmal, link .. noch einmal, link erneut, neuer link, neuen link,
      link .. funktioniert nicht, link .. geht nicht, link abgelaufen, link .. verloren, wo .. link, kein link,
      keinen link, wo .. bezahlen, wie .. bezahlen, =bezahlen, =zahlen`,
    greeting: `
      hallo, hi, hey, moin, servus, guten tag, guten morgen, guten abend, gruss gott, gruezi, tag, morgen, abend,
      halli hallo, bist du da, ist da jemand, jemand da, noch da`,
    thanks: `
      bis morgen, bis ubermorgen, bis montag, bis dienstag, bis mittwoch, bis donnerstag, bis freitag, bis samstag,
      bis sonntag, bis nachste woche, bis zum nachsten mal,
      danke, danke schon, dankeschon, danke dir, danke euch, danke ihnen, vielen dank, besten dank, herzlichen dank,
      dank, ok, okay, okey, k, super, toll, prima, gut, schon, perfekt, klasse, wunderbar, alles klar, klar,
      alles gut, passt, sehr gut, bis dann, bis bald, bis spater, tschuss, auf wiedersehen, ciao, schonen tag,
      einen schonen tag, schonen abend, schones wochenende, verstanden, in ordnung, kein problem, geht klar, sehr,
      fur die hilfe, fur deine hilfe, fur alles, freue mich, freut mich, geil, haha, mega`,
    yes: `
      sehr, sehr gerne, ja, jaa, jo, jep, jawohl, gern, gerne, bitte, ja bitte, ja gern, ja gerne, ok, okay, klar,
      sicher, naturlich, auf jeden fall, unbedingt, gut, passt, in ordnung, das ware gut, das ware super`,
    no: 'nein, ne, nee, nein danke, nicht notig, lieber nicht',
    back: `
      lass gut sein, lass mal, egal, stopp, stop, abbrechen, abbruch, stornieren, absagen, vergiss es, doch nicht,
      nicht mehr notig, brauche ich nicht mehr, will nicht mehr, hat sich erledigt, erledigt, jetzt nicht,
      ein andermal, ein anderes mal, nicht jetzt`,
  },
  recognisedBy: {
    surely:
      'ich mochte moechte bitte nachhilfe nachhilfestunde stunde stunden guten nicht einen eine konnen konnte wurde gerne preise deutsch',
    perhaps:
      'und fur mit mein meine sohn tochter wann viel kostet wieviel ist gibt auf uhr heute ubermorgen nachste montag dienstag mittwoch donnerstag freitag samstag sonntag kann haben sie du wir tag buchen termin ein danke noch auch unterricht um morgen hallo',
  },
  asking: {
    inside: `
      sprichst du @, sprichst du auch @, sprechen sie auch @, geht auch @, sprechen sie @, sprecht ihr @, spricht jemand @, auf @ sprechen, auf @ schreiben, auf @ weiter,
      auf @ antworten, antworte .. auf @, schreib .. auf @, wechseln .. @, lieber auf @`,
    alone: 'auf @, in @, lieber @, @ bitte, bitte @, @ gerne, @ sprechen, @ schreiben',
    lacks: 'spreche kein @, verstehe kein @, kann kein @, lese kein @, sprechen kein @, kein @ sprechen',
    fillers:
      'kann kannst konnen konnten wir du sie ihr ich das es bitte auch und oder weiter vielleicht moglich ist geht hallo mir gerne machen',
    subjects:
      'stunde stunden unterricht nachhilfe kurs lernen lerne prufung klausur hausaufgaben fach note lehrer lehrerin hilfe',
  },
  numbers: {
    markers: ['option', 'nummer', 'nr', 'moglichkeit', 'auswahl'],
    ordinals: { erste: 1, zweite: 2, dritte: 3, vierte: 4, funfte: 5, sechste: 6 },
    fillers: 'die den das der bitte gerne gern dann ist gut ok okay ja ich nehme wahle mochte',
  },
  times: {
    alsoReads: ['en'],
    inDays: { heute: 0, morgen: 1, übermorgen: 2 },
    fillers:
      'um am der den dem das es ist sein geht ginge passt kann ich mir nehme bitte gern gerne dann ja ok okay gut prima super perfekt danke diesen kommenden',
    separators: ['uhr', 'h'],
    afterHour: ['uhr', 'h'],
    afterMinutes: ['uhr', 'h'],
    halves: { am: [], pm: [] },
    spelled: {
      hours: {
        ein: 1,
        eins: 1,
        zwei: 2,
        drei: 3,
        vier: 4,
        fünf: 5,
        sechs: 6,
        sieben: 7,
        acht: 8,
        neun: 9,
        zehn: 10,
        elf: 11,
        zwölf: 12,
      },
      articles: [],
      beforeHour: {
        um: 0,
        halb: -30,
        viertel: -45,
        dreiviertel: -15,
        'viertel vor': -15,
        'viertel nach': 15,
        'fünf vor': -5,
        'fünf nach': 5,
        'zehn vor': -10,
        'zehn nach': 10,
        'zwanzig vor': -20,
        'zwanzig nach': 20,
      },
      unsure: [],
      // `24.11.`, `24.11.2026` and `24.11.26`; without the last dot it may be a time.
      date: /(?<!\d)(?<day>\d{1,2})\.\s?(?<month>\d{1,2})\.(?:\d{2}(?!\d)|\s?20\d{2}(?!\d))?/g,
      afterWeekday: ['morgen'],
    },
  },
  texts: {
    menu: 'Hallo! Wie kann ich dir helfen?',
    choices: {
      menu: 'Zurück zum Menü',
      book: 'Stunde buchen',
      trial: 'Kostenlose Probestunde',
      prices: 'Preise',
      human: 'Mit jemandem sprechen',
      other_times: 'Andere Zeiten',
      minutes_60: 'Lieber 60 Minuten',
      minutes_90: 'Lieber 90 Minuten',
      pay_link: 'Link erneut senden',
      other_time: 'Ein anderer Termin',
    },
    when: (date, time, zone) => `${date} um ${time}${zone === null ? '' : ` (${zone})`}`,
    lesson: 'Nachhilfe',
    notUnderstood: 'Das habe ich leider nicht verstanden.',
    languages: names =>
      `Ich lese und schreibe nur ${names}. Schreib mir in einer dieser Sprachen; sonst hilft dir beim nächsten Mal ein Mensch.`,
    offerPerson: 'Ich verstehe dich leider immer noch nicht. Möchtest du mit jemandem sprechen?',
    handoff: 'Einen Moment bitte: Jemand aus unserem Team übernimmt das Gespräch.',
    cannotListen:
      'Sprachnachrichten, Bilder und Standorte kann ich nicht anhören oder ansehen. Jemand aus unserem Team sieht es sich an und antwortet dir hier.',
    awaitsPayment: when => `Deine Stunde am ${when} ist reserviert und wartet auf deine Zahlung. Was möchtest du tun?`,
    didNotWork:
      'Das hat gerade leider nicht geklappt. Jemand aus unserem Team sieht es sich an und antwortet dir hier.',
    prices: lines => `Unsere Preise:\n${lines.join('\n')}`,
    price: (minutes, amount) => `${minutes} Minuten: ${amount}`,
    chooseTime: minutes =>
      `Wann möchtest du deine Stunde (${minutes} Minuten)? Du kannst auch einfach einen Tag und eine Uhrzeit schreiben.`,
    thisTime: (when, minutes) => `${when} ist frei (${minutes} Minuten). Soll ich diesen Termin für dich reservieren?`,
    noTimes: 'In den nächsten Tagen ist leider nichts mehr frei. Jemand aus unserem Team sucht mit dir einen Termin.',
    taken: 'Dieser Termin ist leider nicht mehr frei.',
    payFirst: (when, url, until, amount) =>
      `Deine Stunde am ${when} ist für dich reserviert. Bitte bezahle ${amount} bis ${until}, damit die Buchung gilt: ${url}`,
    paymentUnderWay: 'Deine Zahlung ist unterwegs. Sobald sie da ist, hörst du von uns.',
    timeKept: when => `Bis dahin bleibt deine Stunde am ${when} für dich reserviert.`,
    timeNotKept: when => `Bitte beachte: Deine Stunde am ${when} ist erst reserviert, wenn die Zahlung da ist.`,
    trialBooked: when => `Deine kostenlose Probestunde ist gebucht: ${when}. Bis dann!`,
    booked: when => `Deine Stunde ist gebucht: ${when}. Bis dann!`,
    paid: amount => `Vielen Dank! Deine Zahlung über ${amount} ist eingegangen.`,
    paidPage: {
      title: 'Danke!',
      text: 'Du kannst dieses Fenster schließen. Die Bestätigung steht gleich in deinem Chat.',
    },
    paidButTaken:
      'Der Termin, den du gewählt hast, ist leider nicht mehr frei. Deine Zahlung gilt für einen anderen Termin.',
    paidButPast: 'Der Termin, den du gewählt hast, ist inzwischen vorbei. Deine Zahlung gilt für einen anderen Termin.',
    personBooks: 'Jemand aus unserem Team trägt deine Stunde in den Kalender ein und bestätigt dir die Uhrzeit.',
    paymentFailed: 'Deine Zahlung hat leider nicht geklappt. Es wurde nichts abgebucht.',
    expired: when =>
      `Deine Reservierung für ${when} ist verfallen, weil nicht rechtzeitig bezahlt wurde. Möchtest du einen neuen Termin wählen?`,
    refunded: amount => `Deine Zahlung über ${amount} wurde erstattet.`,
    refundFailed: amount =>
      `Die Erstattung von ${amount} ist leider nicht angekommen. Wir kümmern uns darum und melden uns bei dir.`,
    cancelled: when => `Deine Stunde am ${when} fällt aus.`,
  },
}
