import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { setFlagsFromString } from 'node:v8'
import {
  type AuditOptions,
  type AuditReport,
  audit as auditSources,
  parseWaivers,
  REPORTS,
  type ReportName,
  type Severity,
  type Source,
  type Target,
  UnreadableRecording,
  WaiverError,
} from '../../audit/index.ts'
import { RULES } from '../../audit/rules.ts'
import { systemClock } from '../../clock.ts'
import { AuthError } from '../../errors.ts'
import { nearestName } from '../../policy/config-error.ts'
import { parsePolicy } from '../../policy/schema.ts'
import { EXIT } from '../exit-codes.ts'
import { idOf, type ReportFile, reportFileOf, writeReport } from '../files.ts'
import { type Invocation, note, print } from '../output.ts'
import { createProgress } from '../progress.ts'
import { readArguments, UsageError } from '../usage.ts'

const NAMES = Object.keys(REPORTS) as ReportName[]
const LEVELS: readonly Severity[] = ['error', 'warning', 'note']

const AUDIT_HELP = `compliancely-auth audit FILE… [--format NAME[:FILE]]… [--policy FILE] [--waivers FILE]
                        [--origin URL]… [--fail-on LEVEL] [--strict]

Did that client keep the policy? Reads recordings of any client's traffic: journals of this
library (--journal), HAR, OTLP traces as JSON, access logs of nginx and Envoy as JSON; each
also with gzip, - for standard input. Several files are merged, by account.

  --format NAME[:FILE]  ${NAMES.join(', ')};
                        to standard output, or to a file. Several at once. Default terminal
  --policy FILE         JSON: {"policy": {…}, "target": {"origins", "paths", "apiPrefix"}}
  --waivers FILE        JSON: {"waivers": [{"rule", "reason", "expires", "match"?}]}
  --origin URL          audit requests to this host alone; may be given more than once
  --fail-on LEVEL       error, warning or note: the least severity that makes exit code 1.
                        Default warning
  --strict              exit 4 when a rule could not be judged

Exit codes: 0 nothing was found; 1 findings; 2 usage; 3 a recording cannot be read, or none has
a request to the API; 4 a rule could not be judged, and no waiver covers that, under --strict;
17 a report cannot be written.`

interface Output {
  readonly name: ReportName
  readonly file: string | undefined
}

/** `audit FILE…` */
export async function audit({ argv, env }: Invocation): Promise<number> {
  const { values, positionals, lists } = readArguments(
    argv,
    {
      ...{ format: { type: 'string', multiple: true }, origin: { type: 'string', multiple: true } },
      ...{ policy: { type: 'string' }, waivers: { type: 'string' }, 'fail-on': { type: 'string' } },
      strict: { type: 'boolean' },
    },
    Number.POSITIVE_INFINITY,
  )
  if (values.help) {
    print(`${AUDIT_HELP}\n`)
    return EXIT.done
  }
  if (positionals.length === 0) throw new UsageError('audit needs at least one FILE, or - for standard input')
  if (positionals.filter((file) => file === '-').length > 1) throw new UsageError('- can be given once')
  const failOn = levelOf(values['fail-on'])
  const outputs = (lists.format ?? ['terminal']).map(outputOf)
  if (outputs.filter(({ file }) => file === undefined).length > 1)
    throw new UsageError('one report can go to standard output; give the others a file: --format json:report.json')

  await refuseTwice(positionals)
  const reports = await reportsOf(outputs, [...positionals, values.policy, values.waivers])

  // What is read lives for a moment only: a young generation that does not grow halves the memory and costs no time.
  setFlagsFromString('--semi-space-growth-factor=1')
  const clock = systemClock()
  const startedAtMs = clock.now()
  let report: AuditReport
  let pauseMs: number | undefined
  try {
    const settings = await settingsOf(values.policy, lists.origin ?? [])
    pauseMs = settings.policy?.pauseMs
    const waivers =
      values.waivers === undefined
        ? []
        : parseWaivers(await textOf(String(values.waivers), 'waivers'), Object.keys(RULES))
    const progress = await createProgress(positionals, process.stderr.isTTY === true)
    report = await auditSources(await Promise.all(positionals.map(sourceOf)), {
      ...settings,
      ...{ waivers, nowMs: startedAtMs, key: randomBytes(32), onBytes: progress.add },
    }).finally(progress.end)
  } catch (error) {
    if (error instanceof WaiverError) throw new UsageError(`${values.waivers}: ${error.message}`)
    if (!(error instanceof UnreadableRecording)) throw error
    note(error.message)
    return EXIT.unreadable
  }
  const options = {
    ...{ color: process.stdout.isTTY === true && env.NO_COLOR === undefined, width: process.stdout.columns ?? 80 },
    ...{ ran: { fromMs: startedAtMs, toMs: clock.now() }, pauseMs },
  }
  for (const { name, file } of reports) {
    const text = REPORTS[name].render(report, options)
    if (file === undefined) print(text)
    else await writeReport(file, text)
  }
  return exitCodeOf(report, failOn, values.strict === true)
}

