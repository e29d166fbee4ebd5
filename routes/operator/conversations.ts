import createError from '@fastify/error'
import type { FastifyBaseLogger, FastifyInstance, onRequestAsyncHookHandler } from 'fastify'
import { ChatwootRefusedError } from '../../clients/chatwoot-api.ts'
import type { ConversationDesk, ConversationView } from '../../handlers/conversation-desk.ts'
import { TransientError } from '../../inbox/errors.ts'

const NoTokenError = createError<[]>(
  'OPERATOR_NO_CHATWOOT',
  'Conversations are Chatwoot’s, and there is no token for it: set CW_TOKEN (chatwoot.token)',
  409,
)
const UnknownError = createError<[string]>('OPERATOR_UNKNOWN_CONVERSATION', 'There is no conversation %s', 404)
const RefusedError = createError<[string]>('OPERATOR_CHATWOOT_REFUSED', '%s', 409)
const AwayError = createError<[string]>('OPERATOR_CHATWOOT_AWAY', 'Nothing was decided: %s. Try again later', 409)
const ConflictError = createError<[string, string]>('OPERATOR_CONFLICT', 'The conversation %s %s', 409)

/** All calls together, ms. */
const TIME_LIMIT_MS = 20_000

export interface ConversationsApiOptions {
  /** Checks access. */
  access: onRequestAsyncHookHandler
  /** null: no token for Chatwoot. */
  desk: ConversationDesk | null
}

const params = { type: 'object', properties: { id: { type: 'string', description: 'Chatwoot’s display id' } } } as const

/** The conversations API: who has one, and giving it back. */
export default async function conversationsApi(
  app: FastifyInstance,
  { access, desk }: ConversationsApiOptions,
): Promise<void> {
  app.addHook('onRequest', access)

  app.get<{ Params: { id: string } }>(
    '/conversations/:id',
    { schema: { summary: 'Who has a conversation: a person, or the bot', params } },
    async ({ params: { id } }) => lookAt(desk, id),
  )

  app.post<{ Params: { id: string } }>(
    '/conversations/:id/give-back',
    { schema: { summary: 'Gives a person’s conversation back to the bot', params } },
    async ({ params: { id }, log }) => {
      await giveBack(desk, id, log)
      return { status: 'given back', id }
    },
  )
}

/** @throws 404, 409 no token, or Chatwoot is unavailable or refuses */
export async function lookAt(desk: ConversationDesk | null, id: string): Promise<ConversationView> {
  return inChatwoot(desk, id, given => given.look(id, AbortSignal.timeout(TIME_LIMIT_MS)))
}

/** @throws 404, 409 no token, Chatwoot is unavailable or refuses, the bot has it, or it is to be changed in Chatwoot */
export async function giveBack(desk: ConversationDesk | null, id: string, log: FastifyBaseLogger): Promise<void> {
  const before = await inChatwoot(desk, id, given => given.giveBack(id, AbortSignal.timeout(TIME_LIMIT_MS)))
  if (before.has === 'bot') throw new ConflictError(id, 'is not a person’s: the bot has it')
  if (!before.canBeGivenBack) throw new ConflictError(id, `was not given back: ${before.explanation}`)
  log.info({ conversation: id }, 'conversation given back to the bot by the operator')
}

async function inChatwoot<T>(
  desk: ConversationDesk | null,
  id: string,
  act: (desk: ConversationDesk) => Promise<T>,
): Promise<T> {
  if (!/^\d{1,15}$/.test(id)) throw new UnknownError(id.slice(0, 100))
  if (desk === null) throw new NoTokenError()
  try {
    return await act(desk)
  } catch (error) {
    if (error instanceof ChatwootRefusedError) {
      throw error.status === 404 ? new UnknownError(id) : new RefusedError(error.message)
    }
    throw error instanceof TransientError ? new AwayError(error.message) : error
  }
}
