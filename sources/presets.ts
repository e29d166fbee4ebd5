import { type HmacOptions, type HmacVerifier, hmac } from './hmac.ts'

/** What one has to know of a sender, beside how it signs. */
export type PresetOptions = Pick<HmacOptions, 'secrets' | 'toleranceSeconds' | 'url' | 'now'>

type Settings = Omit<HmacOptions, keyof PresetOptions>

const STANDARD = {
  header: ['Webhook-Signature', 'Svix-Signature'],
  id: ['Webhook-Id', 'Svix-Id'],
  timestamp: { header: ['Webhook-Timestamp', 'Svix-Timestamp'] },
  encoding: 'base64',
  items: ' ',
  pair: ',',
  key: 'v1',
  template: '{id}.{timestamp}.{body}',
} as const satisfies Settings

const HUB = { header: 'X-Hub-Signature-256', pair: '=', key: 'sha256' } as const satisfies Settings

/** How they sign: found by running their own SDKs, except where it says documentation. */
const SETTINGS = {
  /** Standard Webhooks (standardwebhooks.com), Svix and who sends through it: Clerk, Resend and many more. */
  standardWebhooks: { ...STANDARD, secretPrefix: 'whsec_', secretEncoding: 'base64' },
  /** With the whole secret as a text. Where its settings say "Standard Webhooks": that preset. */
  polar: STANDARD,
  github: HUB,
  /** WhatsApp, Messenger and Instagram: the secret is the app's. */
  meta: HUB,
  slack: {
    header: 'X-Slack-Signature',
    pair: '=',
    key: 'v0',
    template: 'v0:{timestamp}:{body}',
    timestamp: { header: 'X-Slack-Request-Timestamp' },
  },
  shopify: { header: ['X-Shopify-Hmac-Sha256', 'Shopify-Hmac-Sha256'], encoding: 'base64' },
  /** `url` is the notification URL as it is set at Square. */
  square: { header: 'X-Square-HmacSha256-Signature', encoding: 'base64', template: '{url}{body}' },
  paddle: {
    header: 'Paddle-Signature',
    items: ';',
    pair: '=',
    key: 'h1',
    template: '{timestamp}:{body}',
    timestamp: { key: 'ts' },
  },
  /** Its new webhooks; the classic ones are not signed. */
  mollie: { header: 'X-Mollie-Signature', pair: '=', key: 'sha256' },
  /** Documentation. */
  calcom: { header: 'X-Cal-Signature-256' },
  /** Documentation. */
  calendly: {
    header: 'Calendly-Webhook-Signature',
    items: ',',
    pair: '=',
    key: 'v1',
    template: '{timestamp}.{body}',
    timestamp: { key: 't' },
  },
  /** Documentation. */
  typeform: { header: 'Typeform-Signature', pair: '=', key: 'sha256', encoding: 'base64' },
  line: { header: 'X-Line-Signature', encoding: 'base64' },
  razorpay: { header: 'X-Razorpay-Signature' },
  gocardless: { header: 'Webhook-Signature' },
  /** Documentation. */
  lemonsqueezy: { header: 'X-Signature' },
  /** Its platform's webhooks; those of payments are signed within the body. */
  adyenPlatform: { header: 'HmacSignature', encoding: 'base64', secretEncoding: 'hex' },
  /** `url` is the target URL as it is set at HubSpot. */
  hubspot: {
    header: 'X-HubSpot-Signature-v3',
    encoding: 'base64',
    template: '{method}{url}{body}{timestamp}',
    timestamp: { header: 'X-HubSpot-Request-Timestamp', unit: 'ms' },
  },
} as const satisfies Record<string, Settings>

export type PresetName = keyof typeof SETTINGS

/** hmac() with how they sign, by sender: each wants `secrets`, and `url` where that is signed. */
export const presets = Object.fromEntries(
  Object.entries(SETTINGS).map(([name, settings]) => [
    name,
    (options: PresetOptions) => hmac({ ...settings, ...options }, `presets.${name}`),
  ]),
) as Record<PresetName, (options: PresetOptions) => HmacVerifier>
