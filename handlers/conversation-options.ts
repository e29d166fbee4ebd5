import { OptionError } from '../inbox/errors.ts'
import { MAX_QUIET_MS } from '../inbox/quiet.ts'
import { DEFAULTS } from '../tutor/defaults.ts'
import type { Services } from './services.ts'
import { type MessageTemplates, validTemplates } from './templates.ts'

/** Who has the conversations: part of the option `chatwoot`. */
export interface ConversationOptions {
  /**
   * How messages come. `bot`: an agent bot is connected to the inboxes, so `pending` is its turn and `open` a person's.
   * `account`: an account's webhook alone, so all are open. Default: `open` alone says nothing.
   */
  mode?: 'bot' | 'account'
  /** The agent to assign handed-over conversations to. Default: they stay unassigned. */
  handoffAgentId?: number
  /** So long after a person's last message the bot has the conversation again, h. Default 24. */
  handoffHours?: number
  /** So long after a hand-over that no person has answered somebody is alerted, min; 0: never. Default 120. */
  handoffAlertMinutes?: number
  /**
   * A student's messages are answered together once nothing has come in for so long, ms; choices at once. 0: each by
   * itself, at once. Default 2,500.
   */
  messageQuietMs?: number
  /** So long the first of them waits at most, ms. Default 10,000. */
  messageQuietMaxMs?: number
  /**
   * Shows students that an answer is coming, from their first message on: in the widget, where Chatwoot shows it. Two
   * calls of Chatwoot for an answer. Default false.
   */
  showTyping?: boolean
  /** WhatsApp's message templates, by what they say. Default: the tutor gets a note instead. */
  templates?: MessageTemplates
}

const DEFAULT_QUIET_MS = 2_500
const DEFAULT_QUIET_MAX_MS = 10_000

/** @throws {OptionError} */
export function conversationSettings(
  options: ConversationOptions,
): Pick<
  Services,
  'mode' | 'handoffAgentId' | 'handoffMs' | 'handoffAlertMs' | 'templates' | 'showsTyping' | 'quietMs' | 'quietMaxMs'
> {
  const { mode, handoffAgentId, templates, showTyping: showsTyping = false } = options
  if (mode !== undefined && mode !== 'bot' && mode !== 'account') {
    throw new OptionError('chatwoot.mode (CW_MODE) must be bot or account')
  }
  return {
    mode,
    handoffAgentId,
    showsTyping,
    ...handoffTimes(options),
    templates: validTemplates(templates),
    ...quietTimes(options),
  }
}

function handoffTimes({
  handoffHours: hours = DEFAULTS.handOver.hours,
  handoffAlertMinutes: minutes,
}: ConversationOptions): Pick<Services, 'handoffMs' | 'handoffAlertMs'> {
  if (!(Number.isFinite(hours) && hours > 0)) {
    throw new OptionError('chatwoot.handoffHours (HANDOFF_HOURS) must be a number of hours above 0')
  }
  if (minutes !== undefined && !(Number.isFinite(minutes) && minutes >= 0)) {
    throw new OptionError(
      'chatwoot.handoffAlertMinutes (HANDOFF_ALERT_MINUTES) must be a number of minutes, or 0 for no alert',
    )
  }
  return {
    handoffMs: hours * 3_600_000,
    handoffAlertMs: minutes === undefined ? undefined : minutes * 60_000,
  }
}

function quietTimes({
  messageQuietMs: quietMs = DEFAULT_QUIET_MS,
  messageQuietMaxMs: quietMaxMs = DEFAULT_QUIET_MAX_MS,
}: ConversationOptions): Pick<Services, 'quietMs' | 'quietMaxMs'> {
  const isTime = (ms: number) => Number.isInteger(ms) && ms >= 0 && ms <= MAX_QUIET_MS
  const must = (name: string, from: string) =>
    new OptionError(`chatwoot.${name} must be a whole number of ms, from ${from} to ${MAX_QUIET_MS}`)
  if (!isTime(quietMs)) throw must('messageQuietMs (MESSAGE_QUIET_MS)', '0')
  if (!isTime(quietMaxMs) || quietMaxMs < quietMs) {
    throw must('messageQuietMaxMs (MESSAGE_QUIET_MAX_MS)', `messageQuietMs (${quietMs})`)
  }
  return { quietMs, quietMaxMs }
}