function exitCodeOf({ accounts, findings, rules }: AuditReport, failOn: Severity, strict: boolean): number {
  const counts = LEVELS.slice(0, LEVELS.indexOf(failOn) + 1)
  const fails =
    findings.some(({ verdict, severity, waived }) => verdict === 'fail' && !waived && counts.includes(severity)) ||
    rules.some(({ unlisted, severity }) => (unlisted?.fail ?? 0) > 0 && counts.includes(severity))
  if (fails) return EXIT.findings
  // A gate that looks at nothing would hold for ever.
  if (accounts === 0) return EXIT.unreadable
  return strict && rules.some(({ verdict, waived }) => verdict === 'inconclusive' && !waived)
    ? EXIT.inconclusive
    : EXIT.done
}

function levelOf(value: string | true | undefined): Severity {
  const level = value ?? 'warning'
  const found = LEVELS.find((each) => each === level)
  if (found === undefined) throw new UsageError(`--fail-on is '${level}', but must be error, warning or note`)
  return found
}

function outputOf(text: string): Output {
  const colon = text.indexOf(':')
  const name = colon < 0 ? text : text.slice(0, colon)
  const file = colon < 0 ? undefined : text.slice(colon + 1)
  const known = NAMES.find((each) => each === name)
  if (known === undefined) throw new UsageError(`unknown format '${name}'; did you mean ${nearestName(name, NAMES)}?`)
  if (file === '') throw new UsageError(`--format ${name}: needs a file after the colon`)
  return { name: known, file }
}

/** One recording under two names would be judged as two clients that do everything together. */
async function refuseTwice(names: readonly string[]): Promise<void> {
  const seen = new Map<string, string>()
  for (const name of names) {
    const id = await idOf(name)
    if (id === undefined) continue
    const other = seen.get(id)
    if (other === name) throw new UsageError(`${name} is given twice`)
    if (other !== undefined) throw new UsageError(`${other} and ${name} are one file; give it once`)
    seen.set(id, name)
  }
}

/** Where reports go: none onto another one, nor onto what is read. Nothing is read before that is sure. */
async function reportsOf(outputs: readonly Output[], inputs: readonly (string | true | undefined)[]) {
  const taken = new Map<string, string>()
  for (const input of inputs) {
    const id = typeof input === 'string' ? await idOf(input) : undefined
    if (id !== undefined) taken.set(id, `${input}, which is read`)
  }
  const reports: { readonly name: ReportName; readonly file: ReportFile | undefined }[] = []
  for (const { name, file: given } of outputs) {
    const file = given === undefined ? undefined : await reportFileOf(given)
    const other = file?.id === undefined ? undefined : taken.get(file.id)
    if (other !== undefined) throw new UsageError(`--format ${name}:${given} would overwrite ${other}`)
    if (file?.id !== undefined) taken.set(file.id, `the ${name} report`)
    reports.push({ name, file })
  }
  return reports
}

