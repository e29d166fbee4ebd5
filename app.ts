import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { allHandlers } from './handlers/all.ts'
import { handlersBySource } from './handlers/by-source.ts'
import { createConversationDesk } from './handlers/conversation-desk.ts'
import { conversationSettings } from './handlers/conversation-options.ts'
import { lessonChangeHandlers } from './handlers/lesson-changes.ts'
import { linkHandlers } from './handlers/link-expiry.ts'
import { waitedVoiceHandlers } from './handlers/message.ts'
import { packageNewsHandlers } from './handlers/package-news.ts'
import { paymentDueHandlers } from './handlers/payment-due.ts'
import { reminderHandlers } from './handlers/reminders.ts'
import type { Services } from './handlers/services.ts'
import { unansweredHandlers } from './handlers/unanswered.ts'
import { weeklyHandlers } from './handlers/weekly.ts'
import { weeklyEndHandlers } from './handlers/weekly-end.ts'
import { systemClock } from './inbox/contracts.ts'
import type { Handler } from './inbox/drain.ts'
import { LATER_SOURCE } from './inbox/later.ts'
import { checkOptionNames, type WebhooksOptions } from './options.ts'
import alerts from './plugins/alerts.ts'
import { breakersOf } from './plugins/breakers.ts'
import calendar, { validTimeZone } from './plugins/calendar.ts'
import chatwootClient from './plugins/chatwoot.ts'
import dedup from './plugins/dedup.ts'
import { eventsOf } from './plugins/events.ts'
import inbox, { openForApp, validSettings } from './plugins/inbox.ts'
import logging from './plugins/logging.ts'
import quarantine, { validQuarantine } from './plugins/quarantine.ts'
import stripeClient from './plugins/stripe.ts'
import { traceWith } from './plugins/tracing.ts'
import tutor from './plugins/tutor.ts'
import verification from './plugins/verification.ts'
import paidPage, { paidPageUrl } from './routes/paid.ts'
import verifyQuarantined from './routes/quarantine.ts'
import webhookRoutes from './routes/webhooks.ts'
import { chatwootSource, chatwootVerifier } from './sources/chatwoot.ts'
import { checkSources } from './sources/check.ts'
import type { Source } from './sources/source.ts'
import { stripeSource, stripeVerifier } from './sources/stripe.ts'

export type {
  Block,
  BookedLesson,
  BookResult,
  Busy,
  Calendar,
  Hold,
  Interval,
  KeepResult,
  Lesson,
  LessonsOf,
  Move,
  MoveResult,
  PaymentChange,
  PaymentResult,
} from './calendar/contract.ts'
export type { GoogleCalendarOptions } from './calendar/google/client.ts'
export type { ChatwootClient, ChatwootOptions } from './clients/chatwoot.ts'
export type { Checkout, StripeClient, StripeOptions } from './clients/stripe.ts'
export type { ConversationOptions } from './handlers/conversation-options.ts'
export type { PriceIds } from './handlers/services.ts'
export type { MessageTemplate, MessageTemplates } from './handlers/templates.ts'
export type { Understand, UnderstandQuestion } from './handlers/understand.ts'
export type {
  Clock,
  Commit,
  Delivery,
  DeliveryFilter,
  DeliveryState,
  NewDelivery,
  ScheduleResult,
  StoredDelivery,
} from './inbox/contracts.ts'
export { deliveryId } from './inbox/delivery-id.ts'
export type { Handler, HandlerContext, HandlerFunction } from './inbox/drain.ts'
export { OptionError, PermanentError, StoreOpenError, TransientError } from './inbox/errors.ts'
export type {
  AnsweredEvent,
  AttentionEvent,
  ForeignEvent,
  HandledEvent,
  QuarantinedEvent,
  UnansweredEvent,
  UndeliveredEvent,
  UnderstoodEvent,
  UntracedEvent,
  WebhookEvents,
} from './inbox/events.ts'
export type { Inbox } from './inbox/inbox.ts'
export type { ScheduledDelivery } from './inbox/later.ts'
export type { AlertMessage, AlertsOptions } from './operator/alerts.ts'
export type { WebhooksOptions } from './options.ts'
export type { CalendarOptions } from './plugins/calendar.ts'
export type { InboxOptions } from './plugins/inbox.ts'
export type { QuarantineOptions } from './plugins/quarantine.ts'
export {
  signChatwoot,
  signStripe,
  type VerificationOptions,
} from './plugins/verification.ts'
export type { Webhooks } from './plugins/webhooks.ts'
export type { OperatorOptions } from './routes/operator/index.ts'
export type { ChatwootVerification } from './sources/chatwoot.ts'
export type * from './sources/chatwoot-payloads.ts'
export { type HmacOptions, type HmacVerifier, hmac } from './sources/hmac.ts'
// `*`, not by name: declaration merging only reaches what is exported this way.
export type * from './sources/payloads.ts'
export { type PresetName, type PresetOptions, presets } from './sources/presets.ts'
export { type SharedTokenOptions, sharedToken } from './sources/shared-token.ts'
export type {
  Answered,
  BodyCheck,
  BodyKind,
  Identified,
  Identity,
  Ignored,
  Received,
  Source,
  SourceRequest,
  Verdict,
  Verifier,
} from './sources/source.ts'
export type { StripeVerification } from './sources/stripe.ts'
export type { StripePayloads } from './sources/stripe-payloads.ts'
export { type InForce, type SettingInForce, settingsInForce } from './tutor/in-force.ts'
export type {
  ByLanguage,
  LessonSettings,
  MenuStep,
  OwnItemSettings,
  PlanningName,
  PlanningOptions,
  PriceSettings,
  SubjectSettings,
  TextSettings,
  TutorSettings,
  Weekday,
} from './tutor/settings.ts'
export { calendar, chatwootClient, dedup, inbox, logging, stripeClient, verification }

