import type { startWithLessons } from './lessons.ts'

/** Resolves when a change has been handled, with its page. @param location where the form led to */
export async function outcome(
  { page, log }: Pick<Awaited<ReturnType<typeof startWithLessons>>, 'page' | 'log'>,
  location: string,
): Promise<string> {
  const delivery = /asked=([\w-]+)$/.exec(location)?.[1]
  await log.line(line => line.delivery === delivery && line.attempt === 1 && line.event !== undefined)
  return (await page(location)).body
}
