import type { ChatwootPlace } from '../conversation-url.ts'
import type { LessonLinks } from '../lessons/view.ts'
import { createBlockPage } from './block.ts'
import { createCausesPage } from './causes.ts'
import { createConversationPage } from './conversation.ts'
import { createDeliveryPage } from './delivery.ts'
import { createLayout } from './layout.ts'
import { createLessonPage } from './lesson.ts'
import { createLessonList } from './lesson-list.ts'
import { createWeekPage } from './lessons.ts'
import { createList } from './list.ts'
import { createNewLessonPage } from './new-lesson.ts'
import { createOverview } from './overview.ts'
import { createPackagePages } from './packages.ts'
import { createReplayPage } from './replay.ts'
import { createSignIn } from './sign-in.ts'
import { createWeeklyPage } from './weekly.ts'

export type Pages = ReturnType<typeof createPages>

/**
 * The operator's pages as HTML.
 * @param base the page's path
 * @param zone the IANA time zone of times shown
 * @param sources names of the sources, suggested by the filter
 * @param links where a lesson's conversation and payment are seen
 * @param chatwoot where it is, to link to it
 */
export function createPages(
  base: string,
  zone: string,
  sources: () => readonly string[],
  links: LessonLinks,
  chatwoot: ChatwootPlace,
) {
  const layout = createLayout(base, zone, chatwoot)
  return {
    ...createSignIn(layout),
    ...createOverview(layout),
    ...createList(layout, sources),
    ...createDeliveryPage(layout),
    ...createConversationPage(layout),
    ...createReplayPage(layout),
    ...createCausesPage(layout),
    ...createWeekPage(layout, links),
    ...createBlockPage(layout, links),
    ...createLessonList(layout, links),
    ...createLessonPage(layout, links),
    ...createNewLessonPage(layout),
    ...createWeeklyPage(layout),
    ...createPackagePages(layout, links),
  }
}
