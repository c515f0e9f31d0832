import * as z from 'zod/mini'

/** The published JSON Schema of reports, `docs/audit-report.schema.json`. `report.ts` is the same in types. */

function said<Type extends z.ZodMiniType>(type: Type, description: string): Type {
  z.globalRegistry.add(type, { description })
  return type
}

const text = (description: string) => said(z.string(), description)
const time = (description: string) => said(z.number(), `${description} Milliseconds since the epoch.`)
const amount = (description: string) => said(z.int().check(z.nonnegative()), description)
const optional = z.optional

const locator = z.strictObject({
  file: text('Name of the file as it was given; `-` for a stream without one.'),
  entry: optional(said(z.int().check(z.positive()), 'Number of the entry in it, from 1.')),
  line: optional(said(z.int().check(z.positive()), 'Number of the line in it, from 1.')),
})

const evidence = z.strictObject({
  at: said(z.clone(locator), 'Where it stands in the recordings.'),
  time: said(
    z.strictObject({ earliestMs: time('Not before.'), latestMs: time('Not after.') }),
    'When it was sent, as far as that is known.',
  ),
  request: text('`POST /api/v2/token/refresh/ → 429`.'),
})

const severity = said(
  z.enum(['error', 'warning', 'note']),
  'As strong as its clause: required, decision, recommended; what is deprecated is a warning until it ends.',
)
const ids = said(z.array(z.string()), 'Clauses and decisions of the policy, the one to name first.')
const account = optional(text('Whose traffic it is; absent: the only one’s.'))

const waiver = z.strictObject({ reason: text('Why it is let pass.'), expires: text('Until when.') })

const finding = z.strictObject({
  id: text('Same for the same finding in the same recording: `invariant-3/1`.'),
  rule: text('Id of the rule.'),
  verdict: said(z.enum(['fail', 'inconclusive']), 'Inconclusive: not every reading of the recording is a fault.'),
  severity,
  confidence: said(z.enum(['high', 'medium', 'low']), 'How far it can be trusted.'),
  ids,
  account,
  trigger: optional(said(z.clone(evidence), 'What the offence follows from.')),
  offence: optional(said(z.clone(evidence), 'The request that may not be.')),
  observed: text('What was seen.'),
  required: text('What the clause asks for.'),
  remedy: text('What to change in the client.'),
  because: optional(text('Why it is not sure.')),
  waived: optional(said(z.clone(waiver), 'The waiver that covers it: it does not count then.')),
})

const rule = z.strictObject({
  rule: text('Id of the rule: of the clause or decision, or `invariant-N`.'),
  title: text('The rule in one sentence.'),
  ids,
  severity,
  verdict: z.enum(['pass', 'fail', 'inconclusive']),
  because: optional(text('Why it could not be judged.')),
  findings: amount('How many findings it has.'),
  unlisted: optional(
    said(
      z.strictObject({ fail: amount('Those that fail.'), inconclusive: amount('Those that are not sure.') }),
      'How many of its findings are not listed, and not waived.',
    ),
  ),
  waived: optional(said(z.clone(waiver), 'The waiver that covers that it could not be judged.')),
})

const file = z.strictObject({
  file: text('As it was given.'),
  format: z.enum(['journal', 'har', 'otlp', 'access-log']),
  producer: optional(text('Who wrote it, where it says so.')),
  exchanges: amount('Requests that were judged.'),
  skipped: amount('Entries that are none of the API’s.'),
})

const timelineEntry = z.strictObject({
  atMs: time('When it was sent.'),
  answeredAtMs: time('When the answer was there.'),
  account,
  endpoint: z.enum(['create', 'refresh', 'validate', 'api']),
  status: said(z.union([z.number(), z.literal('dropped')]), 'HTTP status; `dropped`: no answer.'),
  at: said(z.clone(locator), 'Where it stands in the recordings.'),
  granted: optional(
    z.strictObject({
      accessId: text('Short fingerprint of the access token that was granted.'),
      expiresAtMs: optional(time('Its expiry.')),
    }),
  ),
})

/** A whole report. Strict: an unknown key is none of version 1. */
export const auditReportSchema = z.strictObject({
  schema: said(z.literal(1), 'Version of this schema.'),
  version: text('Version of the package that wrote the report.'),
  files: z.array(file),
  from: optional(time('The first request.')),
  to: optional(time('The last answer.')),
  exchanges: amount('Requests that were judged.'),
  accounts: amount('Accounts that they are of.'),
  readings: said(z.array(z.string()), 'Which readings of the policy were judged.'),
  notes: said(z.array(z.string()), 'What the reader of the report has to know.'),
  rules: z.array(rule),
  findings: z.array(finding),
  timeline: said(
    z.array(timelineEntry),
    'The requests around each finding, two minutes each way, and all token requests; at most 10 000.',
  ),
  timelineCut: said(z.boolean(), 'Some of the timeline was left out.'),
})

type Frozen<Type> = Type extends object ? { readonly [Key in keyof Type]: Frozen<Type[Key]> } : Type

/** A report as the schema has it. The compiler takes each one for the other in `reports-json.test.ts`. */
export type DescribedReport = Frozen<z.infer<typeof auditReportSchema>>

/** The text of `docs/audit-report.schema.json`. */
export const schemaText = () => {
  const { $schema, ...schema } = z.toJSONSchema(auditReportSchema, { io: 'input' })
  const head = { $schema, title: 'Report of an audit by compliancely-auth, version 1' }
  return `${JSON.stringify({ ...head, ...schema }, null, 2)}\n`
}

/** The order in which a report tells its keys: the schema's, level by level. */
export const KEY_ORDER: readonly string[] = [auditReportSchema, file, rule, finding, evidence, locator, timelineEntry]
  .flatMap(({ shape }) => Object.keys(shape))
  .filter((key, at, keys) => keys.indexOf(key) === at)
