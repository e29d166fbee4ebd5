/** Languages without texts, only to be recognised: the student is told which there are. */

/** Their names are recognised too, as in `do you speak French?`: BCP 47. */
export const OTHER_LANGUAGE_CODES =
  'fr es it pt pl tr ro hu cs sv da fi el bg hr sr ru uk ar fa ur he hi ta zh ja ko vi th so ti'.split(' ')

/** Common words, without accents, of all these languages. Those of a language with texts too do not count. */
export const OTHER_WORDS = `
  bonjour bonsoir salut voudrais veux jaimerais cours lecon vous nous avec pour cest suis quand combien coute demain
  cherche malade peut faire aujourdhui peux pouvez parlez francais fils fille plait sil une votre oui reserver prendre heure heures lheure tres
  mardi lundi mercredi jeudi vendredi samedi dimanche jai estce quelle quel avez prix
  vale hora habla busco hola quiero quisiera gracias clase clases para cuanto cuesta manana hoy espanol usted puedo puede necesito favor
  buenos buenas tardes hijo hija lunes martes miercoles jueves viernes sabado reservar tengo estoy soy muy bien
  cerco ripetizioni matematica ciao buongiorno buonasera vorrei grazie lezione lezioni quanto costa domani oggi italiano posso sono figlio figlia
  lunedi martedi mercoledi giovedi venerdi sabato prenotare della bisogno favore
  boa tarde procuro explicacoes bom gostaria obrigado obrigada aula aulas custa amanha hoje portugues voce preciso meu minha filho filha marcar nao
  czy mowi pan pani szukam korepetycji dzien dobry czesc chcialbym chcialabym chciałbym chciałabym prosze dziekuje lekcja lekcje lekcji ile kosztuje jutro
  dzisiaj polsku mowisz moge jest nie dla syna corki poniedziałek poniedzialek wtorek sroda środa czwartek piatek
  merhaba selam istiyorum ders dersi almak icin fiyat kadar yarin yarın bugun turkce tesekkurler tesekkur ederim
  lutfen konusuyor musunuz oglum kizim kızım pazartesi carsamba persembe cuma saat
  buna ziua vreau multumesc lectie lectii maine astazi romana romaneste pentru dori
  szia szeretnek orat koszonom mennyibe kerul holnap magyarul
  ahoj chtel chtela prosim dekuji kolik stoji zitra cesky
  hej jag skulle vilja lektion tack hur mycket kostar imorgon svenska
`

/** Letters of scripts in which no language with texts is written. */
export const OTHER_SCRIPTS =
  /[\p{Script=Arabic}\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Hebrew}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Devanagari}\p{Script=Thai}\p{Script=Tamil}\p{Script=Bengali}\p{Script=Armenian}\p{Script=Georgian}\p{Script=Ethiopic}]/gu