type Settings = Pick<AuditOptions, 'policy' | 'target'>

/** The file of `--policy`: numbers of the policy, and what is audited. */
async function settingsOf(file: string | true | undefined, origins: readonly string[]): Promise<Settings> {
  const given = file === undefined ? {} : jsonOf(await textOf(String(file), 'policy'), String(file))
  for (const name of Object.keys(given))
    if (name !== 'policy' && name !== 'target')
      throw new UsageError(`${file}: unknown key '${name}'; allowed are policy and target`)
  let policy: AuditOptions['policy']
  try {
    if (given.policy !== undefined) policy = parsePolicy(given.policy)
  } catch (error) {
    if (error instanceof AuthError) throw new UsageError(`${file}: ${error.message}`)
    throw error
  }
  const target = { ...targetOf(given.target, String(file)) }
  return {
    ...(policy && { policy }),
    target: origins.length === 0 ? target : { ...target, origins: origins.map(originOf) },
  }
}

function targetOf(given: unknown, file: string): Partial<Target> {
  if (given === undefined) return {}
  const wrong = (what: string) => new UsageError(`${file}: target${what}`)
  if (typeof given !== 'object' || given === null) throw wrong(' must be an object with origins, paths, apiPrefix')
  const { origins, paths, apiPrefix, ...others } = given as Record<string, unknown>
  for (const name of Object.keys(others))
    throw wrong(` has an unknown key '${name}'; allowed are origins, paths, apiPrefix`)
  if (origins !== undefined && !(Array.isArray(origins) && origins.every((each) => typeof each === 'string')))
    throw wrong('.origins must be a list of addresses')
  if (apiPrefix !== undefined && !(typeof apiPrefix === 'string' && apiPrefix.startsWith('/')))
    throw wrong(".apiPrefix must begin with '/'")
  const wanted = ['create', 'refresh', 'validate'] as const
  if (
    paths !== undefined &&
    !(
      typeof paths === 'object' &&
      paths !== null &&
      wanted.every((name) => isPath((paths as Record<string, unknown>)[name]))
    )
  )
    throw wrong(".paths must be an object with create, refresh and validate, each beginning with '/'")
  return {
    ...(origins === undefined ? {} : { origins: (origins as string[]).map(originOf) }),
    ...(paths === undefined ? {} : { paths: paths as Target['paths'] }),
    ...(apiPrefix === undefined ? {} : { apiPrefix: apiPrefix as string }),
  }
}

const isPath = (value: unknown) => typeof value === 'string' && value.startsWith('/')

function originOf(text: string): string {
  const { origin } = URL.parse(text) ?? { origin: 'null' }
  if (origin === 'null') throw new UsageError(`an origin must be an address such as https://app1.compliancely.com`)
  return origin
}

function jsonOf(text: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw new UsageError(`${file} must hold a JSON object`)
}

async function textOf(file: string, option: string): Promise<string> {
  try {
    // Without the byte order mark that some editors write.
    return (await readFile(file, 'utf8')).replace(/^\ufeff/, '')
  } catch (error) {
    throw new UsageError(`--${option}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
}

/** How much is read at once, of all files together and of each at least, bytes. */
const CHUNK = 1_048_576
const LEAST_CHUNK = 16_384

/** A file can be opened again; standard input and a named pipe cannot. Nothing is opened before somebody reads it. */
async function sourceOf(name: string, _: number, { length }: readonly string[]): Promise<Source> {
  if (name === '-') return { name, bytes: process.stdin }
  const open = () => createReadStream(name, { highWaterMark: Math.max(LEAST_CHUNK, Math.floor(CHUNK / length)) })
  async function* once(): AsyncGenerator<Uint8Array> {
    yield* open()
  }
  const isPlain = await stat(name).then(
    (found) => found.isFile(),
    () => true,
  )
  return { name, bytes: isPlain ? open : once() }
}
