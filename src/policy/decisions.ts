/** Something this project chose where the guide is silent or contradicts itself. */
export interface Decision {
  readonly id: string
  readonly kind: 'decision'
  /** What was chosen, in one sentence. */
  readonly summary: string
  /** The question it answers. */
  readonly section: string
}

export const DECISIONS = [
  {
    id: 'D-create-path',
    kind: 'decision',
    section: 'Which of the two paths in the guide creates a token pair?',
    summary: 'The default is `/api/v2/token/`; each path can be configured and is used exactly as written.',
  },
  {
    id: 'D-wire-names',
    kind: 'decision',
    section: 'Which field names do requests and replies use?',
    summary: 'All documented names are accepted in replies; `username`, `password`, `refresh` and `token` are sent.',
  },
  {
    id: 'D-lifetimes',
    kind: 'decision',
    section: 'When does a token expire?',
    summary: 'The smallest lifetime that reply, token and policy give counts, from the moment the request was sent.',
  },
  {
    id: 'D-partial-refresh',
    kind: 'decision',
    section: 'What if a refresh reply brings no refresh token?',
    summary: 'The old refresh token is kept, with its own expiry.',
  },
  {
    id: 'D-short-lifetimes',
    kind: 'decision',
    section: 'What if lifetimes are shorter or longer than documented?',
    summary: 'Windows and leeways shrink in proportion and never grow; pause, budget and back-off stay as they are.',
  },
  {
    id: 'D-skew',
    kind: 'decision',
    section: 'What if the local clock is wrong or jumps?',
    summary:
      'A leeway of 30 s stands before every expiry, and a token is expired when the wall or monotonic clock says so.',
  },
  {
    id: 'D-origin',
    kind: 'decision',
    section: 'Where may the token go?',
    summary: 'Only to the configured origin, by https unless it is loopback, with at most 5 redirects inside it.',
  },
  {
    id: 'D-credentials',
    kind: 'decision',
    section: 'What if credentials come from a callback?',
    summary: 'They are resolved before anything is sent; a callback that fails or hangs sends nothing.',
  },
  {
    id: 'D-proactive',
    kind: 'decision',
    section: 'Who triggers a proactive refresh?',
    summary: 'A timer does by default; in `onDemand` mode the next demand inside the refresh window does.',
  },
  {
    id: 'D-jitter',
    kind: 'decision',
    section: 'What if many clients refresh at the same minute?',
    summary: 'The moment is drawn uniformly from the refresh window.',
  },
  {
    id: 'D-refresh-expired-first',
    kind: 'decision',
    section: 'What if the refresh token dies before the access token?',
    summary: 'Sign-in happens inside the refresh window while the access token is still served.',
  },
  {
    id: 'D-refresh-429',
    kind: 'decision',
    section: 'Is a 429 to a refresh a throttling or a 4xx that discards?',
    summary: 'It is a throttling: token requests pause and both tokens are kept.',
  },
  {
    id: 'D-refresh-401',
    kind: 'decision',
    section: 'What does a 401 to a refresh do?',
    summary: 'A newer record is adopted, an expired or perhaps spent token leads to sign-in, and anything else stops.',
  },
  {
    id: 'D-refresh-unavailable',
    kind: 'decision',
    section: 'What if a refresh meets 5xx, a time-out, a network error or an unusable 200?',
    summary: 'Both tokens are kept, a usable one is served, and the refresh is tried again after the back-off.',
  },
  {
    id: 'D-create-4xx',
    kind: 'decision',
    section: 'What if sign-in is answered 401 or another 4xx but 429?',
    summary: 'The credentials are latched: nothing is sent until they change or an operator resets.',
  },
  {
    id: 'D-create-unavailable',
    kind: 'decision',
    section: 'What if sign-in meets 5xx, a time-out, a network error or an unusable 200?',
    summary: 'It is surfaced and stops; only a new demand after the back-off tries again.',
  },
  {
    id: 'D-back-off',
    kind: 'decision',
    section: 'How long is a back-off, and whom does it bind?',
    summary: 'It doubles from 30 s to 10 min, is lengthened by up to a half, and binds whatever wants to send.',
  },
  {
    id: 'D-sign-in',
    kind: 'decision',
    section: 'What does an explicit sign-in do?',
    summary: 'With the same credentials and a usable token it sends nothing; another password replaces the pair.',
  },
  {
    id: 'D-sign-out',
    kind: 'decision',
    section: 'Does a sign-out stick?',
    summary: 'The pair is discarded and every demand is refused until the next sign-in, on a shared store for all.',
  },
  {
    id: 'D-force',
    kind: 'decision',
    section: 'What does `forceRefresh` promise?',
    summary: 'It resolves only with a newer generation, and throws with the time when nothing may be sent.',
  },
  {
    id: 'D-stale-401',
    kind: 'decision',
    section: 'What if a 401 comes for a token that was replaced meanwhile?',
    summary: 'The request is replayed with the current token, without a refresh.',
  },
  {
    id: 'D-young-rejection',
    kind: 'decision',
    section: 'What if a token younger than 60 s is rejected?',
    summary: 'The 401 goes to the caller and the token is not refreshed; refreshes that do not help back off.',
  },
  {
    id: 'D-failed-401',
    kind: 'decision',
    section: 'What does the caller get when the refresh after a 401 fails?',
    summary: 'An `AuthError` with the reason and the 401 as its status.',
  },
  {
    id: 'D-one-shot-body',
    kind: 'decision',
    section: 'May the body of a request be sent twice?',
    summary:
      'A body that can be sent twice is replayed, a `Request` up to 1 MiB too; a stream is not, and the error says so.',
  },
  {
    id: 'D-api-403',
    kind: 'decision',
    section: 'Can a 403 mean that the token is invalid?',
    summary: 'A 403 with `code: token_not_valid` counts as a 401; any other passes through.',
  },
  {
    id: 'D-api-5xx',
    kind: 'decision',
    section: 'Does the library replay an API request that met 5xx?',
    summary: 'Never; it goes to the caller, whose own retry makes new requests and leaves out 401 and 429.',
  },
  {
    id: 'D-api-429',
    kind: 'decision',
    section: 'What if an API request is throttled?',
    summary: 'Further API requests of this client fail at once until their own pause ends; this can be switched off.',
  },
  {
    id: 'D-pause-length',
    kind: 'decision',
    section: 'What if a 429 also brings `Retry-After`?',
    summary: 'The pause is the longer of 10 minutes and `Retry-After`, from receipt.',
  },
  {
    id: 'D-pause',
    kind: 'decision',
    section: 'What happens to a demand during the pause?',
    summary: 'It fails at once with the time, unless it asked to wait; then it may be sent when the pause ends.',
  },
  {
    id: 'D-budget',
    kind: 'decision',
    section: 'What counts against the ten a minute, and what does a full budget do?',
    summary:
      'Token requests of one account count; a full budget makes a demand wait for its slot or fail with the time.',
  },
  {
    id: 'D-validate',
    kind: 'decision',
    section: 'What does a validate change?',
    summary: 'It obeys budget and pause, its 429 pauses, and "not valid" counts as a rejection of the token.',
  },
  {
    id: 'D-one-at-a-time',
    kind: 'decision',
    section: 'What if several processes share an account?',
    summary: 'A lease lets one create or refresh run per account, and the version of the record settles the rest.',
  },
  {
    id: 'D-store-down',
    kind: 'decision',
    section: 'What if the store cannot be reached?',
    summary:
      'A usable token in memory is served, no token request goes out, and every outcome is kept until it is written.',
  },
  {
    id: 'D-time-outs',
    kind: 'decision',
    section: 'How long do callers and token requests wait?',
    summary: 'A caller waits 90 s and a token request 30 s, unless told otherwise.',
  },
] as const satisfies readonly Decision[]
