import type { PupilWords } from './pupils.ts'

export const pupils: PupilWords = {
  before: 'fur fuer',
  my: 'mein meine meinen meinem meiner unser unsere unseren unserem unserer',
  children:
    'sohn tochter tochtern sohne kind kinder kindern enkel enkelin enkelkind stiefsohn stieftochter pflegekind altester alteste alteren jungster jungste jungsten junge jungen madchen',
  relations: 'bruder schwester neffe neffen nichte schuler schulerin',
  called: 'heisst, namens, der .. heisst, die .. heisst, mit namen, ist',
  and: 'und',
  not: 'nicht',
  but: 'sondern',
  isReally: 'heisst eigentlich, heisst in wirklichkeit, heisst ubrigens, ist eigentlich',
  other:
    'anderer schuler, anderen schuler, andere schulerin, anderes kind, andere kind, anderer sohn, anderen sohn, andere tochter, jemand anderes, jemand anders, jemanden anders, anderen schuler',
  fillers:
    'dieses mal diesmal jetzt bitte es ist die der das stunde nachhilfe unterricht ja dann ich meine lieber nein wieder gerne gern ein eine fur sind',
  nameIs:
    'er heisst, sie heisst, sein name ist, ihr name ist, der name ist, name, es ist, das ist, mein sohn heisst, meine tochter heisst, mein kind heisst',
  aged: 'von mit',
  years: 'jahre jahren jahr alt',
  yearsOld: 'jahrig jahriger jahrige jahrigen jahriges jahrigem',
  hasCapitalNouns: true,
  noNames:
    'mich mir uns dich sie ihn ihr ihm ihnen euch alle alles beide zwei drei ein eine einen einem einer der die das den dem dieser diese dieses jeden jede jeder wen wer was welche hat haben will wollen mochte kann konnen muss mussen soll ist war sind geht macht braucht an auf in im am um mit von bei zu zum zur und oder aber auch noch nicht doch bitte gern gerne abi abitur prufung prufungen klausur klausuren test tests klassenarbeit schule klasse gymnasium realschule hauptschule grundschule uni studium anfanger stunde stunden unterricht nachhilfe probestunde mathe mathematik englisch deutsch franzosisch spanisch latein griechisch niederlandisch physik chemie biologie bio wirtschaft geschichte erdkunde statistik informatik musik ferien weihnachten ostern pfingsten max maximal hilfe beispiel anfang ende danke hallo hi ja nein ok okay gut geld preis info informationen hausaufgaben',
}
