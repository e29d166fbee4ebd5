import { intentOf, type Step } from './dialogue.ts'
import { offerPackage, packageLines, packageMeant } from './package-sale.ts'
import { leftOf, packagesOfStudent, soldPackages } from './packages.ts'
import { showMenu } from './question.ts'
import type { Reply } from './reply.ts'
import type { Turn } from './turn.ts'

/** What a student can ask of packages: to buy one, and how many lessons are left. */

/** The question that was open follows, but in the menu, where none is. */
type Tell = (turn: Turn, told: Reply & { content: string }) => Promise<Reply>

/** The link of the one that is chosen or meant, or which ones there are. @throws {PermanentError} there are none */
export async function askForPackage(turn: Turn, step: Step, tell: Tell): Promise<Reply> {
  const { services, conversation } = turn
  const sold = soldPackages(services, conversation)
  const meant = sold.find(each => each.step === step) ?? packageMeant(turn, sold)
  if (meant !== undefined) return tell(turn, await offerPackage(turn, meant))
  const content = services.tutor.texts[conversation.language].packages(await packageLines(turn))
  const intent = intentOf(conversation.attributes)
  if (intent !== 'menu' && intent !== 'slot') return tell(turn, { content })
  // Its choices have each of them. While a time is chosen nothing is reserved.
  return { ...showMenu(turn), content, attributes: { pending_intent: 'menu', offered_slots: null } }
}

export async function tellLessonsLeft(turn: Turn, tell: Tell): Promise<Reply> {
  const { services, conversation } = turn
  const texts = services.tutor.texts[conversation.language]
  const packages = await packagesOfStudent(turn)
  const left = leftOf(services.tutor, packages, conversation.language)
  const none = packages.length === 0 ? texts.noPackage : texts.noLessonsLeft
  const told = { content: left === undefined ? none : texts.lessonsLeft(left) }
  return intentOf(conversation.attributes) === 'menu' ? { ...showMenu(turn), ...told } : tell(turn, told)
}
