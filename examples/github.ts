import { presets, type Source } from '../app.ts'

/** A GitHub repository: add a webhook with this secret and content type application/json in its settings. */
export const github = (secret: string): Source => ({
  name: 'github',
  path: '/github',
  verify: presets.github({ secrets: [secret] }),
  identify: request => ({
    event: request.header('x-github-event'),
    key: request.header('x-github-delivery'),
    orderingKey: request.field('repository.full_name'),
  }),
})
