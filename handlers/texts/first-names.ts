/**
 * First names that are common where these languages are spoken, in lower case and without accents, as
 * handlers/phrases.ts reads words. By these `les voor tim` names a pupil and `les voor statistiek` does not. None that
 * is also another word of these languages: those count only where a name must follow (`mijn zoon Jan`).
 */
export const FIRST_NAMES: ReadonlySet<string> = new Set(
  `
  aaron abel adam adrian ahmed aisha alan albert alec alex alexander alexandra alfred ali alice alicia alina amalia amelia
  amber amina amir amy ana anas andrea andreas andrew anita anja anke anna anne annika anouk anthony anton antonia
  arend arno arthur astrid aya ayoub barbara bart bas bastian beatrice ben benjamin bente bernd bernhard bert beth betty
  bianca bob bobby boris bram brian britt bruno camila camille carla carmen carolin caroline catherine cathy
  cecilia celina charlie charlotte chiel chloe chris christian christina christine christopher claire clara claudia clemens
  clemence colin connor cornelis daan dana daniel daniela daphne dave david debbie deborah delia denise dennis derk
  diana diego dilara dina dirk dominik doris dorothea dylan eddie edith edward eefje elena eli elias elif elin elisa elisabeth
  elise elizabeth ella ellen elliot eloise els elsa emil emilia emilie emily emine emir emma emre eric erica erik erika erin
  esmee esra esther ethan eva evelyn evi evie ezra fabian famke fatima fatma femke feline felix fenna ferdinand finn fiona
  fleur floris floor frank franka franziska frederik frida friedrich frits gabriel gabriela geert george gerard gerda
  gijs gina greta guus gwen hamza hanna hannah hannes hans harold harriet harry hasan heather hedwig heidi heike helena helene
  helga hendrik henk henri henry herman hidde hilde holger hugo ian ibrahim ida ilias ilse imke imran ina ines inga ingrid
  irene iris isa isaac isabel isabella isabelle isla ivan ivy jack jacob jake jakob james jamie jana jane janek janine jannes jannik
  jari jasmin jasmijn jasmine jason jasper jayden jean jelle jens jeremy jeroen jesse jessica jet jette jill joan joep joanna
  joe joel johan johanna johannes john jolien jonas jonathan joost jordan joris jorn josef joseph josephine joshua joyce judith
  jule jules julia julian juliana julie julien juliette julius jurgen justin justus kai karel karim karin karl karlijn kate katharina
  katherine kathrin katie katja kayleigh keanu keith kees kelly ken kevin khalid kilian kim kimberly klaas klara klaus
  kornelia kristin kyle lana lara lars laura lauren laurens lea leah leander lena leni lenn lennard lennart lenny leo leon leonard
  leonie leonora leopold levi lewis lia liam lieke lien lienke lilian lilli lilly lily lina linda linh linus lisa lisanne lise liselotte
  liv liz lizzy logan lola lore lorena lorenz lotte louis louisa louise luca lucas lucia lucie lucy ludwig luis luisa luk
  luka lukas luke luna lydia lynn madelief mads maja maike maarten maartje magdalena malik malin manon manuel mara marc
  marcel marco marcus margaret margot margriet maria mariam marie marieke marijn marika mariam marina mario marion mariska marissa marit
  marius marjolein markus marleen marlene marlon marta martha martijn martin martina marwan mary maryam mathias mathijs mathilda mathilde mats
  matteo matthew matthias matthijs matthis maud maura maurice maurits max maxim maximilian maya megan mees mehmet meike melanie
  melissa melle mendel merel merle merlijn mia michael michel michelle mick miguel mika mike mila milan mila milou mina mira miranda miriam
  moana mohamed mohammed moritz morris muhammad murat mustafa nadia nadine naomi natalia natalie natasha nathan
  neele nele nicholas nick nicky nico nicola nicolas nicole niels nienke nikita niklas niko nikolai nikolas nils nina nino noa noah noor
  nora norah norbert nour nova olaf ole olivia oliver olivier omar oscar oskar otis otto owen pablo patricia patrick
  paul paula pauline pedro peggy pepijn peter petra philip philipp philippa phoebe pien piet pieter pim pippa polly
  quentin quinn quinten rachel rafael ralf ralph ramon ramona rana raoul raphael rayan rebecca reinier rene renee renate
  rianne ricardo richard rick rico rik rik riley rita robbert robert robin roderick roel rogier roland romy ronald ronja
  rosa rosalie rosanne rowan roy ruben rudolf rupert ruth ryan sabine sabrina sadie saar sacha said salma sam samantha samira samir
  samuel sander sandra sanne sara sarah saskia scott sebastiaan sebastian selin selina selma sem senna serge seth severin shane
  sharon shirley sid sienna sietske sigrid silas silke silvia simon simone sina sjoerd skye sofia sofie sonja sophia sophie soraya
  stan stefan stefanie steffi stella stephan stephanie stephen steve steven stijn susan susanne suze sven svenja sybren sylvia tamara
  tara tarik tatjana teddy teresa tess tessa teun theo theodor theresa thijs thom thomas thorben thorsten tijn tilda till tim timo
  timothy tina tobias tobin tom tomas tommy toni tony tristan tygo tyler ulrich ulrike ursula valentin valentina valerie vanessa
  vera veronika victor victoria viktor viktoria vincent violet vivian wanda wessel wietse willem william wim winnie wolfgang wouter wout
  xander yara yasin yasmin yasmine yunus yusuf yvonne zara zoe zofia zoey`
    .trim()
    .split(/\s+/),
)
