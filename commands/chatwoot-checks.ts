import { apiBase, createChatwootClient } from '../clients/chatwoot.ts'
import { ChatwootRefusedError, createCall, hasField, isForbidden } from '../clients/chatwoot-api.ts'
import { OPEN_GATE } from '../clients/http.ts'
import type { Env } from '../environment.ts'
import { asArray, asId, asObject, asText } from '../sources/json.ts'
import { type Check, ok, warn, wrong } from './check.ts'

/** What `doctor` checks of Chatwoot: its answers, its version, what each token may do, and how messages come. */

/** The first version with chatwoot/chatwoot PR 14655, of June 2026. */
const BOTS_READ = '4.15 (PR 14655)'
/** Timeout per call, ms. */
const CALL_TIMEOUT_MS = 10_000
/** Inboxes asked for their bot. */
const MAX_INBOXES = 50

export async function checkChatwoot(config: Env): Promise<Check[]> {
  const { CW_URL: url, CW_ACC_ID: accountId, CW_TOKEN: token, CW_ADMIN_TOKEN: adminToken } = config
  const client = createChatwootClient({ url, accountId, token, adminToken })
  if (client === null) return [warn('Chatwoot', 'no replies are sent: set CW_TOKEN')]
  const signal = AbortSignal.timeout(2 * CALL_TIMEOUT_MS)
  // Conversation 0 does not exist: 404 proves that the token is accepted, else it is refused.
  const refusal = await client.getConversation('0', signal).catch((error: unknown) => error)
  const says = refusal instanceof Error ? refusal.message : `${url} does not respond like Chatwoot`
  const isForBots = /\bbots\b/.test(says)
  const isAsExpected = refusal instanceof ChatwootRefusedError && refusal.status === 404
  if (!isAsExpected && !isForBots) return [wrong('Chatwoot', `${says}: check CW_URL and CW_TOKEN`)]
  const answers = isForBots
    ? wrong(
        'Chatwoot',
        `${says}: bots may read conversations from ${BOTS_READ} on, and until then every student gets a person: set CW_ADMIN_TOKEN, or update Chatwoot`,
      )
    : ok('Chatwoot', `${url} responds and accepts CW_TOKEN`)
  const listed = await client.listConversations('open', 1, signal).catch(unlessRefused)
  const isRefused = listed instanceof ChatwootRefusedError
  if (isRefused && adminToken !== undefined) {
    return [answers, wrong('Chatwoot', `${listed.message}: check CW_ADMIN_TOKEN and CW_ACC_ID`)]
  }
  const lists = isRefused
    ? warn(
        'Chatwoot',
        "CW_TOKEN is a bot's token: without CW_ADMIN_TOKEN contacts are not updated, and catch-up finds no messages",
      )
    : ok('Chatwoot', `conversations of account ${accountId} can be listed`)
  const ask = createAsk(config)
  const names = ['CW_TOKEN', 'CW_ADMIN_TOKEN'] as const
  const checks = [answers, lists, await checkVersion(config)]
  for (const name of names) {
    const given = config[name]
    if (given === undefined) continue
    const isAlone = name === 'CW_TOKEN' && adminToken === undefined
    checks.push(await checkCalls(name, isAlone, (method, path) => ask(given, method, path)))
  }
  return [...checks, await checkMode(config, path => ask(`${adminToken ?? token}`, 'GET', path))]
}

type Ask = (method: string, path: string) => Promise<unknown>

/** Makes calls with a given token. An answer of Chatwoot's that refuses one is returned. */
function createAsk({ CW_URL, CW_ACC_ID }: Env) {
  const base = apiBase(CW_URL, `${CW_ACC_ID}`)
  // No main token: any is refused in the same way.
  const call = createCall({ base, timeoutMs: CALL_TIMEOUT_MS, gate: OPEN_GATE, mainToken: '' })
  return (token: string, method: string, path: string): Promise<unknown> => {
    const body = method === 'GET' ? undefined : {}
    return call(token, method, path, AbortSignal.timeout(2 * CALL_TIMEOUT_MS), body).catch(unlessRefused)
  }
}

function unlessRefused(error: unknown): ChatwootRefusedError {
  if (error instanceof ChatwootRefusedError) return error
  throw error
}

/** What the service does, as calls about a conversation and a contact that do not exist: they change nothing. */
const CALLS: { name: string; method: string; path: string; by: 'bot' | 'either' | 'admin' }[] = [
  { name: 'read conversations', method: 'GET', path: '/conversations/0', by: 'either' },
  { name: 'read messages', method: 'GET', path: '/conversations/0/messages', by: 'admin' },
  { name: 'write messages', method: 'POST', path: '/conversations/0/messages', by: 'bot' },
  { name: 'set the status', method: 'POST', path: '/conversations/0/toggle_status', by: 'bot' },
  { name: 'set labels', method: 'POST', path: '/conversations/0/labels', by: 'either' },
  { name: 'set attributes', method: 'POST', path: '/conversations/0/custom_attributes', by: 'bot' },
  { name: 'assign', method: 'POST', path: '/conversations/0/assignments', by: 'bot' },
  { name: 'change contacts', method: 'PUT', path: '/contacts/0', by: 'admin' },
]

