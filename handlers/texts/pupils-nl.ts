import type { PupilWords } from './pupils.ts'

export const pupils: PupilWords = {
  before: 'voor vr',
  my: 'mijn mn m onze ons me',
  children:
    'zoon zoontje dochter dochtertje kind kindje kinderen zoons zonen dochters kleinzoon kleindochter kleinkind stiefzoon stiefdochter pleegkind pleegzoon pleegdochter oudste jongste jongen meisje',
  relations: 'broer broertje zus zusje neef neefje nicht nichtje pupil leerling',
  called: 'heet, die heet, genaamd, is',
  and: 'en',
  not: 'niet',
  but: 'maar',
  isReally: 'heet eigenlijk, heet trouwens, heet niet .. maar, moet .. heten, is eigenlijk',
  other:
    'andere leerling, ander kind, andere kind, andere zoon, andere dochter, iemand anders, een ander kind, nog een leerling, nog een kind',
  fillers:
    'deze keer dit keer nu graag aub alsjeblieft svp het is de les een bijles lessen zijn ja dan doe maar bedoel ik wil nee ook weer les toch liever',
  nameIs:
    'hij heet, zij heet, ze heet, zijn naam is, haar naam is, de naam is, naam, het is, dat is, mijn zoon heet, mijn dochter heet, mijn kind heet',
  aged: 'van',
  years: 'jaar jr jaren oud',
  yearsOld: 'jarig jarige',
  hasCapitalNouns: false,
  noNames:
    'mij me mezelf ons jou je jullie u hem haar hen hun iedereen iemand niemand alle alles beide twee drie een de het dit dat die deze elke ieder wie wat welk welke heeft heb hebben wil wilt willen kan kunnen moet moeten mag is was zijn zit doet gaat volgt zou wordt krijgt heet naar op in om met van bij aan en of maar ook nog niet wel graag vmbo havo vwo gymnasium atheneum mavo mbo hbo wo cito examen examens eindexamen toets toetsen tentamen proefwerk schoolexamen huiswerk school klas groep brugklas les lessen bijles proefles wiskunde rekenen engels nederlands duits frans spaans latijn grieks natuurkunde scheikunde biologie economie geschiedenis aardrijkskunde statistiek informatica muziek vakantie kerst pasen carnaval sinterklaas pinksteren hemelvaart eventueel max maximaal hulp begeleiding training cursus start eind begin dank bedankt hallo hoi ja nee prima oke ok niks geen prijs geld korting info informatie',
}