/**
 * Receives Chatwoot's, Stripe's and the host's own webhooks. Plugins first, then the routes in their own scope, so that
 * the host's parsers, error handler and routes stay unchanged. Reads no environment variables.
 */
async function webhooks(app: FastifyInstance, options: WebhooksOptions): Promise<void> {
  const { chatwoot = {}, stripe = {}, handlers = {} } = options
  checkOptionNames(options)
  const zone = validTimeZone(options.calendar?.timeZone)
  // Before opening a database, which may wait for its server.
  validSettings(options.inbox ?? {})
  const quarantineSettings = validQuarantine(options.quarantine)
  const clock = options.inbox?.clock ?? systemClock
  await app.register(tutor, { settings: options.tutor, zone, prices: stripe.prices })
  await app.register(logging)
  await traceWith(app, options.tracerProvider)
  breakersOf(app, clock)
  await app.register(chatwootClient, { ...chatwoot, clock })
  await app.register(stripeClient, stripe)
  const now = () => clock.now()
  const sources = allSources(app, options, now)
  const given = handlersBySource(handlers, [...sources, { name: LATER_SOURCE }], app.log)
  const [{ verify: verifyChatwoot }, { verify: verifyStripe }] = sources
  const quarantines = quarantineSettings !== undefined
  const verifiers = { chatwoot: { verify: verifyChatwoot }, stripe: { verify: verifyStripe } }
  await app.register(verification, { ...verifiers, clock, quarantines })
  const backend = await openForApp(app, options.store, clock)
  await app.register(inbox, { ...options.inbox, backend, quarantineHours: quarantineSettings?.hours })
  const { quarantine: kept } = backend.store
  await app.register(quarantine, { settings: quarantineSettings, store: kept, clock })
  await app.register(calendar, { ...options.calendar, local: backend.calendar, clock })
  await app.register(dedup)
  if (options.alerts !== undefined) await app.register(alerts, { ...options.alerts, clock })

  const services: Services = {
    chatwoot: app.webhooks.chatwoot,
    stripe: app.webhooks.stripe,
    calendar: app.webhooks.calendar,
    tutor: app.webhooks.tutor,
    zone,
    returnUrl: returnUrlOf(options),
    ...conversationSettings({ ...chatwoot, handoffHours: chatwoot.handoffHours ?? app.webhooks.tutor.handOverHours }),
    ...(options.operator?.token !== undefined && { operatorPage: `${options.prefix ?? ''}/dashboard` }),
    understand: options.understand,
    installationId: () => app.webhooks.inbox.installationId(),
    events: eventsOf(app),
    now,
    startedAt: clock.now(),
  }
  for (const source of sources) {
    const ofSource = allHandlers(source, given[source.name] ?? {}, services)
    for (const [event, handler] of Object.entries(ofSource)) app.webhooks.inbox.handle(source.name, event, handler)
  }

  const ofLater = {
    ...unansweredHandlers(services),
    ...waitedVoiceHandlers(services),
    ...reminderHandlers(services),
    ...linkHandlers(services),
    ...paymentDueHandlers(services),
    ...weeklyHandlers(services),
    ...weeklyEndHandlers(services),
    ...lessonChangeHandlers(services),
    ...packageNewsHandlers(services),
    ...given[LATER_SOURCE],
  }
  for (const [event, handler] of Object.entries(ofLater)) {
    app.webhooks.inbox.handle(LATER_SOURCE, event, handler as Handler)
  }

  const prefix = options.prefix ?? ''
  await app.register(webhookRoutes, { sources, clock, prefix })
  if (quarantines) await app.register(verifyQuarantined, { sources, store: kept, clock })
  if (stripe.publicUrl !== undefined) await app.register(paidPage, { prefix })
  if (options.operator !== undefined) {
    // Loaded only when used: its packages take a seventh of the start.
    const { default: operatorRoutes } = await import('./routes/operator/index.ts')
    const { chatwoot: client } = services
    const desk = client && createConversationDesk(services, client)
    const { url, accountId } = chatwoot
    await app.register(operatorRoutes, { ...options.operator, zone, clock, desk, chatwoot: { url, accountId }, prefix })
  }
}

export default fp(webhooks, { name: 'tutorbot-webhooks', fastify: '5.x' })

/** Where students land after paying. Not used without Chatwoot. */
function returnUrlOf({ stripe = {}, chatwoot = {}, prefix = '' }: WebhooksOptions): Services['returnUrl'] {
  const { returnUrl, publicUrl } = stripe
  if (returnUrl !== undefined || publicUrl === undefined) return () => returnUrl ?? (chatwoot.url as string)
  return language => paidPageUrl(`${publicUrl.replace(/\/+$/, '')}${prefix}`, language)
}

/** Chatwoot, Stripe, and the host's own. @param now Unix ms @throws {OptionError} */
function allSources(app: FastifyInstance, options: WebhooksOptions, now: () => number): [Source, Source, ...Source[]] {
  const { chatwoot = {}, stripe = {}, sources = [] } = options
  const { accountId, inboxIds } = chatwoot
  const { log } = app
  const livemode = app.webhooks.stripe?.livemode
  const own = [
    chatwootSource({ path: chatwoot.path, accountId, inboxIds, verify: chatwootVerifier(chatwoot, log, now) }),
    stripeSource({ path: stripe.path, accountId, verify: stripeVerifier(stripe, log, now), livemode, log }),
  ] as const
  checkSources(sources, own)
  return [...own, ...sources]
}