/** @param isAlone there is no other token */
async function checkCalls(token: 'CW_TOKEN' | 'CW_ADMIN_TOKEN', isAlone: boolean, ask: Ask): Promise<Check> {
  const [may, mayNot]: [typeof CALLS, typeof CALLS] = [[], []]
  for (const call of CALLS) {
    const answer = await ask(call.method, call.path)
    ;(isForbidden(answer) ? mayNot : may).push(call)
  }
  const list = (calls: typeof CALLS) => calls.map(({ name }) => name).join(', ') || 'nothing'
  const says = `${token} may ${list(may)}; may not: ${list(mayNot)}`
  const isLacking = ({ by }: (typeof CALLS)[number]) => by === 'bot' || (by === 'either' && isAlone)
  const lacking = token === 'CW_TOKEN' ? mayNot.filter(isLacking) : []
  if (lacking.length === 0) return ok('Chatwoot', says)
  const fix = lacking.some(({ by }) => by === 'bot') ? "use an agent's token" : 'set CW_ADMIN_TOKEN'
  return wrong('Chatwoot', `${says}. The bot needs to ${list(lacking)}: update Chatwoot, or ${fix}`)
}

/** Of signed webhooks: chatwoot/chatwoot PR 13892. */
const SIGNED = { account: [4, 11, 2], bot: [4, 13, 0] } as const
const LEAST = `signed webhooks need 4.11.2 (of an account) or 4.13 (of bots and API inboxes); bots may read conversations from ${BOTS_READ} on`

async function checkVersion({ CW_URL: url, CW_HMAC_SECRET: secret, CW_MODE: mode = 'bot' }: Env): Promise<Check> {
  const path = `${`${url}`.replace(/\/+$/, '')}/api`
  const version = await fetch(path, { redirect: 'manual', signal: AbortSignal.timeout(CALL_TIMEOUT_MS) })
    .then(async response => asText(asObject(await response.json()).version))
    .catch(() => undefined)
  const numbers = /^v?(\d+)\.(\d+)\.(\d+)/
    .exec(version ?? '')
    ?.slice(1)
    .map(Number)
  if (numbers === undefined) return warn('Chatwoot', `${path} does not tell the version: ${LEAST}`)
  if (!isBefore(numbers, SIGNED[mode])) return ok('Chatwoot', `version ${version}: ${LEAST}`)
  const how = secret === undefined ? warn : wrong
  return how(
    'Chatwoot',
    `version ${version} is too old: ${LEAST}, and with CW_HMAC_SECRET all others are refused; update`,
  )
}

function isBefore(version: readonly number[], least: readonly number[]): boolean {
  const index = least.findIndex((number, index) => number !== version[index])
  return index !== -1 && Number(version[index]) < Number(least[index])
}

/** Whether CW_MODE is what the inboxes say: see InboxesController#agent_bot in Chatwoot. */
async function checkMode({ CW_MODE, CW_INBOX_IDS }: Env, ask: (path: string) => Promise<unknown>): Promise<Check> {
  const listed = await ask('/inboxes')
  if (!hasField(listed, 'payload')) {
    return CW_MODE === undefined
      ? warn('Chatwoot', 'CW_MODE is not set: bot or account, which only CW_ADMIN_TOKEN can find out')
      : ok('Chatwoot', `CW_MODE=${CW_MODE}, not checked: that needs CW_ADMIN_TOKEN`)
  }
  const ours = CW_INBOX_IDS?.split(',').map(id => id.trim())
  const inboxes = asArray(listed.payload)
    .map(inbox => `${asId(asObject(inbox).id)}`)
    .filter(id => ours?.includes(id) ?? true)
    .slice(0, MAX_INBOXES)
  const [withBot, without]: [string[], string[]] = [[], []]
  for (const id of inboxes) {
    const bot = asObject(asObject(await ask(`/inboxes/${id}/agent_bot`)).agent_bot)
    ;(asId(bot.id) === undefined ? without : withBot).push(id)
  }
  if (inboxes.length === 0) return warn('Chatwoot', 'no inbox was found: check CW_ACC_ID and CW_INBOX_IDS')
  if (withBot.length > 0 && without.length > 0) {
    return warn(
      'Chatwoot',
      `an agent bot is connected to the inboxes ${withBot.join(', ')}, and none to ${without.join(', ')}: connect it, or name those with one in CW_INBOX_IDS`,
    )
  }
  const [mode, why] =
    without.length === 0
      ? (['bot', 'an agent bot is connected to each inbox'] as const)
      : (['account', 'no agent bot is connected to the inboxes'] as const)
  if (CW_MODE === mode) return ok('Chatwoot', `CW_MODE=${mode}: ${why}`)
  if (CW_MODE === undefined) return warn('Chatwoot', `CW_MODE is not set: set CW_MODE=${mode}, since ${why}`)
  return wrong('Chatwoot', `CW_MODE=${CW_MODE}, but ${why}: set CW_MODE=${mode}`)
}
