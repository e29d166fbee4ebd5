/** For handlers and inboxes that tests create without the plugins. */
export const NO_CLIENTS = {
  chatwoot: null,
  stripe: null,
  calendar: null,
  schedule: async () => 'scheduled' as const,
  unschedule: async () => false,
}
