import { DEFAULTS } from './defaults.ts'
import { MAX_REMINDER_HOURS, MAX_REMINDERS, type PaymentSettings, SLOW_METHODS } from './settings.ts'

export const PAYMENT_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  description: 'How lessons are paid for',
  properties: {
    minutesToPay: {
      type: 'integer',
      // Stripe's limits are 30 minutes and 24 hours; a handler may be 5 minutes late.
      minimum: 36,
      maximum: 1_430,
      default: DEFAULTS.payment.minutesToPay,
      description:
        'Minutes for which a payment link lasts, and the lesson’s time is held; less if the lesson begins before, but never below 36',
    },
    linkHours: {
      type: 'array',
      maxItems: MAX_REMINDERS,
      uniqueItems: true,
      default: DEFAULTS.payment.linkHours,
      description:
        'Hours before a lesson that is booked and not paid (a weekly one, say) at which the student gets a payment link, but not between 22:00 and 8:00 where the student is. A link lasts 24 hours at most. Empty: no links',
      items: {
        type: 'number',
        exclusiveMinimum: 0,
        maximum: MAX_REMINDER_HOURS,
        description: 'hours before the lesson',
      },
    },
    settleDays: {
      type: 'object',
      additionalProperties: false,
      default: DEFAULTS.payment.settleDays,
      description:
        'Days until the money of a slow method is in: for lessons that begin sooner the payment page leaves it out. Without it the time is held until the lesson begins',
      properties: Object.fromEntries(
        SLOW_METHODS.map(method => [method, { type: 'integer', minimum: 1, maximum: 60 }]),
      ),
    },
    promotionCodes: {
      type: 'boolean',
      default: DEFAULTS.payment.promotionCodes,
      description: 'The payment page takes promotion codes, which are made in Stripe',
    },
    invoice: {
      type: 'boolean',
      default: DEFAULTS.payment.invoice,
      description: 'Stripe makes an invoice of each payment, for which it takes a fee',
    },
    customerEmail: {
      type: 'boolean',
      default: DEFAULTS.payment.customerEmail,
      description:
        'The payment page has the contact’s e-mail address, which the student can’t change there, so receipts go to it',
    },
  } satisfies Record<keyof PaymentSettings, object>,
}

export const HAND_OVER_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  description: 'When a person has a conversation',
  properties: {
    hours: {
      type: 'number',
      exclusiveMinimum: 0,
      maximum: 8_760,
      default: DEFAULTS.handOver.hours,
      description:
        'Hours after a person’s last message until the bot has the conversation again. HANDOFF_HOURS (in an app of your own chatwoot.handoffHours) counts before it',
    },
  },
}
