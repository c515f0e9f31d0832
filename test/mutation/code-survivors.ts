/** Mutants of the code that no test has to notice, and why. A text longer than 80 characters is cut. */
export interface CodeSurvivors {
  readonly file: string
  readonly reason: string
  readonly mutants: readonly {
    /** The line it begins in. */
    readonly in: string
    readonly from: string
    readonly to: string
  }[]
}

export const CODE_SURVIVORS: readonly CodeSurvivors[] = [
  {
    file: 'src/policy/learn.ts',
    reason: 'the compiler proves that this is never reached',
    mutants: [
      { in: 'default:', from: 'default: event satisfies never return { atMs }', to: 'default:' },
      { in: 'return { atMs }', from: '{ atMs }', to: '{}' },
      { in: 'default:', from: 'default: return whom satisfies never', to: 'default:' },
    ],
  },
  {
    file: 'src/policy/learn.ts',
    reason: 'the last branch of the switch answers the same',
    mutants: [
      { in: `case 'latched':`, from: `'latched'`, to: '""' },
      { in: `case 'expired':`, from: `case 'expired': return { atMs }`, to: `case 'expired':` },
      { in: `case 'expired':`, from: `'expired'`, to: '""' },
      { in: `case 'operator.reset':`, from: `'operator.reset'`, to: '""' },
      { in: `case 'operator.signOut':`, from: `'operator.signOut'`, to: '""' },
      { in: `case 'token.rejected':`, from: `'token.rejected'`, to: '""' },
      { in: `case 'woke':`, from: `'woke'`, to: '""' },
      { in: `case 'woke':`, from: `case 'woke': return { atMs }`, to: `case 'woke':` },
    ],
  },
  {
    file: 'src/policy/learn.ts',
    reason: 'no other event that is noted has credentials',
    mutants: [
      { in: `event.type === 'operator.signIn' &&`, from: `event.type === 'operator.signIn'`, to: 'true' },
      {
        in: `return event.type === 'operator.signIn' && event.credentials === 'same'`,
        from: `event.type === 'operator.signIn'`,
        to: 'true',
      },
    ],
  },
  {
    file: 'src/policy/schema.ts',
    reason: 'zod gives every failure an issue with path, keys and message; its types do not say so',
    mutants: [
      { in: 'const path = issue?.path ?? []', from: '[]', to: '["Stryker was here"]' },
      { in: 'const path = issue?.path ?? []', from: 'issue?.path', to: 'issue.path' },
      { in: `const option = [...path, issue.keys[0] ?? '']`, from: `''`, to: '"Stryker was here!"' },
      { in: `if (issue?.code === 'unrecognized_keys') {`, from: 'issue?.code', to: 'issue.code' },
      {
        in: `return configError(path.length === 0 ? 'policy' : path.join('.'), at(path), issu…`,
        from: `''`,
        to: '"Stryker was here!"',
      },
      {
        in: `return configError(path.length === 0 ? 'policy' : path.join('.'), at(path), issu…`,
        from: 'issue?.message',
        to: 'issue.message',
      },
    ],
  },
  {
    file: 'src/policy/config-error.ts',
    reason: 'one column more, which nothing reads',
    mutants: [{ in: 'for (let j = 0; j < to.length; j++) {', from: 'j < to.length', to: 'j <= to.length' }],
  },
  {
    file: 'src/policy/deadlines.ts',
    reason: 'the wording of a message',
    mutants: [
      {
        in: `if (!said.every((ms) => Number.isFinite(ms) && ms > 0)) return { malformed: 'a l…`,
        from: `'a lifetime is not a positive number'`,
        to: '""',
      },
    ],
  },
  {
    file: 'src/policy/deadlines.ts',
    reason: 'neither text is a number or a date',
    mutants: [
      {
        in: `const askedMs = retryAfterMs(retryAfter?.trim() ?? '', replyDateMs ?? receivedAt…`,
        from: `''`,
        to: '"Stryker was here!"',
      },
      { in: `const trimmed = text?.trim() ?? ''`, from: `''`, to: '"Stryker was here!"' },
      {
        in: `const zoned = ASCTIME.test(trimmed) ? \`\${trimmed} GMT\` : HTTP_DATE.test(trimmed)…`,
        from: `''`,
        to: '"Stryker was here!"',
      },
    ],
  },
  {
    file: 'machines/token-lifecycle.ts',
    reason: 'no other event comes here; the condition tells the compiler',
    mutants: [
      {
        in: `(event.type === 'outcome.unauthorized' ? event.spent : undefined) ?? rules.refre…`,
        from: `event.type === 'outcome.unauthorized'`,
        to: 'true',
      },
      {
        in: `event.type === 'token.rejected' && rules.rejectionCounts(context, event.generati…`,
        from: `event.type === 'token.rejected'`,
        to: 'true',
      },
      {
        in: `learnWhoWaits: assign(({ event }) => (event.type === 'demand.withdrawn' ? { wait…`,
        from: `event.type === 'demand.withdrawn'`,
        to: 'true',
      },
      {
        in: `if (event.type !== 'operator.signIn' || event.credentials !== 'other' || context…`,
        from: `event.type !== 'operator.signIn'`,
        to: 'false',
      },
    ],
  },
  {
    file: 'machines/token-lifecycle.ts',
    reason: 'a pair, or a latch, is held whenever this runs; the compiler does not know',
    mutants: [
      {
        in: 'arriveAtRefreshDue: assign(({ context }) => reached(context, context.pair?.refre…',
        from: 'context.pair?.refreshAtMs',
        to: 'context.pair.refreshAtMs',
      },
      {
        in: 'arriveAtExpiry: assign(({ context }) => reached(context, context.pair?.usableUnt…',
        from: 'context.pair?.usableUntilMs',
        to: 'context.pair.usableUntilMs',
      },
      {
        in: `enqueue.emit({ type: 'served', generation: context.pair?.generation ?? 0 })`,
        from: 'context.pair?.generation',
        to: 'context.pair.generation',
      },
      {
        in: 'untilRefreshDue: ({ context }) => until(context.pair?.refreshAtMs ?? 0, context.…',
        from: 'context.pair?.refreshAtMs',
        to: 'context.pair.refreshAtMs',
      },
      {
        in: 'untilExpiry: ({ context }) => until(context.pair?.usableUntilMs ?? 0, context.at…',
        from: 'context.pair?.usableUntilMs',
        to: 'context.pair.usableUntilMs',
      },
      {
        in: 'generation: context.pair?.generation ?? 0,',
        from: 'context.pair?.generation',
        to: 'context.pair.generation',
      },
      { in: 'if (context.latch === null) return', from: 'context.latch === null', to: 'false' },
    ],
  },
  {
    file: 'machines/token-lifecycle.ts',
    reason: 'whoever starts the first refresh is noted before anything asks for it',
    mutants: [{ in: `startedBy: 'demand',`, from: `'demand'`, to: '""' }],
  },
  {
    file: 'machines/token-lifecycle.ts',
    reason: `whatever is not 'recreate' fails`,
    mutants: [
      {
        in: `refreshUnauthorized: input.refreshUnauthorized ?? 'fail',`,
        from: `'fail'`,
        to: '""',
      },
    ],
  },
]
