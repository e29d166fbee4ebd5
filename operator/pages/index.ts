import { createConversationPage } from './conversation.ts'
import { createDeliveryPage } from './delivery.ts'
import { createLayout } from './layout.ts'
import { createList } from './list.ts'
import { createOverview } from './overview.ts'
import { createReplayPage } from './replay.ts'
import { createSignIn } from './sign-in.ts'

export type Pages = ReturnType<typeof createPages>

/**
 * The operator's pages as HTML.
 * @param base the page's path
 * @param zone the IANA time zone of times shown
 * @param sources names of the sources, suggested by the filter
 */
export function createPages(base: string, zone: string, sources: () => readonly string[]) {
  const layout = createLayout(base, zone)
  return {
    ...createSignIn(layout),
    ...createOverview(layout),
    ...createList(layout, sources),
    ...createDeliveryPage(layout),
    ...createConversationPage(layout),
    ...createReplayPage(layout),
  }
}
