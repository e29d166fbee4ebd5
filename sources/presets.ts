import { type HmacOptions, type HmacVerifier, hmac } from './hmac.ts'

/** What a preset needs beyond how its sender signs. */
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

/** How they sign: taken from running their SDKs, unless marked "From documentation". */
const SETTINGS = {
  /** Standard Webhooks (standardwebhooks.com), Svix, and senders that use it: Clerk, Resend and many more. */
  standardWebhooks: { ...STANDARD, secretPrefix: 'whsec_', secretEncoding: 'base64' },
  /** The whole secret is text. For its settings "Standard Webhooks" use that preset. */
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
  /** `url`: the notification URL as configured at Square. */
  square: { header: 'X-Square-HmacSha256-Signature', encoding: 'base64', template: '{url}{body}' },
  paddle: {
    header: 'Paddle-Signature',
    items: ';',
    pair: '=',
    key: 'h1',
    template: '{timestamp}:{body}',
    timestamp: { key: 'ts' },
  },
  /** Only its new webhooks: the classic ones are not signed. */
  mollie: { header: 'X-Mollie-Signature', pair: '=', key: 'sha256' },
  /** From documentation. */
  calcom: { header: 'X-Cal-Signature-256' },
  /** From documentation. */
  calendly: {
    header: 'Calendly-Webhook-Signature',
    items: ',',
    pair: '=',
    key: 'v1',
    template: '{timestamp}.{body}',
    timestamp: { key: 't' },
  },
  /** From documentation. */
  typeform: { header: 'Typeform-Signature', pair: '=', key: 'sha256', encoding: 'base64' },
  line: { header: 'X-Line-Signature', encoding: 'base64' },
  razorpay: { header: 'X-Razorpay-Signature' },
  gocardless: { header: 'Webhook-Signature' },
  /** From documentation. */
  lemonsqueezy: { header: 'X-Signature' },
  /** Only platform webhooks: payment webhooks are signed inside the body. */
  adyenPlatform: { header: 'HmacSignature', encoding: 'base64', secretEncoding: 'hex' },
  /** `url`: the target URL as configured at HubSpot. */
  hubspot: {
    header: 'X-HubSpot-Signature-v3',
    encoding: 'base64',
    template: '{method}{url}{body}{timestamp}',
    timestamp: { header: 'X-HubSpot-Request-Timestamp', unit: 'ms' },
  },
} as const satisfies Record<string, Settings>

export type PresetName = keyof typeof SETTINGS

/** hmac() with each sender's settings; needs `secrets`, and `url` where it is signed. */
export const presets = Object.fromEntries(
  Object.entries(SETTINGS).map(([name, settings]) => [
    name,
    (options: PresetOptions) => hmac({ ...settings, ...options }, `presets.${name}`),
  ]),
) as Record<PresetName, (options: PresetOptions) => HmacVerifier>
