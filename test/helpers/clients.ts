/** For handlers that are called, and inboxes that are made, without the plugins. */
export const NO_CLIENTS = { chatwoot: null, stripe: null, calendar: null }
