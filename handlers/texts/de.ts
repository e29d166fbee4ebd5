import type { Language } from './language.ts'
import { pupils } from './pupils-de.ts'
import { times } from './times-de.ts'

export const de: Language = {
  codes: ['de'],
  locale: 'de',
  stripeLocale: 'de',
  formats: {
    choice: "ccc, d.L., HH:mm 'Uhr'",
    shortChoice: 'ccc d.L. HH:mm',
    date: 'cccc, d. LLLL',
    time: "HH:mm 'Uhr'",
  },
  handedOver: {
    person: 'Der Schüler möchte mit einem Menschen sprechen',
    ill: 'Der Schüler ist krank, oder es ist etwas passiert',
    cancel: 'Der Schüler möchte eine Stunde absagen, verschieben oder ausfallen lassen',
    money: 'Der Schüler schreibt wegen einer Rückzahlung oder einer misslungenen Zahlung',
    complaint: 'Der Schüler beschwert sich',
    invoice: 'Der Schüler möchte eine Rechnung oder einen Beleg',
    lesson: 'Der Schüler fragt nach einer gebuchten Stunde',
    weekly: 'Der Schüler möchte eine feste Stunde beenden oder verlegen, und das macht die Lehrkraft',
    misunderstood: 'TutorBot hat den Schüler nicht verstanden',
    repeated: 'Der Schüler oder eine Maschine hat dreimal dasselbe geschrieben',
    endless: 'TutorBot hat in zehn Minuten 30 Mal geantwortet, vielleicht einer Maschine',
    language: 'Der Schüler schreibt in einer Sprache, die TutorBot nicht kennt',
    file: 'Der Schüler hat etwas geschickt, das TutorBot weder anhören noch ansehen kann',
  },
  aboutLesson: (when, order) => `Es geht um die Stunde am ${when} (Bestellung ${order}).`,
  aboutWeekly: (day, time, order) => `Es geht um die feste Stunde jeden ${day} um ${time} (Bestellung ${order}).`,
  wayBack: {
    bot: 'So gibst du das Gespräch an TutorBot zurück: auf „pending“ (ausstehend) setzen oder abschließen.',
    account: 'So gibst du das Gespräch an TutorBot zurück: abschließen, auf die nächste Nachricht antwortet TutorBot.',
    onPage: path => `Oder gib es auf der Seite von TutorBot zurück: ${path}`,
    byItself: hours => `Sonst antwortet TutorBot ${hours} Stunden nach deiner letzten Nachricht wieder.`,
  },
  personWords:
    /^(mit )?(ein(e[mnr]?)? )?(echte[mnrs]? )?(mensch(en)?|person|mitarbeiter(in)?|lehrer(in)?|jemand(e[mn])?)\W*$|\b(mensch(en)?|person|mitarbeiter(in)?|lehrer(in)?|jemand(e[mn])?)( (anders?|anderem|von euch|aus dem team|persönlich))? (sprechen|reden|chatten|telefonieren)\b|\b(will|möchte|brauche|gerne?) (bitte )?(mit )?eine[mn]? (echten )?(menschen|mitarbeiter(in)?)\b|\bechte[mnrs]? (mensch(en)?|person)\b/i,
  wishes: {
    fillers:
      'ich wir will wollen mochte mochten wurde gern gerne ein eine einen der die das bitte mal noch doch dann ja und aeh ah ahm mir mich dir du sie euch fur mein meine meinen kann konnte darf also hallo hi hey nur jetzt es eigentlich sorry entschuldigung ach echt auch wieder einfach bot schon so denn',
    person: `
      am telefon, per telefon, mit dem lehrer, mit der lehrerin, =mensch, =person, =kontakt, jemand richtiges, ruf mich, ruft mich, rufen sie, mich .. anrufen, jemand .. anrufen, zuruckruf*, ruckruf, telefonisch, telefonnummer, telefonieren, =anrufen, mit jemandem .. sprechen, mit jemandem .. reden, mit jemandem,
      jemanden .. sprechen, mit einem menschen, mit einer person, einen menschen, einem menschen, echter mensch, echten menschen, echte person, echten person, ein mensch, menschen sprechen, mitarbeiter*, sprechen mit, reden mit, lehrer .. sprechen, tutor .. sprechen, kundenservice, kundendienst, kontakt aufnehmen, kontaktieren,
      personlich sprechen, kein bot, keinen bot, mit einem bot, ein bot, kein roboter, ein roboter, dringend, notfall, eilt, euch erreichen, dich erreichen, sie erreichen, sie telefonisch, bist du echt, bist du ein mensch, ruf .. an, rufen .. an, ruft .. an, mit dem chef, mit der chefin, chef .. sprechen, =jemand helfen,
      =jemand .. helfen, echte menschen, einen roboter, keinen roboter, eure nummer, deine nummer, ihre nummer, nummer habt ihr, nummer haben sie, nummer hast du, chatbot, verbinden sie, verbinde mich, lehrerin .. sprechen, nachhilfelehrer .. sprechen, kollegen sprechen, jemanden anrufen, bot versteht, verstehst mich nicht,
      du verstehst nicht, verstehst du mich nicht, versteht mich nicht, frage an den lehrer, frage an die lehrerin, mail adresse, mailadresse, inhaber`,
    ill: `
      krank, kranke, erkrankt, krankgeschrieben, krankmeld*, grippe, fieber, corona, krankenhaus, erkaltet, migrane, kopfschmerzen, ubergeben, nicht wohl, geht .. nicht gut, beerdigung, unfall gehabt, unfall, verstorben, gestorben, fuhle mich nicht gut, fuhle mich .. nicht gut, fuhlt sich nicht gut, nicht fit, bein gebrochen,
      arm gebrochen, fuss gebrochen, hand gebrochen, mir ist schlecht, ihm ist schlecht, ihr ist schlecht, magen darm, durchfall, halsschmerzen, bauchschmerzen, bauchweh, schnupfen, grippal*, positiv getestet, in quarantane, todesfall, trauerfall, gehirnerschutterung, verletzt, mandelentzundung, ohrenschmerzen, im bett,
      mir ist ubel, ist mir ubel, ihm ist ubel, ihr ist ubel, liegt flach, liege flach, krankenwagen, notaufnahme, hingefallen, mir gehts nicht gut, gehts mir nicht gut, gehts ihm nicht gut, gehts ihr nicht gut`,
    cancel: `
      absag*, abgesagt, sage .. ab, sag .. ab, stornier*, storno, cancel*, fallt aus, ausfallen, ausfall, findet nicht statt, nicht statt, abmeld*, abgemeldet, melde .. ab, abbestell*, canceln, entfallen, entfallt, ausgefallen, stunde .. streichen, termin .. streichen, termin .. loschen, buchung .. loschen,
      stunde .. loschen`,
    move: `
      verschieb*, verschoben, verleg*, umbuchen, umbuchung, termin .. andern, buchung .. andern, stunde .. verandern, vorverleg*, nach hinten schieben, schieben`,
    quit: `
      =ich mochte .. stoppen, =ich will .. stoppen, =wir mochten .. stoppen, =wir wollen .. stoppen, =ich wurde .. stoppen, =wir wurden .. stoppen, =kann ich stoppen,
      kundig*, aufhoren mit, nachhilfe .. beenden, unterricht .. beenden, aufhoren, aufhore, feste stunde .. beenden, feste stunden .. beenden, festen termin .. beenden, wochentliche .. beenden, wochentlichen .. beenden, nicht mehr jede, nicht mehr jeden, nicht mehr wochentlich, keine feste stunde mehr,
      keine festen stunden mehr, keine wochentliche .. mehr, keine wochentlichen .. mehr, keinen festen termin mehr, stunde pausieren, stunden pausieren, nachhilfe pausieren`,
    weeklyLesson: `
      feste stunde*, feste termin*, feste zeit, feste nachhilfe*, festen stunde*, festen termin*, festen zeit, festen nachhilfe*, fester stunde*, fester termin*, fester zeit, fester nachhilfe*, wochentlich* stunde*, wochentlich* termin*, wochentlich* zeit, wochentlich* nachhilfe*, regelmassig* stunde*,
      regelmassig* termin*, regelmassig* zeit, regelmassig* nachhilfe*, stunde jeden, stunden jeden, alle stunden, alle meine stunden, alle termine, alle weiteren, alle zukunftigen, alle kunftigen, ganze serie, alle absag*, alles absag*, beide absag*, beide stunden, =beide, =alle beide, =alle von ihnen, =samtliche`,
    myWeekly: `
      meine feste, meine festen, meine fester, meine wochentlich*, meinen feste, meinen festen, meinen fester, meinen wochentlich*, mein feste, mein festen, mein fester, mein wochentlich*, meiner feste, meiner festen, meiner fester, meiner wochentlich*, unsere feste, unsere festen, unsere fester,
      unsere wochentlich*, unseren feste, unseren festen, unseren fester, unseren wochentlich*, unser feste, unser festen, unser fester, unser wochentlich*`,
    weeklyMoved: `
      auf montag, auf dienstag, auf mittwoch, auf donnerstag, auf freitag, auf samstag, auf sonntag, am montag, am dienstag, am mittwoch, am donnerstag, am freitag, am samstag, am sonntag, montags, dienstags, mittwochs, donnerstags, freitags, samstags, sonntags, auf einen anderen, auf eine andere, auf den, anderen tag, andere zeit, andere uhrzeit, anderer tag, andern, wechseln,
      tauschen, statt, stattdessen, fruher, spater, kunftig, andere woche`,
    absent: `
      kann nicht kommen, kann .. nicht kommen, konnen nicht kommen, konnen .. nicht kommen, komme nicht, komme .. nicht, nicht dabei, schaffe es nicht, schaffe .. nicht, schaffen es nicht, verhindert, dazwischen gekommen, dazwischengekommen, keine stunde, keine stunden, keine nachhilfe, keinen unterricht,
      morgen nicht da, heute nicht da, bin nicht da, bin .. nicht da, sind nicht da, arzttermin, schaffe das .. nicht, schaffe das nicht, schaff es nicht, schaff das nicht, nicht teilnehmen, was dazwischen, kann .. doch nicht, konnen .. doch nicht, muss zum arzt, muss zum zahnarzt, bin beim arzt,
      stunde brauchen wir nicht, stunde brauche ich nicht, klappt .. nicht mehr, dieses mal .. nicht, diesmal .. nicht, im urlaub, nicht wahrnehmen, in urlaub`,
    change: `
      stunde .. anderen tag, stunde .. anderen termin, stunde .. andern, termin .. tauschen, stunde .. fruher, stunde .. spater, stunde .. tauschen, die stunde auf, meine stunde auf, den termin auf, auf einen anderen tag, statt dienstag, statt montag, statt mittwoch, statt donnerstag, statt freitag`,
    late: `
      zu spat, verspat*, minuten spater, etwas spater komme, komme .. spater, im stau, stunde .. vergessen, termin .. vergessen, verschlafen, zug hat, bus hat, zug verpasst, bus verpasst, kommen .. spater, nicht rechtzeitig`,
    money: `
      geld .. zuruck*, zuruckbekomm*, zuruck .. geld, zuruckzahl*, zuruckerstatt*, erstatt*, ruckerstattung, ruckzahlung, zuruckuberweis*, doppelt bezahlt, zweimal bezahlt, doppelt abgebucht, zweimal abgebucht, zu viel bezahlt, zuviel bezahlt, falscher betrag, falschen betrag, schon bezahlt, bereits bezahlt, habe .. bezahlt,
      haben .. bezahlt, zahlung .. fehlgeschlagen, zahlung .. nicht, bezahlen .. nicht, nicht bezahlen, nicht zahlen, entschadigung, bar bezahlen, bar zahlen, in bar, uberweis*, paypal, karte .. abgelehnt, abgelehnt, geld .. angekommen, geld .. bekommen, zahlung .. bekommen, zahlung .. angekommen, zahlung .. erhalten,
      zahlung .. eingegangen, zu viel gezahlt, doppelt gezahlt, zweimal gezahlt, schon gezahlt, bereits gezahlt, habe gezahlt, spater zahlen, spater bezahlen, geld wieder, geld .. wieder, kreditkarte, lastschrift, in raten, falsch abgebucht, nochmal abgebucht, 2 mal abgebucht, 2 x abgebucht, auf rechnung, gerade bezahlt,
      gerade gezahlt, eben bezahlt, zahlung geht nicht, zahlung klappt nicht, rabatt, gutschein, gutscheincode, zahlungsproblem, bezahlung .. nicht, bezahlung .. fehlgeschlagen, =bezahlt, =gezahlt`,
    complaint: `
      beschwer*, reklam*, unzufrieden, nicht zufrieden, enttauscht, enttauschend, enttauschung, unverschamt*, frechheit, lacherlich, betrug, betruger, abzocke, schrecklich, furchtbar, wutend, sauer, anwalt, schlechte stunde, schlechter unterricht, schlechte erfahrung, schlechter service, sehr schlecht, nicht erschienen,
      nicht aufgetaucht, niemand .. gekommen, niemand kam, kam nicht, warte immer noch, warte schon, immer noch kein*, nicht gekommen, niemand war da, niemand da, keiner da, niemand hier, keiner hier, keiner gekommen, keiner kam, warte seit, warten seit, geht gar nicht, stunde war .. schlecht, unterricht war .. schlecht,
      verargert, zumutung, antwortet nie, antwortet nicht, keine antwort, unhoflich, unfreundlich, respektlos, unprofessionell, unmoglich von, argerlich, arger*, inakzeptabel, nicht akzeptabel, stinksauer, saftladen, geldverschwendung, war mist, stunde war mist, wo bleibt, wo bleiben sie, wo bleibst du, =wo bist du,
      =wo sind sie, =wo seid ihr, lehrer ist nicht da, lehrerin ist nicht da, ist nicht da der lehrer, ist niemand da, schief gelaufen, schiefgelaufen`,
    invoice: `
      rechnung, rechnungen, quittung, quittungen, beleg, belege, zahlungsbeleg, zahlungsnachweis, mehrwertsteuer, mwst, rechnug, finanzamt, steuererklarung, zahlungsbestatigung, bescheinigung, arbeitgeber`,
    lesson: 'mitbringen, mitnehmen, wer ist mein, was soll ich vorbereiten, was muss ich vorbereiten',
    seeLesson: `
      wann war, wann ist meine, wann ist mein, wann ist die stunde, wann beginnt, wann habe ich, wann fangt, um wie viel uhr, wie viel uhr war, wieviel uhr, welcher tag war, mein termin, meinen termin, war das nochmal, war es nochmal, nochmal wann, nachste stunde, findet .. statt, meine buchung,
      buchung .. angekommen, buchung .. geklappt, keine bestatigung, bestatigung .. bekommen, bestatigung .. erhalten, bestatigungsmail, steht der termin, steht die stunde, steht mein, wann geht .. los, wann sehen wir, wann haben wir, wann ist der termin, wann treffen wir, an welchem tag, welcher tag ist, wann genau,
      habe ich morgen, habe ich heute, =meine stunde, =meine stunden, =meine nachhilfe, meine stunde sehen, meine stunden sehen, wann sind meine, welche stunden habe ich`,
    whereLesson: `
      wo ist die, wo findet, wo .. die stunde, welche adresse, adresse, zoom link, meet link, teams link, stunde online, ist es online, wohin muss ich, wie komme ich, zoomlink, videolink, wo muss ich hin, wo muss ich sein, wo treffen wir, welche plattform, wie komme ich hin, bei dir oder bei mir, wo ist das,
      wo ist es, wo ist meine`,
    myLesson: `
      meine stunde, meine stunden, meine nachhilfe, mein termin, meinen termin, meine buchung, meine gebuchte stunde`,
    book: `
      =buchen, =buchung, =stunde, =stunden, =nachhilfe, stunde .. buchen, stunden .. buchen, buche .. stunde, unterricht .. buchen, nachhilfe .. buchen, nachhilfestunde .. buchen, termin .. buchen, termin .. vereinbaren, termin .. ausmachen, termin .. machen, stunde .. vereinbaren, stunde .. reservieren, stunde .. nehmen,
      mochte .. stunde, will .. stunde, brauche .. stunde, hatte .. stunde, neue stunde, noch eine stunde, =termin, =reservieren, noch .. platz, noch .. platze, platz .. frei, platze .. frei, freie termine, freien termin, termine .. frei, haben sie .. frei, hast du .. frei, habt ihr .. frei, hast du .. zeit, haben sie .. zeit,
      mich anmelden, uns anmelden, ihn anmelden, sie anmelden, verfugbar*, kann ich .. termin, termin haben, einen termin bekommen, termin .. bekommen, brauche .. termin, wann hattest du .. zeit, wann hatten sie .. zeit, wann hattet ihr .. zeit, wann habt ihr .. zeit, wann hast du .. zeit, sohn anmelden, tochter anmelden,
      kind anmelden, nachhilfe anfangen, mit nachhilfe beginnen, mit unterricht beginnen, nachhilfe starten, stunde .. bekommen, stunde .. haben, wurde .. buchen, mochte .. buchen, will .. buchen, nachhilfe nehmen, wann kann ich kommen, noch termine, noch .. termine, was frei, etwas frei, wann ware .. frei, einen platz, =platz,
      termin .. reservieren, nachhilfe .. reservieren, unterricht .. nehmen, mochte nachhilfe, will nachhilfe, etwas buchen, was buchen, konnte ich .. nachhilfestunde, nachhilfestunde .. bekommen, nachhilfestunde .. nehmen`,
    newLesson: `
      eine stunde, noch eine, neue stunde, weitere stunde, eine probestunde, einen termin, eine nachhilfestunde, noch ne stunde, ne stunde, zweite stunde, mehr stunden`,
    seeking: `
      suche .. nachhilfe, suchen .. nachhilfe, suche .. unterricht, suche .. stunde, suche .. lehrer, suche .. lehrerin, brauche .. nachhilfe, brauchen .. nachhilfe, brauche .. hilfe, brauchen .. hilfe, nachhilfe in, nachhilfe fur, hilfe bei, hilfe in, braucht .. nachhilfe, suche jemand*, suchen jemand*, unterrichten sie,
      unterrichtest du, unterrichtet ihr, gibst du auch, geben sie auch, gebt ihr auch, nachhilfelehrer, nachhilfelehrerin, probleme mit, probleme in, schwierigkeiten mit, schwierigkeiten in, schlecht in, mathelehrer, mathelehrerin, englischlehrer, nachhilfe geben, eine frage, was fragen, etwas fragen, kurze frage, hab .. frage,
      habe .. frage`,
    trial: `
      probestunde*, probe stunde, probeunterricht, kostenlose stunde, gratis stunde, schnupperstunde, kennenlern*, =probe, =kostenlos, =gratis, stunde .. ausprobieren, erst .. ausprobieren, einmal ausprobieren, mal probieren, erste stunde .. kostenlos, erste stunde .. gratis, erstmal testen, erst mal testen, mal testen,
      einmal testen, zum testen, testen, probieren, probetermin, probelektion, schnuppern`,
    prices: `
      preis, preise, preisliste, tarif, tarife, was kostet, was kosten, wie viel kost*, wieviel kost*, wie teuer, =kosten, =kostet, kosten .. stunde, wie viel .. bezahlen, wie hoch .. kosten, stundensatz, was .. nehmen sie, pro stunde, was verlang*, nehmt ihr, nimmst du pro, verlangt ihr,
      verlangst du, verlangen sie, teuer, was wurde .. kosten, wurde .. kosten, was zahl*, wie lange dauert, wie lang dauert, wie lange geht, was macht das, ist es kostenlos, ist das kostenlos`,
    packages: `
      stundenpaket, stundenpakete, lektionspaket, paket, pakete, 10 er karte, 10 er block, zehnerkarte, zehnerpaket, 5 er karte, funferkarte, mehrfachkarte, 5 stunden nachhilfe, 10 stunden, 20 stunden, zehn stunden, funf stunden, zwanzig stunden, 10 lektionen, zehn lektionen, mehrere stunden auf einmal`,
    lessonsLeft: `
      wie viele stunden habe ich, wieviele stunden habe ich, wie viele stunden .. ubrig, wie viele lektionen habe ich, wie viele minuten habe ich, stunden habe ich noch, stunden ubrig, =guthaben, mein guthaben, stundenguthaben, noch guthaben`,
    menu: `
      =menu, =zuruck, =optionen, =hilfe, =start, =anfang, hauptmenu, zum menu, zuruck zum menu, was kannst du, was konnt ihr, von vorn*, =neustart, =auswahl, wie funktioniert, wie geht das, wie lauft das, was kann ich hier, was kann ich machen, zum hauptmenu, =menue, zuruck an den anfang, nochmal von vorn`,
    otherTimes: `
      andere zeit, andere zeiten, anderer termin, anderen termin, andere termine, anderer tag, anderen tag, andere tage, mehr zeiten, mehr termine, weitere zeiten, weitere termine, andere optionen, =andere, =anderes, =mehr, =weitere, =spater, =etwas anderes, keine davon, keiner davon, passt nicht, passen nicht, passt .. nicht,
      was anderes, etwas anderes, andere uhrzeit, andere uhrzeiten, andere stunde, nichts davon, keiner passt, keine passt, passt keine*, gibt es noch mehr, gibt es mehr, zeig mir mehr, zeig mehr, mehr anzeigen, passen alle nicht, da kann ich nicht, dann kann ich nicht, =kann da nicht, =kann dann nicht, nachste termine,
      nachste zeiten, was gibt es noch, =noch mehr, habt ihr noch andere, hast du noch andere, =kann ich nicht da, mehr auswahl, anderes datum, andere daten, welche zeiten .. noch, was hast du noch, was habt ihr noch, was haben sie noch`,
    payLink: `
      =link, =zahlungslink, schick .. link, schicke .. link, schicken .. link, sende .. link, link .. senden, link .. schicken, link nochmal, link .. noch einmal, link erneut, neuer link, neuen link, link .. funktioniert nicht, link .. geht nicht, link abgelaufen, link .. verloren, wo .. link, kein link, keinen link,
      wo .. bezahlen, wie .. bezahlen, =bezahlen, =zahlen, link bitte, link .. nochmal, link bitte nochmal, finde .. link, wo .. zahlen, wie .. zahlen, link ist abgelaufen, link .. abgelaufen, jetzt bezahlen, jetzt zahlen, will .. bezahlen, mochte .. bezahlen, zahlungsseite, seite offnet, link tut nicht, link .. offnen,
      wie zahle, wie bezahle, wo zahle, wo bezahle, stunde bezahlen`,
    greeting: `
      hallo, hi, hey, moin, servus, guten tag, guten morgen, guten abend, gruss gott, gruezi, tag, morgen, abend, halli hallo, bist du da, ist da jemand, jemand da, noch da, ist jemand da, hallochen, hallole, zusammen, guten tach, tach, tachchen, moinsen, gruss dich, gruss euch, na, hey na, wie gehts, wie geht es dir,
      wie geht es ihnen, alles gut bei dir, sehr geehrte damen und herren, damen und herren, sehr geehrte, sehr geehrter, liebe, lieber, herr, frau, heyy, halo, huhu, grussi, ist da wer, ist wer da, guten abend zusammen, schonen guten tag, wunderschonen guten tag, jemand hier, bot, hallo bot, hey du, nochmal hallo,
      wunderschonen guten morgen, schonen guten morgen, schonen guten abend`,
    thanks: `
      bis morgen, bis ubermorgen, bis montag, bis dienstag, bis mittwoch, bis donnerstag, bis freitag, bis samstag, bis sonntag, bis nachste woche, bis zum nachsten mal, danke, danke schon, dankeschon, danke dir, danke euch, danke ihnen, vielen dank, besten dank, herzlichen dank, dank, ok, okay, okey, k, super, toll, prima, gut,
      schon, perfekt, klasse, wunderbar, alles klar, klar, alles gut, passt, sehr gut, bis dann, bis bald, bis spater, tschuss, auf wiedersehen, ciao, schonen tag, einen schonen tag, schonen abend, schones wochenende, verstanden, in ordnung, kein problem, geht klar, sehr, fur die hilfe, fur deine hilfe, fur alles, freue mich,
      freut mich, geil, haha, mega, sorry, entschuldigung, lieben dank, vielen lieben dank, tausend dank, fur die schnelle antwort, fur die antwort, fur deine antwort, fur ihre antwort, fur die info, fur die schnelle ruckmeldung, fur die ruckmeldung, fur deine muhe, fur ihre muhe, gleichfalls, ebenfalls, dir auch, ihnen auch,
      euch auch, freu mich, freue mich schon, freu mich schon, freuen uns, das freut mich, wir sehen uns, sehen wir uns, wir sehen uns morgen, wir sehen uns montag, wir sehen uns dienstag, wir sehen uns mittwoch, wir sehen uns donnerstag, wir sehen uns freitag, wir sehen uns am montag, wir sehen uns am dienstag,
      wir sehen uns am mittwoch, wir sehen uns am donnerstag, wir sehen uns am freitag, dankee, merci, thx, schonen feierabend, gute nacht, schone woche, noch einen schonen tag, schonen abend noch, schonen tag noch, euch, passt schon, cool, top, spitze, genial, bestens, tschau, tschussi, servus, bis dahin, bis nachher,
      bis gleich, notiert, das wars, das war es, das war alles, alles klaro, mehr nicht, keine fragen mehr, fur deine geduld, fur ihre geduld, fur die geduld, tausend dank dir, gut zu wissen, weiss bescheid, fur die erinnerung, furs erinnern, fur ihre erinnerung, fur deine erinnerung`,
    yes: `
      sehr, sehr gerne, ja, jaa, jo, jep, jawohl, gern, gerne, bitte, ja bitte, ja gern, ja gerne, ok, okay, klar, sicher, naturlich, auf jeden fall, unbedingt, gut, passt, in ordnung, das ware gut, das ware super, na klar, ja klar, mach das, ja mach das, das ware nett, ja das ware nett,
      das ware toll, ja das ware gut, jup, yes, yep, joa, genau, gerne doch, sehr gern, aber gerne, ok gerne, das passt, passt mir, einverstanden, bitte reservieren, reservieren bitte, passt so`,
    no: `
      nein, ne, nee, nein danke, nicht notig, lieber nicht, no, no danke, nein passt schon, nein lieber nicht, nicht wirklich, eher nicht, nein alles gut, nope, brauche ich nicht, nein brauche ich nicht, uberlege es mir, uberlege es mir noch, uberlege es mir nochmal, uberlege noch, denke daruber nach, melde mich,
      melde mich wieder, melde mich nochmal, sag dir bescheid, sage bescheid, sag bescheid, keine, muss noch uberlegen, nein das wars, nein das war alles, nein nichts mehr, gerade nicht, im moment nicht, nein nein, moment, einen moment, moment bitte, warte kurz, warte, bin gleich zuruck, zahle gleich, bezahle gleich,
      kleinen moment, sekunde`,
    back: `
      lass gut sein, lass mal, stopp, stop, abbrechen, abbruch, stornieren, absagen, vergiss es, doch nicht, nicht mehr notig, brauche ich nicht mehr, will nicht mehr, hat sich erledigt, erledigt, jetzt nicht, ein andermal, ein anderes mal, nicht jetzt, doch lieber nicht, mochte doch keine stunde, will doch keine stunde,
      doch keine stunde, hab es mir anders uberlegt, habs mir anders uberlegt, habe es mir anders uberlegt, anders uberlegt, egal vergiss es, vergiss es egal, brauch ich nicht mehr, brauche keine stunde mehr, hat sich erledigt danke, kein interesse, kein interesse mehr, vielleicht ein andermal, vielleicht spater,
      ein anderes mal vielleicht, lassen wir das, lass es, lass es gut sein, nein lass mal, nein vergiss es, doch nicht mehr, nein doch nicht, lass gut sein danke, nein lass gut sein, mochte doch nicht, will doch nicht, danke hat sich erledigt, nein danke hat sich erledigt, vergiss das, brauche es nicht mehr,
      brauchen wir nicht mehr, nein danke vergiss es, nein danke lass mal`,
    stop: 'stop, stopp, aufhoren, hor auf',
    noReminders: `
      keine erinnerung, keine erinnerungen, keine .. erinnerungen, erinnerungen aus, =erinnerung aus, erinnerungen .. aus, erinnerungen .. ausschalten, erinnerungen abschalten, erinnerungen abstellen, erinnerungen ab, erinnerungen .. ab, erinnerungen deaktivieren, erinnerungen stoppen, stopp erinnerungen, stop erinnerungen, stopp die erinnerungen, stop die erinnerungen,
      nicht mehr erinnern, nicht mehr erinnert, nicht erinnert werden, erinnere mich nicht, erinner mich nicht, erinnern sie mich nicht, auf .. zu erinnern, ohne erinnerungen, keine reminder`,
    reminders: `
      erinnerungen an, =erinnerung an, erinnerungen ein, erinnerungen .. einschalten, erinnerungen anschalten, erinnerungen aktivieren, erinnerungen .. wieder, wieder erinnerungen, wieder eine erinnerung, erinnere mich wieder, erinner mich wieder, erinnerungen bitte, erinnerungen zuruck`,
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
  times,
  pupils,
  mail: {
    on: 'am',
    wrote: 'schrieb, geschrieben',
    headers: 'von, gesendet, datum, an, cc, betreff',
    signature: `
      mit freundlichen grussen, mit freundlichem gruss, freundliche grusse, mit besten grussen, beste grusse,
      viele grusse, liebe grusse, schone grusse, gruss, grusse, mfg, lg, vg, von meinem, gesendet von outlook,
      gesendet von mail, outlook fur`,
  },
  texts: {
    greeting: tutor => `Du chattest mit dem digitalen Assistenten von ${tutor}.`,
    menu: 'Hallo! Wie kann ich dir helfen?',
    choices: {
      menu: 'Zurück zum Menü',
      book: 'Stunde buchen',
      trial: 'Gratis-Probestunde',
      prices: 'Preise',
      human: 'Jemanden sprechen',
      other_times: 'Andere Zeiten',
      pay_link: 'Link erneut senden',
      other_time: 'Ein anderer Termin',
      my_lesson: 'Meine Stunde',
      move_lesson: 'Stunde verschieben',
      cancel_lesson: 'Stunde absagen',
      keep_lesson: 'Nichts ändern',
      unpaid_lesson: 'Unbezahlte Stunde',
      every_week: 'Jede Woche',
      other_pupil: 'Andere Person',
    },
    otherLength: minutes => `Lieber ${minutes} Minuten`,
    packageChoice: (lessons, minutes) => `${lessons} Stunden (${minutes} min)`,
    when: (date, time, zone) => `${date} um ${time}${zone === null ? '' : ` (${zone})`}`,
    lesson: 'Nachhilfe',
    sorryForWait: 'Entschuldige die Wartezeit.',
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
    packages: lines => `Stundenpakete:\n${lines.join('\n')}`,
    package: (lessons, minutes, amount) => `${lessons} Stunden zu ${minutes} Minuten: ${amount}`,
    packagePay: (lessons, minutes, url, until, amount) =>
      `Ein Paket mit ${lessons} Stunden zu ${minutes} Minuten kostet ${amount}. Du kannst es hier bezahlen, bis ${until}: ${url}`,
    lessonsLeft: left => `Du hast noch ${left} übrig.`,
    noPackage: 'Ich sehe hier kein Paket von dir.',
    noLessonsLeft: 'Du hast keine bezahlten Stunden mehr übrig.',
    packageCorrected: 'Wir haben dein Paket angepasst.',
    paidFromPackage: 'Sie ist aus deinem Paket bezahlt.',
    willReturnToPackage: 'Sie kommt zurück in dein Paket.',
    returnedToPackage: 'Sie ist wieder in deinem Paket.',
    packageRefunded: 'Dein Paket ist erstattet: Es kommt nichts zurück.',
    lessonsAndMinutes: (lessons, minutes, rest) => {
      if (lessons === 0) return `${rest} Minuten`
      const all = `${lessons} ${lessons === 1 ? 'Stunde' : 'Stunden'} zu ${minutes} Minuten`
      return rest === 0 ? all : `${all} und ${rest} Minuten`
    },
    chooseTime: minutes =>
      `Wann möchtest du deine Stunde (${minutes} Minuten)? Du kannst auch einfach einen Tag und eine Uhrzeit schreiben.`,
    thisTime: (when, minutes) => `${when} ist frei (${minutes} Minuten). Soll ich diesen Termin für dich reservieren?`,
    noTimes: 'In den nächsten Tagen ist leider nichts mehr frei. Jemand aus unserem Team sucht mit dir einen Termin.',
    tooFar: until =>
      `So weit im Voraus kannst du noch nicht buchen, nur bis ${until}. Diese Zeiten liegen am nächsten.`,
    tooSoon: from => `Das ist zu kurzfristig: Die erste Stunde geht ${from}. Diese Zeiten liegen am nächsten.`,
    notOnThatDay: days => `Dann gibt es keine Stunden, nur ${days}. Diese Zeiten liegen am nächsten.`,
    notAtThatHour: hours => `Um diese Uhrzeit gibt es keine Stunden, nur ${hours}. Diese Zeiten liegen am nächsten.`,
    closed: days => `Es gibt keine Stunden ${days}. Diese Zeiten liegen am nächsten.`,
    dayRange: (from, until) => `von ${from} bis ${until}`,
    onDays: days => `am ${days}`,
    hourRange: (from, until) => `zwischen ${from} und ${until} Uhr`,
    notThen: 'Genau dann beginnt keine Stunde. Diese Zeiten liegen am nächsten.',
    noEarlier: 'Früher ist leider nichts frei. Das sind die ersten Zeiten.',
    weekly:
      'Ich kann nur eine Stunde auf einmal buchen. Für einen festen Termin jede Woche wähle danach „Jemanden sprechen“.',
    otherRhythm:
      'Einen solchen Rhythmus kann ich nicht selbst eintragen, nur eine einzelne Stunde. Für einen festen Termin: wähle danach „Jemanden sprechen“.',
    weeklyHow: 'Für einen festen Termin jede Woche: schreib Tag und Uhrzeit, zum Beispiel „jeden Dienstag 17 Uhr“.',
    weeklyOneByOne: 'Feste Termine gehen einzeln: schreib zuerst einen, zum Beispiel „jeden Dienstag 17 Uhr“.',
    weeklyTooFar: until =>
      `Eine feste Stunde kann bis ${until} beginnen. Für einen späteren Beginn: wähle „Jemanden sprechen“ oder schreib später noch einmal.`,
    thisWeekly: (day, time, minutes, first) =>
      `Jeden ${day} um ${time}, ${minutes} Minuten, das erste Mal ${first}. Soll ich das jede Woche für dich eintragen? Aufhören geht jederzeit.`,
    weeklyExcept: 'Eine Woche auslassen geht: sag diese Stunde danach einzeln ab.',
    weeklyTaken: 'Dieser Termin ist leider nicht jede Woche frei. Eine einzelne Stunde geht.',
    weeklyBooked: (day, time, first) =>
      `Deine feste Stunde steht: jeden ${day} um ${time}, das erste Mal ${first}. Bis dann!`,
    weeklyPaid: 'Jede Stunde zahlst du einzeln: den Link zum Bezahlen bekommst du hier, ein paar Tage vorher.',
    weeklyFromPackage:
      'Die Stunden gehen von deinem Paket ab; ohne Paket bekommst du hier einen Link zum Bezahlen, ein paar Tage vorher.',
    weeklySkipped: days => `An diesen Tagen fällt deine feste Stunde aus: ${days}.`,
    weeklyEnded: (day, time) => `Deine feste Stunde jeden ${day} um ${time} ist beendet.`,
    payLesson: (when, url, until, amount) =>
      `Deine Stunde am ${when} ist noch nicht bezahlt. Bitte zahle ${amount} bis ${until} hier: ${url}`,
    otherLengths: minutes => `Eine Stunde dauert ${minutes.join(' oder ')} Minuten.`,
    lastTimes: 'Weitere freie Zeiten gibt es in den nächsten Tagen nicht.',
    allShown: 'Das waren alle freien Zeiten. Hier sind sie noch einmal.',
    inZone: zone => `Alle Zeiten gelten für ${zone}.`,
    taken: 'Dieser Termin ist leider nicht mehr frei.',
    payFirst: (when, url, until, amount) =>
      `Deine Stunde am ${when} ist für dich reserviert. Bitte bezahle ${amount} bis ${until}, damit die Buchung gilt: ${url}`,
    paymentUnderWay: 'Deine Zahlung ist unterwegs. Sobald sie da ist, hörst du von uns.',
    timeKept: when => `Bis dahin bleibt deine Stunde am ${when} für dich reserviert.`,
    timeNotKept: when => `Bitte beachte: Deine Stunde am ${when} ist erst reserviert, wenn die Zahlung da ist.`,
    trialBooked: when => `Deine kostenlose Probestunde ist gebucht: ${when}. Bis dann!`,
    booked: when => `Deine Stunde ist gebucht: ${when}. Bis dann!`,
    online: link => `Die Stunde ist online: ${link}`,
    atPlace: place => `Die Stunde ist hier: ${place}`,
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
    lessonAt: (when, minutes) => `Deine Stunde: ${when}, ${minutes} Minuten.`,
    lessonPaid: amount => `Bezahlt: ${amount}.`,
    lessonFree: 'Diese Stunde ist kostenlos.',
    lessonUnpaid: 'Diese Stunde ist noch nicht bezahlt.',
    unpaidAfterAll: when =>
      `Deine Stunde am ${when} ist doch noch nicht bezahlt: Wir hatten deine Zahlung versehentlich notiert.`,
    lessonHeld: 'Deine Zahlung ist noch unterwegs. Bis dahin ist dieser Termin für dich reserviert.',
    changeLesson: 'Möchtest du diese Stunde verschieben oder absagen?',
    whichLesson: 'Welche Stunde meinst du?',
    lessonGone: 'Diese Stunde hast du nicht (mehr).',
    lessonChanged: 'Deine Stunde wurde inzwischen verschoben.',
    lessonBegun: when => `Deine Stunde am ${when} hat schon begonnen.`,
    lessonKept: when => `Gut, deine Stunde bleibt, wie sie ist: ${when}.`,
    moveTo: when =>
      `Wann möchtest du deine Stunde vom ${when} stattdessen? Du kannst auch einfach einen Tag und eine Uhrzeit schreiben.`,
    moveToThis: (from, to) => `${to} ist frei. Soll ich deine Stunde vom ${from} dorthin verschieben?`,
    moved: (from, to) => `Deine Stunde vom ${from} ist verschoben auf ${to}. Bis dann!`,
    askCancel: when => `Möchtest du deine Stunde am ${when} absagen?`,
    willRefund: amount => `Du bekommst ${amount} zurück.`,
    willStopPayment: amount =>
      `Deine Zahlung über ${amount} ist noch unterwegs: Sie wird gestoppt, oder du bekommst sie zurück.`,
    personRefunds: 'Ob du es zurückbekommst, entscheidet jemand aus unserem Team. Das erfährst du hier.',
    noRefund: 'Du bekommst dafür kein Geld zurück.',
    onlyByChoice: 'Das geht nur mit der Auswahl unten. Sie gilt 15 Minuten.',
    cancelChoice: when => `Absagen ${when}`,
    cancelChoiceRefund: (when, amount) => `Absagen ${when}, ${amount} zurück`,
    questionOver: 'Diese Frage ist älter als 15 Minuten. Hier ist sie noch einmal.',
    paymentStopped: 'Deine Zahlung wurde gestoppt: Es wird nichts abgebucht.',
    refundAwaited: amount => `Deine Zahlung über ${amount} bekommst du zurück, sobald sie da ist.`,
    reminder: when => `Erinnerung: Du hast am ${when} eine Stunde. Hat sich etwas geändert? Dann antworte hier.`,
    remindersOff: 'Du bekommst keine Erinnerungen mehr. Möchtest du sie wieder, schreib „Erinnerungen an“.',
    remindersOn: 'Du bekommst vor deiner Stunde wieder eine Erinnerung.',
    forWhom: 'Für wen ist die Stunde?',
    pupilName: 'Wie heißt die Schülerin oder der Schüler? Dann buche ich die Stunde auf diesen Namen.',
    otherPupilName: 'Wie heißt die andere Schülerin oder der andere Schüler?',
    pupilUnknown: name =>
      `${name} kenne ich noch nicht. Wähle ${name}, um jemanden mit diesem Namen hinzuzufügen, oder für wen die Stunde sonst ist.`,
    pupilSet: name => `Gut, für ${name}.`,
    pupilsSet: names => `Gut, es sind ${names}.`,
    pupilRenamed: name => `Gut, ab jetzt schreibe ich ${name}.`,
    pupilBooked: 'Eine Stunde, die schon gebucht ist, behält ihren Namen. Ich gebe weiter, dass er anders sein soll.',
    tooManyPupils: 'Mehr als sieben Schüler kann ich mir hier nicht merken.',
    pupilIs: name => `Für: ${name}.`,
    linkExpires: (when, until, url) =>
      `Dein Zahlungslink läuft um ${until} ab. Danach ist deine Stunde am ${when} nicht mehr reserviert. Hier kannst du noch bezahlen: ${url}`,
  },
}
