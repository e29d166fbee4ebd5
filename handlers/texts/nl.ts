import type { Language } from './language.ts'
import { pupils } from './pupils-nl.ts'
import { times } from './times-nl.ts'

export const nl: Language = {
  codes: ['nl'],
  locale: 'nl',
  stripeLocale: 'nl',
  formats: { choice: 'ccc d LLL HH:mm', shortChoice: 'ccc d LLL HH:mm', date: 'cccc d LLLL', time: 'HH:mm' },
  handedOver: {
    person: 'De leerling vraagt om een persoon',
    ill: 'De leerling is ziek, of er is iets gebeurd',
    cancel: 'De leerling wil een les afzeggen, verzetten of overslaan',
    money: 'De leerling schrijft over geld terug, of over een betaling die misging',
    complaint: 'De leerling heeft een klacht',
    invoice: 'De leerling vraagt om een factuur of een bon',
    lesson: 'De leerling vraagt naar een geboekte les',
    weekly: 'De leerling wil een vaste les stoppen of verplaatsen, en dat doet de docent',
    misunderstood: 'TutorBot heeft de leerling niet begrepen',
    repeated: 'De leerling, of een machine, heeft drie keer hetzelfde geschreven',
    endless: 'TutorBot heeft binnen tien minuten 30 keer geantwoord, misschien aan een machine',
    language: 'De leerling schrijft in een taal die TutorBot niet kent',
    file: 'De leerling heeft iets gestuurd dat TutorBot niet kan beluisteren of bekijken',
  },
  aboutLesson: (when, order) => `Het gaat om de les van ${when} (order ${order}).`,
  aboutWeekly: (day, time, order) => `Het gaat om de vaste les elke ${day} om ${time} (order ${order}).`,
  wayBack: {
    bot: 'Wil je het gesprek teruggeven aan TutorBot? Zet het op pending (in de wacht), of sluit het af.',
    account: 'Wil je het gesprek teruggeven aan TutorBot? Sluit het af: op het volgende bericht antwoordt TutorBot.',
    onPage: path => `Of geef het terug op de pagina van TutorBot: ${path}`,
    byItself: hours => `Anders antwoordt TutorBot weer ${hours} uur na je laatste bericht.`,
  },
  personWords:
    /^(een )?(mens|persoon|medewerker)\W*$|\b(mens|persoon|medewerker|iemand)( anders)? (spreken|aan de lijn)\b|\b(wil|graag|mag ik) een (mens|medewerker)\b/i,
  wishes: {
    fillers:
      'ik we wij wil willen zou een de het graag aub alsjeblieft alstublieft svp even nog maar dan hoor wel dus en eh uh mij me je u jullie voor mijn kan mag ja hoi hallo hey hi dit toch eigenlijk sorry och echt eens net al ook weer gewoon bot meneer mevrouw juf aan heel hele',
    person: `
      aan de telefoon, per telefoon, jullie .. spreken, jullie .. praten, u .. spreken, je .. spreken, docent .. praten, met de docent, met de leraar, met de lerares, =contact, met een persoon, echt iemand, mens of, =mens, =persoon, =medewerker, bel mij, bel me, bel .. terug, bellen jullie, mij .. bellen, me .. bellen,
      kan .. bellen, kun .. bellen, kunnen .. bellen, gebeld worden, opbellen, terugbel*, telefonisch, telefoonnummer, =bellen, echt persoon, echte persoon, echt mens, echte mensen, echte medewerker, een medewerker, medewerker .. spreken, een mens, met mens*, iemand .. spreken, iemand .. praten, iemand .. bellen,
      iemand .. contact, spreek .. iemand, met iemand .. overleg*, praten met, spreken met, overleggen met, docent .. spreken, leraar .. spreken, tutor .. spreken, lerares .. spreken, contact opnemen, contact met, persoonlijk contact, menselijk contact, geen bot, geen robot, met een bot, met een robot, een bot, een robot,
      geen computer, klantenservice, helpdesk, spoed, dringend, noodgeval, liever met iemand, liever iemand, stop .. bot, stop .. robot, ben je een robot, ben jij een robot, jullie nummer, uw nummer, je baas, jouw baas, de baas, manager, leidinggevende, bijlesgever .. spreken, bijlesleraar .. spreken, leerkracht .. spreken,
      =iemand .. helpen, =iemand helpen, een collega, met een computer, jullie bereiken, je bereiken, u bereiken, een chatbot, met een echte, contact .. opnemen, medewerkster, wat is je nummer, mag ik je nummer, heb je een nummer, verbind me, verbind mij, eigenaar, vraag voor de docent, vraag voor mijn docent,
      vraag aan de docent, vraag voor de leraar, emailadres, mailadres, mail adres, e mailadres, mailen naar, bot begrijpt, begrijp je me niet, je begrijpt me niet, begrijpt mij niet`,
    ill: `
      ziek, zieke, ziekjes, griep, buikgriep, koorts, corona, ziekenhuis, migraine, overgeven, keelontsteking, hoofdpijn, niet lekker, voel .. niet goed, ziekgemeld, ziekmeld*, ziek melden, begrafenis, ongeluk gehad, overleden, verkouden, belabberd, gestorven, been gebroken, arm gebroken, pols gebroken, enkel gebroken,
      voet gebroken, niet fit, niet zo fit, niet zo lekker, grieperig, keelpijn, buikpijn, oorpijn, oorontsteking, longontsteking, bronchitis, diarree, misselijk, geblesseerd, in quarantaine, positief getest, sterfgeval, uitvaart, crematie, ziek*, hersenschudding, beroerd, snotverkouden, maagpijn, van mijn maag,
      spoedeisende hulp, niet in orde, voelt zich niet goed`,
    cancel: `
      annul*, afzeg*, afgezegd, zeg .. af, zeggen .. af, gaat niet door, ga niet door, niet doorgaan, niet door .. gaan, afbel*, cancel*, gecancel*, afmeld*, afgemeld, meld .. af, afgelast*, les laten vervallen, vervallen les, afblazen, afgeblazen, les .. schrappen, afspraak .. schrappen, van de les af,
      van mijn les af, boeking .. verwijderen, afspraak .. verwijderen, reservering .. verwijderen, gaat .. niet door, kan .. niet doorgaan, ik wil van de les af`,
    move: `
      verzetten, verzet, verzeten, verzette, verplaatsen, verplaats, verplaatst, verplaatsten, verschuiven, verschuif, verschoven, uitstellen, uitgesteld, omboeken, omzetten, opschuiven, opgeschoven, schuif .. op, les ruilen, doorschuiven, doorgeschoven`,
    quit: `
      =ik wil .. stoppen, =we willen .. stoppen, =wij willen .. stoppen, =ik zou .. stoppen, =we zouden .. stoppen, =ik stop ermee, =we stoppen ermee, =wij stoppen ermee, =kan ik stoppen,
      opzeg*, zeg .. op, stoppen met, vaste les .. stop*, vaste lessen .. stop*, stop .. vaste les, stop .. vaste lessen, uitschrijv*, beeindig*, wekelijkse les .. stop*, wekelijkse lessen .. stop*, stop .. wekelijkse les, stop .. wekelijkse lessen, geen vaste les meer, geen vaste lessen meer,
      geen wekelijkse les meer, geen wekelijkse lessen meer, niet meer elke, niet meer iedere, niet meer wekelijks, les pauzeren, lessen pauzeren, bijles pauzeren, pauzeren met`,
    weeklyLesson: `
      vaste les*, vaste bijles, vaste afspraak, vaste tijd, vaste moment, vaste uur, vaste dag, wekelijkse les*, wekelijkse bijles, wekelijkse afspraak, wekelijkse tijd, wekelijkse moment, wekelijkse uur, wekelijkse dag, vast moment, vast uur, mijn les elke, mijn lessen elke, mijn les iedere,
      mijn lessen iedere, mijn les van elke, mijn lessen van elke, alle lessen, al mijn lessen, al onze lessen, alle toekomstige, hele reeks, alle afzeg*, alles afzeg*, alle annul*, alles annul*, allebei, =beide, =alle, =allemaal, =alles, =vaste, =wekelijkse`,
    myWeekly: `
      mijn vaste, mijn wekelijkse, onze vaste, onze wekelijkse, zijn vaste, zijn wekelijkse, haar vaste, haar wekelijkse, ons vast, mijn vast, mijn les van elke, mijn lessen van elke`,
    weeklyMoved: `
      naar maandag, naar dinsdag, naar woensdag, naar donderdag, naar vrijdag, naar zaterdag, naar zondag, vaste les naar, vaste lessen naar, vaste bijles naar, vaste afspraak naar, vaste tijd naar, vaste moment naar, wekelijkse les naar, wekelijkse lessen naar, wekelijkse bijles naar,
      wekelijkse afspraak naar, wekelijkse tijd naar, wekelijkse moment naar, naar een andere, naar een ander, naar de, op een andere, op een ander, andere dag, ander moment, andere tijd, ander tijdstip, ander uur, wijzig*, verander*, wissel*, aanpassen, verhuizen, kan .. vaste les op, kan .. wekelijkse les op,
      kunnen .. vaste lessen op, kunnen .. wekelijkse lessen op, in plaats van, ipv, voortaan, vroeger, later`,
    absent: `
      niet lukken, lukt .. niet, lukt niet, moet .. overslaan, sla .. over, kan niet komen, kan .. niet komen, kunnen niet komen, kunnen .. niet komen, niet aanwezig, kan er niet zijn, kan er .. niet bij zijn, kom .. niet, komt .. niet naar, niet erbij, red het niet, haal het niet, redden het niet, halen het niet,
      verhinderd, kan mijn les niet, kan de les niet, les kan niet, geen les, geen lessen, geen bijles, iets tussengekomen, tussen gekomen, er morgen niet, er vandaag niet, er dan niet, niet redden, kan .. toch niet, kunnen .. toch niet, niet aanwezig zijn, moet naar de tandarts, moet naar de dokter,
      moet naar de huisarts, moet naar de orthodontist, moet naar het ziekenhuis, kan niet naar les, niet naar de les, les hoeft niet, lessen hoeven niet, op vakantie, moet .. missen, de les .. missen, mijn les .. missen, ga ik missen, die dag niet, deze keer kan .. niet, dit keer kan .. niet, deze keer niet, dit keer niet`,
    change: `
      les .. andere dag, les .. andere tijd, les .. ander moment, les .. ander tijdstip, afspraak .. andere dag, afspraak .. ander moment, afspraak .. andere tijd, les .. vroeger, les .. later, les .. wijzigen, les .. veranderen, afspraak .. wijzigen, afspraak .. veranderen, reservering .. wijzigen,
      boeking .. wijzigen, tijd .. wijzigen, de les naar, mijn les naar, les .. andere keer, wisselen van tijd, wisselen van dag, wisselen van uur, ipv dinsdag, ipv maandag, ipv woensdag, ipv donderdag, ipv vrijdag, kunnen we ruilen`,
    late: `
      te laat, in de file, vertraging, ben .. minuten later, kom .. minuten later, ben wat later, ben iets later, kom wat later, kom iets later, les .. vergeten, afspraak .. vergeten, verslapen, bus gemist, trein gemist, sta in de file, zijn te laat, kwartiertje later, kwartier later, in het verkeer`,
    money: `
      geld .. terug, terug .. geld, terugbetal*, terugbetaald, betaling terug, bedrag terug, terugstort*, teruggestort, terugkrijg*, terugvorder*, terugvraag*, refund*, stornere*, dubbel betaald, twee keer betaald, dubbel afgeschreven, twee keer afgeschreven, teveel betaald, te veel betaald, verkeerd bedrag, al betaald,
      heb .. betaald, hebben .. betaald, betaling .. mislukt, betaling .. lukt niet, betalen lukt niet, betalen werkt niet, niet betalen, compensatie, vergoeding, restitutie, contant, cash, overmaken, overschrijven, overboeken, pinnen, tikkie, bankoverschrijving, paypal, terughebben, terug hebben, 2 x betaald, 2 keer betaald,
      2 x afgeschreven, 2 keer afgeschreven, dubbel .. betalen, twee keer .. betalen, twee keer .. afgeschreven, afschrijvingen, ideal doet, ideal werkt, ideal lukt, betaling niet, betaling .. niet gelukt, kaart .. geweigerd, kaart werkt niet, bancontact, payconiq, creditcard, in termijnen, later betalen, achteraf betalen,
      ter plaatse betalen, betaling ontvangen, betaling .. ontvangen, betaling gelukt, betaling .. binnen, geld ontvangen, geld .. ontvangen, geld .. binnen, bedrag klopt niet, betaling blijft, bank weigert, bank .. weigert, betaling .. gedaan, net betaald, is betaald, korting, voucher, cadeaubon, kortingscode, =betaald,
      =gelukt met betalen`,
    complaint: `
      klacht, klachten, klagen, ontevreden, niet tevreden, teleurgesteld, teleurstellend, schandalig, schande, belachelijk, oplicht*, waardeloos, boos, woedend, advocaat, slechte les, slechte ervaring, slechte service, slechte uitleg, heel slecht, niet opgedaagd, niet komen opdagen, kwam niet, kwam .. niet opdagen, was er niet,
      niemand .. kwam, niemand gekomen, wacht al, nog steeds geen, niet normaal, onacceptabel, dichte deur, gesloten deur, niemand thuis, niemand aanwezig, deed niet open, deed niemand open, slaat nergens op, slechte dienst, slechte zaak, slecht geregeld, niet goed geregeld, zit .. te wachten, zitten .. te wachten,
      sta .. te wachten, staan .. te wachten, wachten al, niemand in de, niemand hier, niemand te zien, niemand online, geen goede les, les was .. slecht, reageren nooit, reageert nooit, reageren niet, reageert niet, geen reactie, krijg geen antwoord, onbeleefd, onbeschoft, onvriendelijk, respectloos, onprofessioneel,
      geirriteerd, teleur*, niet opdagen, kwam niemand, niet blij met, uitleg was .. slecht, waar blijf je, waar blijven jullie, docent is er niet, leraar is er niet, lerares is er niet, er is niemand, niemand er, weer mis, misgaat, wacht nu al, wachten nu al, wacht nog steeds, bot snapt, snap je me niet, waar blijft de,
      waar blijft mijn, waar blijft u`,
    invoice: `
      factuur, facturen, factureren, faktuur, factuurtje, nota, bonnetje, kwitantie, betaalbewijs, betalingsbewijs, ontvangstbewijs, aankoopbewijs, een rekening, de rekening, rekening sturen, btw, declareren, declaratie, op naam van, bewijs van betaling, bewijs .. betaling, een bon, bonnetjes, betalingsbevestiging,
      fiscaal attest, voor de belasting, voor mijn werkgever, facturatie, bewijsje van betaling, bewijsje`,
    lesson: 'lesmateriaal, meenemen, meebrengen, wie is mijn, wie geeft .. les, wat moet ik voorbereiden',
    seeLesson: `
      hoe laat was, hoe laat .. les, hoe laat .. afspraak, hoe laat begin*, hoe laat moet, hoe laat hadden, welke tijd was, welk tijdstip, wanneer is mijn, wanneer was, wanneer is de les, wanneer heb ik, wanneer begin*, welke dag was, mijn afspraak, was het ook alweer, ook al weer, volgende les, welk uur moet,
      welk uur is, welk uur begin*, welk uur was, is de les nog, is mijn les, is onze les, gaat de les, hebben we afgesproken, is .. afgesproken, staat .. gepland, staat mijn, staat de les, staat de afspraak, boeking .. doorgekomen, boeking gelukt, mijn boeking, geen bevestiging, bevestiging .. gekregen,
      bevestiging .. ontvangen, bevestigingsmail, datum nog eens, wanneer moet ik er, staat er iets in de agenda, heb ik morgen les, heb ik vandaag les, welke dag is mijn, welke dag heb ik, wanneer is het, =mijn les, =mijn lessen, =mijn bijles, mijn lessen zien, mijn les zien, mijn les bekijken, mijn lessen bekijken,
      wanneer zijn mijn, welke lessen heb ik, hoe laat is mijn, hoe laat heb ik`,
    whereLesson: `
      waar is de les, waar .. de les, waar moet ik, welk adres, adres, zoom link, meet link, teams link, waar moeten we, waar spreken we af, is de les online, is de les bij, is het online, videocall, zoomlink, meetlink, teamslink, link voor de les, link van de les, link van de videocall, link van de meeting,
      link van de call, waar ga je lesgeven, hoe kom ik in, waar is het precies, waar is het nu, waar is het morgen, waar is dat, waar is mijn les, waar .. mijn les`,
    myLesson: 'mijn les, mijn lessen, mijn bijles, mijn afspraak, mijn boeking, mijn geboekte les',
    book: `
      =boeken, =boek, =les, =lessen, =les boeken, les .. boeken, lessen .. boeken, boek .. les, boeken .. les, bijles .. boeken, les .. inplannen, lessen .. inplannen, les .. plannen, les .. reserveren, =inplannen, =reserveren, =plannen, afspraak .. maken, wil .. les, willen .. les, graag .. les, wil .. lessen, =bijles,
      les .. afspreken, nieuwe les, nog een les, =afspraak, tijd .. reserveren, =boeking, inschrijven, me aanmelden, ons aanmelden, haar aanmelden, hem aanmelden, heb je .. plek, hebben jullie .. plek, nog plek, nog plaats, plaats vrij, plek vrij, beschikbaar, heb je .. tijd, hebben jullie .. tijd, les .. nemen, les .. volgen,
      wanneer kan ik komen, wanneer ben je vrij, wanneer kun je, =lesje, lesje .. boeken, boeking .. maken, boeking maken, iets afspreken, wat afspreken, plaatsen vrij, starten met bijles, starten met les, beginnen met bijles, beginnen met les, opgeven voor, me opgeven, zoon aanmelden, dochter aanmelden, mij aanmelden,
      kind aanmelden, les volgen, lessen volgen, les vastleggen, afspraak .. vastleggen, een lesje, bijles .. vastleggen, plekje vrij, plekjes vrij, sessie .. boeken, sessie boeken, afspraakje .. maken, afspraakje maken, lessen bestellen, les krijgen, bijles .. krijgen, bijles .. inplannen, bijles .. reserveren,
      bijles .. plannen, les te boeken, uurtje .. boeken, uurtje .. reserveren, iets .. inplannen, iets .. boeken, bijles volgen, les regelen, wil .. aanmelden, willen .. aanmelden, aanmelden voor`,
    newLesson: 'een les, een bijles, nog een, nieuwe les, extra les, weer een les, een proefles, lessen boeken',
    seeking: `
      zoek .. bijles, zoeken .. bijles, zoek .. les, zoeken .. les, zoek .. lessen, zoek .. docent, zoek .. leraar, bijles nodig, les nodig, lessen nodig, hulp nodig, hulp .. met, hulp bij, bijles in, bijles voor, les in, les voor, begeleiding nodig, bijlesleraar, bijlesdocent, bijlesgever, bijleslerares, zoek iemand,
      zoeken iemand, zoekt hulp, zoekt bijles, zoekt .. leraar, geef je ook, geven jullie ook, geeft u ook, doe je ook, doen jullie ook, bijles .. voor, moeite met, onvoldoende voor, loopt achter, sta .. onvoldoende, wil bijles, wil graag bijles, vraag over, heb een vraag, een vraagje, iets vragen, wat vragen, vraagje, een vraag`,
    trial: `
      proefles*, proef les, gratis les, kennismaking*, kennismakingsles, les .. uitproberen, =proef, =gratis, eerst .. proberen, een keer proberen, eens proberen, eerste les .. gratis, =proberen, kennismaken, kennis maken, probeerles, probeersessie, proefsessie, proefje, gratis lesje`,
    prices: `
      prijs, prijzen, prijslijst, tarief, tarieven, uurtarief, wat kost*, hoeveel kost*, hoe duur, hoeveel .. kost*, wat .. kosten, =kosten, =kost, kosten .. les, hoeveel .. betalen, hoeveel .. vragen, hoeveel is, hoeveel euro, vraag .. per uur, vragen .. per uur, reken .. per uur, rekenen .. per uur, wat vraag*, wat reken*,
      is .. duur, kostprijs, hoeveel vraag*, hoeveel reken*, kwijt per uur, ben ik kwijt, is het gratis, is dat gratis, hoe lang duurt, hoelang duurt, hoeveel minuten, euro per uur, wat moet .. kosten, wat voor prijs`,
    packages: `
      lespakket*, pakket, pakketje, pakketten, strippenkaart*, rittenkaart, 5 lessen, 10 lessen, 20 lessen, vijf lessen, tien lessen, twintig lessen, meerdere lessen tegelijk, meer lessen tegelijk`,
    lessonsLeft: `
      hoeveel lessen heb ik, hoeveel lessen nog, hoeveel lessen .. over, hoeveel lessen .. tegoed, hoeveel lessen staan, hoeveel uur heb ik, hoeveel uren heb ik, hoeveel minuten heb ik, =tegoed, =mijn tegoed, is mijn tegoed, nog tegoed, pakket over, strippenkaart over`,
    menu: `
      =menu, =terug, =opties, =help, =hulp, =start, =begin, hoofdmenu, naar .. menu, wat kun je, wat kan je, opnieuw beginnen, =opnieuw, =keuzes, =meny, wat kan ik hier, wat kan ik doen, wat kunnen jullie, hoe werkt, hoe werken, wat doe je, ga terug, hoofd menu, naar het begin`,
    otherTimes: `
      andere tijd, andere tijden, ander tijdstip, andere tijdstippen, ander moment, andere momenten, andere dag, andere dagen, meer tijden, meer opties, andere opties, meer momenten, =iets anders, =andere, =anders, =meer, =later, geen van, past niet, komt niet uit, passen niet, komen niet uit, heb je .. later,
      hebben jullie .. later, ook later, iets later, ander uur, andere uren, ander uurtje, andere mogelijk*, meer mogelijk*, meer keuze, =niks anders, =niets anders, =wat anders, heb je niks anders, heb je niets anders, heb je iets anders, hebben jullie iets anders, hebben jullie niets anders, nog iets anders, passen .. niet,
      past .. niet, toon meer, laat meer zien, meer zien, geen enkele, volgende tijden, volgende opties, =nog meer, die kunnen niet, geen van die, geen van deze, kan geen van, =kan dan niet, =kunnen dan niet, andere data, andere datum, welke tijden .. meer, nog meer tijden, nog meer momenten, past .. allemaal niet,
      wat heb je nog, wat hebben jullie nog, komt mij niet uit, komt me niet uit, komen mij niet uit`,
    payLink: `
      =link, =betaallink, stuur .. link, link .. sturen, link .. stuur, link .. keer, link .. opnieuw, nieuwe link, link werkt, link .. werkt niet, link .. doet het niet, waar .. link, link kwijt, link .. verlopen, geen link, betaallink .. opnieuw, stuur .. betaallink, link niet, betaallink niet, waar .. betalen, hoe .. betalen,
      =betalen, betaallink, link .. doorsturen, link nog eens, link doet, link .. vinden, betaallink .. vinden, betaallink .. sturen, hoe betaal, waar betaal, nu betalen, wil betalen, alsnog betalen, pagina .. niet open, betaalpagina, qr code, link kwijtgeraakt, linkje, stuur hem, kan ik nog betalen, kan .. nog betalen,
      betalen lukte niet`,
    greeting: `
      hoi, hallo, hey, hee, heej, hai, hi, dag, goedemorgen, goedemiddag, goedenavond, goedeavond, goedendag, goede morgen, goede middag, goeden avond, goede avond, goeiemorgen, hoihoi, yo, ben je er, ben je daar, is er iemand, is daar iemand, iemand daar, nog daar, daar, joe, joehoe, goeiedag, goeiendag, goeiemiddag,
      goeieavond, goeienavond, goeie avond, goeie morgen, goeie middag, goeie dag, heyy, heey, hallokes, halo, allemaal, iedereen, meneer, mevrouw, juf, beste, geachte, hoe gaat het, hoe is het, alles goed, iemand aanwezig, heren, dames en heren, haai, heya, bot, hallo bot`,
    thanks: `
      tot morgen, tot overmorgen, tot maandag, tot dinsdag, tot woensdag, tot donderdag, tot vrijdag, tot zaterdag, tot zondag, tot volgende week, tot de volgende keer, tot gauw, bedankt, dank je, dank je wel, dank jullie, dankjewel, dankje, dank u, dank u wel, dankuwel, dank, hartelijk dank, thnx, top, super, prima, goed, mooi,
      fijn, ok, oke, okee, okidoki, okay, oki, k, perfect, helemaal goed, heel goed, helemaal, tot dan, tot ziens, tot straks, tot snel, tot de les, doei, doeg, fijne dag, fijn weekend, fijne avond, groetjes, groeten, graag gedaan, is goed, komt goed, geweldig, leuk, tof, lekker, duidelijk, begrepen, snap ik, snap het,
      geen probleem, heel erg, erg, zeer, voor de hulp, voor je hulp, voor alles, voor de les, alvast, heel fijn, wat fijn, haha, hahaha, gelukt, merci, sorry, excuus, geregeld, is geregeld, voor de snelle reactie, voor je snelle reactie, voor je reactie, voor uw reactie, voor de reactie, voor het snelle antwoord,
      voor je antwoord, voor het antwoord, voor de info, voor de informatie, voor de moeite, voor je tijd, zie je, zie je dan, zie ik je, zien we elkaar, zie je morgen, zie ik je morgen, zie je maandag, zie ik je maandag, zie je dinsdag, zie ik je dinsdag, zie je woensdag, zie ik je woensdag, zie je donderdag,
      zie ik je donderdag, zie je vrijdag, zie ik je vrijdag, prettige dag, prettige avond, prettig weekend, fijne dag verder, fijne avond verder, fijne vakantie, hartstikke, jij ook, u ook, jullie ook, insgelijks, dikke merci, merci he, goed zo, genoteerd, staat genoteerd, tot de volgende, okido, okeej, mooi zo, wat leuk,
      heel leuk, er zin in, heb er zin in, kijk ernaar uit, kijken ernaar uit, welterusten, slaapwel, salukes, daag, dag hoor, x, xx, spreken we elkaar, spreken elkaar, weet ik genoeg, dan weet ik genoeg, voor je geduld, voor het geduld, voor uw tijd, oki doki, goed om te weten, dat was alles, was alles, was het, dat was het,
      niks meer, verder niks, verder geen vragen, geen vragen meer, top man, helemaal fijn, fijne dag nog, hele fijne dag, nog een fijne dag, fijne avond nog, voor de herinnering, voor het herinneren, voor je herinnering, voor de reminder`,
    yes: `
      heel, heel graag, ja heel graag, ja, jaa, jawel, jazeker, jep, jup, graag, zeker, doe maar, is goed, ok, oke, okee, prima, goed, alsjeblieft, alstublieft, aub, top, natuurlijk, zou fijn zijn, dat wil ik, dat is goed, ja hoor, absoluut, tuurlijk, zekers, uiteraard, klinkt goed,
      ja wil ik, ja dat wil ik, ja dat mag, dat mag, dat kan, dat zou fijn zijn, ja dat zou fijn zijn, vooruit, akkoord, vastleggen, leg vast, leg maar vast, yes, jawel hoor, klopt, dat klopt, in orde, dat is in orde, komt in orde, dat is fijn, dat is top, dat is super, zeker weten,
      doe die maar`,
    no: `
      nee, neen, nee hoor, niet nodig, hoeft niet, liever niet, neuh, neeh, ne, dat hoeft niet, nee dat hoeft niet, niet echt, hoeft niet hoor, nee liever niet, nee laat maar, denk er over na, denk er nog over na, denk er nog even over na, kijk later nog, kijk nog even, kom erop terug, kom er op terug, laat het weten,
      laat het nog weten, laat het je weten, overleg even, overleggen even, kijk later nog wel, moet er nog over nadenken, moet nog even nadenken, nadenken, lukt niet, lukken niet, geen, nee joh, nee hoor dank je, nee dat is alles, nee dat was alles, nee verder niks, momentje, moment, een momentje, ogenblikje, even wachten,
      wacht even, wacht, betaal zo, betaal straks, betaal zo meteen, kom zo terug, ben zo terug, kom zo`,
    back: `
      laat maar, laat maar zitten, stop, stoppen, annuleren, annuleer, vergeet het, toch niet, toch maar niet, doe maar niet, niet meer nodig, hoeft niet, hoeft niet meer, afbreken, wil niet meer, bedacht me, ik zie ervan af, nu niet, even niet, niet nu, andere keer, een andere keer, ander keertje, vergeet maar,
      vergeet het maar, bedenk me, stop maar, nee laat maar, nee hoor laat maar, nee toch niet, toch liever niet, stop ermee, hoef niet meer, heb me bedacht, me bedacht, mij bedacht, wil toch geen les, wil geen les meer, toch geen les, geen les meer, doe toch maar niet, andere keer misschien, misschien andere keer,
      misschien een andere keer, misschien later, zie er vanaf, zie er van af, zie ervan af, geen interesse, geen interesse meer, hoeft toch niet, stop maar even, niet meer nodig hoor, laat maar dank je, laat maar bedankt, laat maar dankje, nee sorry toch niet, zie ik er toch van af, zie er toch van af, hoeft al niet meer,
      niet meer hoor, dank je laat maar, bedankt laat maar, toch maar geen les, maar geen les`,
    stop: 'stop, stopp, stoppen, stop maar, stop ermee, stop maar even',
    noReminders: `
      geen herinnering, geen herinneringen, geen .. herinneringen, stop herinneringen, stop de herinneringen, stop met herinneringen, stop met de herinneringen, stop met die herinneringen, stop met herinneren, stop met me herinneren, stop met mij herinneren, stoppen met herinneren, stoppen met herinneringen, stoppen met de herinneringen, herinneringen uit, =herinnering uit, herinneringen .. uit, herinneringen stoppen, niet meer herinneren,
      niet meer herinnerd, niet herinnerd worden, niet herinnerd te worden, herinner me niet, herinner me .. niet meer, zonder herinneringen, geen reminder, geen reminders, geen .. reminders, reminders uit, niet meer die herinneringen`,
    reminders: `
      herinneringen aan, =herinnering aan, herinneringen .. aan, herinneringen .. aanzetten, weer herinneringen, weer een herinnering, wel herinneringen, herinner me weer, stuur .. herinneringen, graag herinneringen, graag een herinnering, herinneringen graag, herinneringen terug, reminders aan, reminders weer aan, weer reminders`,
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
  times,
  pupils,
  mail: {
    on: 'op',
    wrote: 'schreef, geschreven',
    headers: 'van, verzonden, datum, aan, cc, onderwerp',
    signature: `
      met vriendelijke groet, met vriendelijke groeten, vriendelijke groet, vriendelijke groeten, met hartelijke groet,
      hartelijke groet, hartelijke groeten, met groet, groet, groeten, groetjes, mvg, verstuurd vanaf mijn,
      verzonden vanaf mijn, verzonden vanaf outlook, outlook voor`,
  },
  texts: {
    greeting: tutor => `Je chat met de digitale assistent van ${tutor}.`,
    menu: 'Hoi! Waarmee kan ik je helpen?',
    choices: {
      menu: 'Terug naar het menu',
      book: 'Les boeken',
      trial: 'Gratis proefles',
      prices: 'Prijzen',
      human: 'Iemand spreken',
      other_times: 'Andere tijden',
      pay_link: 'Link opnieuw sturen',
      other_time: 'Een ander moment',
      my_lesson: 'Mijn les',
      move_lesson: 'Les verzetten',
      cancel_lesson: 'Les annuleren',
      keep_lesson: 'Niets veranderen',
      unpaid_lesson: 'De onbetaalde les',
      every_week: 'Elke week',
      other_pupil: 'Andere leerling',
    },
    otherLength: minutes => `Liever ${minutes} minuten`,
    packageChoice: (lessons, minutes) => `${lessons} lessen (${minutes} min)`,
    when: (date, time, zone) => `${date} om ${time}${zone === null ? '' : ` (${zone})`}`,
    lesson: 'Bijles',
    sorryForWait: 'Sorry voor het wachten.',
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
    packages: lines => `Lespakketten:\n${lines.join('\n')}`,
    package: (lessons, minutes, amount) => `${lessons} lessen van ${minutes} minuten: ${amount}`,
    packagePay: (lessons, minutes, url, until, amount) =>
      `Een pakket van ${lessons} lessen van ${minutes} minuten kost ${amount}. Je kunt het tot ${until} hier betalen: ${url}`,
    lessonsLeft: left => `Je hebt nog ${left} over.`,
    noPackage: 'Ik zie hier geen lespakket van je.',
    noLessonsLeft: 'Je hebt geen betaalde lessen meer over.',
    packageCorrected: 'We hebben je lespakket aangepast.',
    paidFromPackage: 'Hij is betaald uit je lespakket.',
    willReturnToPackage: 'Hij gaat terug in je lespakket.',
    returnedToPackage: 'Hij staat weer in je lespakket.',
    packageRefunded: 'Je lespakket is terugbetaald: er gaat niets in terug.',
    lessonsAndMinutes: (lessons, minutes, rest) => {
      if (lessons === 0) return `${rest} minuten`
      const all = `${lessons} ${lessons === 1 ? 'les' : 'lessen'} van ${minutes} minuten`
      return rest === 0 ? all : `${all} en ${rest} minuten`
    },
    chooseTime: minutes =>
      `Wanneer wil je je les van ${minutes} minuten? Je kunt ook zelf een dag en een tijd schrijven.`,
    thisTime: (when, minutes) =>
      `${when} is vrij voor een les van ${minutes} minuten. Zal ik die tijd voor je vastleggen?`,
    noTimes: 'De komende dagen is er geen tijd vrij. Iemand van ons zoekt er een met je.',
    tooFar: until => `Zo ver vooruit kun je nog niet boeken: het kan tot en met ${until}. Dit ligt er het dichtst bij.`,
    tooSoon: from => `Dat is te kort van tevoren: de eerste les kan ${from}. Dit ligt er het dichtst bij.`,
    notOnThatDay: days => `Dan zijn er geen lessen, wel ${days}. Dit ligt er het dichtst bij.`,
    notAtThatHour: hours => `Op dat uur zijn er geen lessen, wel ${hours}. Dit ligt er het dichtst bij.`,
    closed: days => `Er zijn geen lessen ${days}. Dit ligt er het dichtst bij.`,
    dayRange: (from, until) => `van ${from} tot en met ${until}`,
    onDays: days => `op ${days}`,
    hourRange: (from, until) => `tussen ${from} en ${until}`,
    notThen: 'Precies dan begint er geen les. Dit ligt er het dichtst bij.',
    noEarlier: 'Eerder is er helaas niets vrij. Dit zijn de eerste tijden.',
    weekly: 'Ik kan één les tegelijk boeken. Voor een vast moment elke week: kies daarna “Iemand spreken”.',
    otherRhythm:
      'Zo’n ritme kan ik niet zelf boeken, een losse les wel. Voor iets vasts: kies daarna “Iemand spreken”.',
    weeklyHow: 'Voor een vast moment elke week: schrijf de dag en de tijd, zoals “elke dinsdag 17:00”.',
    weeklyOneByOne: 'Vaste momenten gaan één voor één: schrijf er eerst één, zoals “elke dinsdag 17:00”.',
    weeklyTooFar: until =>
      `Een vaste les kan beginnen tot en met ${until}. Voor een later begin: kies “Iemand spreken”, of schrijf het later nog eens.`,
    thisWeekly: (day, time, minutes, first) =>
      `Elke ${day} om ${time}, ${minutes} minuten, de eerste keer ${first}. Zal ik dat elke week voor je vastleggen? Stoppen kan altijd.`,
    weeklyExcept: 'Een week overslaan kan: zeg die les daarna apart af.',
    weeklyTaken: 'Dat moment is helaas niet elke week vrij. Een losse les kan wel.',
    weeklyBooked: (day, time, first) => `Je vaste les staat: elke ${day} om ${time}, de eerste keer ${first}. Tot dan!`,
    weeklyPaid: 'Elke les betaal je apart: de betaallink krijg je hier, een paar dagen van tevoren.',
    weeklyFromPackage:
      'De lessen gaan van je lespakket af; zonder pakket krijg je hier een betaallink, een paar dagen van tevoren.',
    weeklySkipped: days => `Op deze dagen kan je vaste les niet doorgaan: ${days}.`,
    weeklyEnded: (day, time) => `Je vaste les elke ${day} om ${time} is gestopt.`,
    payLesson: (when, url, until, amount) =>
      `Je les op ${when} is nog niet betaald. Betaal ${amount} uiterlijk ${until} hier: ${url}`,
    otherLengths: minutes => `Een les duurt ${minutes.join(' of ')} minuten.`,
    lastTimes: 'Meer vrije tijden zijn er de komende dagen niet.',
    allShown: 'Dat waren alle vrije tijden. Hier zijn ze opnieuw.',
    inZone: zone => `Alle tijden zijn die van ${zone}.`,
    taken: 'Die tijd is helaas niet meer vrij.',
    payFirst: (when, url, until, amount) =>
      `Je les op ${when} staat voor je klaar. Betaal ${amount} vóór ${until} om hem definitief te maken: ${url}`,
    paymentUnderWay: 'Je betaling komt binnen. Zodra die er is, hoor je van ons.',
    timeKept: when => `Je les op ${when} blijft tot dan voor je gereserveerd.`,
    timeNotKept: when => `Let op: je les op ${when} is pas gereserveerd als de betaling binnen is.`,
    trialBooked: when => `Je gratis proefles staat vast: ${when}. Tot dan!`,
    booked: when => `Je les staat vast: ${when}. Tot dan!`,
    online: link => `De les is online: ${link}`,
    atPlace: place => `De les is hier: ${place}`,
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
    lessonAt: (when, minutes) => `Je les: ${when}, ${minutes} minuten.`,
    lessonPaid: amount => `Betaald: ${amount}.`,
    lessonFree: 'Deze les is gratis.',
    lessonUnpaid: 'Deze les is nog niet betaald.',
    unpaidAfterAll: when =>
      `Je les op ${when} is toch nog niet betaald: we hadden je betaling per vergissing genoteerd.`,
    lessonHeld: 'Je betaling komt nog binnen. Tot dan is deze tijd voor je gereserveerd.',
    changeLesson: 'Wil je deze les verzetten of annuleren?',
    whichLesson: 'Welke les bedoel je?',
    lessonGone: 'Die les staat niet (meer) op jouw naam.',
    lessonChanged: 'Je les is intussen verzet.',
    lessonBegun: when => `Je les van ${when} is al begonnen.`,
    lessonKept: when => `Goed, je les blijft zoals hij is: ${when}.`,
    moveTo: when => `Naar wanneer wil je je les van ${when} verzetten? Je kunt ook zelf een dag en een tijd schrijven.`,
    moveToThis: (from, to) => `${to} is vrij. Zal ik je les van ${from} daarnaartoe verzetten?`,
    moved: (from, to) => `Je les van ${from} is verzet naar ${to}. Tot dan!`,
    askCancel: when => `Wil je je les van ${when} annuleren?`,
    willRefund: amount => `Je krijgt ${amount} terug.`,
    willStopPayment: amount =>
      `Je betaling van ${amount} komt nog binnen: die houden we tegen, of je krijgt hem terug.`,
    personRefunds: 'Of je dat terugkrijgt, beslist iemand van ons. Dat hoor je hier.',
    noRefund: 'Je krijgt hiervoor geen geld terug.',
    onlyByChoice: 'Dat kan alleen met de keuze hieronder. Die geldt 15 minuten.',
    cancelChoice: when => `Annuleer ${when}`,
    cancelChoiceRefund: (when, amount) => `Annuleer ${when}, ${amount} terug`,
    questionOver: 'Die vraag is ouder dan 15 minuten. Hier is hij opnieuw.',
    paymentStopped: 'Je betaling is tegengehouden: er wordt niets afgeschreven.',
    refundAwaited: amount => `Je betaling van ${amount} krijg je terug zodra die binnen is.`,
    reminder: when => `Herinnering: je hebt les op ${when}. Is er iets veranderd? Antwoord dan hier.`,
    remindersOff: 'Je krijgt geen herinneringen meer. Wil je ze terug? Schrijf dan “herinneringen aan”.',
    remindersOn: 'Je krijgt weer een herinnering voor je les.',
    forWhom: 'Voor wie is de les?',
    pupilName: 'Hoe heet de leerling? Dan zet ik de les op die naam.',
    otherPupilName: 'Hoe heet de andere leerling?',
    pupilUnknown: name =>
      `${name} ken ik nog niet. Kies ${name} om een leerling met die naam toe te voegen, of voor wie de les anders is.`,
    pupilSet: name => `Goed, voor ${name}.`,
    pupilsSet: names => `Goed, de leerlingen zijn ${names}.`,
    pupilRenamed: name => `Goed, voortaan schrijf ik ${name}.`,
    pupilBooked: 'Een les die al geboekt is, houdt zijn naam. Ik geef door dat die anders moet.',
    tooManyPupils: 'Meer dan zeven leerlingen kan ik hier niet onthouden.',
    pupilIs: name => `Leerling: ${name}.`,
    linkExpires: (when, until, url) =>
      `Je betaallink verloopt om ${until}. Daarna is je les op ${when} niet meer gereserveerd. Betalen kan nog hier: ${url}`,
  },
}
