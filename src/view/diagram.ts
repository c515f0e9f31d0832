import { type Chart, type ChartState, type ChartTransition, readChart, spoken, triggerText } from './chart.ts'

/** The regions of the chart, in its order: one diagram each, because concurrent regions in one are hard to read. */
export const regionsOf = (chart: Chart): string[] =>
  chart.states.filter(({ parent }) => parent === '').map(({ path }) => path)

interface Edge {
  readonly from: string
  /** Where the arrow is drawn to. */
  readonly to: string
  /** Where it leads: `to`, or a part of it that is not drawn. */
  readonly target: string
  readonly label: string
}

/**
 * One region as Mermaid `stateDiagram-v2`. It shows where things go: arrows between two states are merged into one,
 * what all children of a state share is drawn from that state, states that only stop are drawn as one, what holds in
 * the whole region stands in a note, and what changes no state is left to the {@link outline}.
 */
export function mermaid(region = 'tokens', chart: Chart = readChart()): string {
  const inRegion = chart.states.filter(({ path }) => path.startsWith(`${region}.`))
  const parts = (path: string) => inRegion.filter(({ parent }) => parent === path)
  const isStop = ({ path }: ChartState) =>
    parts(path).length > 0 && parts(path).every((part) => part.invokes.length === 0)
  const stops = inRegion.filter(isStop)
  /** Where an arrow to or from this state is drawn. */
  const drawn = (path: string) => stops.find((stop) => path.startsWith(`${stop.path}.`))?.path ?? path
  const boxes = inRegion.filter((state) => parts(state.path).length > 0 && !isStop(state))
  const nodes = inRegion.filter(({ path }) => drawn(path) === path)

  const edgeOf = (from: string, transition: ChartTransition): Edge[] => {
    const { target } = transition
    if (target === null || !moves(transition)) return []
    return [{ from: drawn(from), to: drawn(target), target, label: edgeLabel(transition) }]
  }
  const own = chart.transitions.filter(({ from }) => from.startsWith(`${region}.`)).flatMap((t) => edgeOf(t.from, t))
  // Without an arrow of its own, a state that the handlers of its region leave would stand alone.
  const left = new Set(own.map(({ from }) => from))
  const partsOf = new Map(boxes.map((box) => [box.path, parts(box.path).map(({ path }) => path)]))
  const noted = chart.transitions.filter(({ from }) => from === region)
  const inherited = nodes
    .filter(({ path, parent }) => parent === region && !left.has(path) && !partsOf.has(path))
    .flatMap(({ path }) => noted.flatMap((t) => edgeOf(path, t)).slice(0, 1))
    .map((edge) => ({ ...edge, label: 'as noted' }))
  const edges = merged(shared([...own, ...inherited], partsOf))
  const parentOf = new Map(nodes.map(({ path, parent }) => [path, parent]))
  const arrows = (box: string) =>
    edges
      .filter(({ from, to }) => {
        const together = parentOf.get(from) === box && parentOf.get(to) === box
        return box === region
          ? !boxes.some(({ path }) => parentOf.get(from) === path && parentOf.get(to) === path)
          : together
      })
      .map(({ from, to, label }) => `${idOf(from)} --> ${idOf(to)} : ${label}`)
  const body = (box: string): string[] => [
    ...nodes
      .filter(({ parent }) => parent === box)
      .flatMap((node) => {
        if (boxes.includes(node))
          return [`state ${idOf(node.path)} {`, ...body(node.path).map((line) => `  ${line}`), '}']
        if (!stops.includes(node)) return [idOf(node.path)]
        const kinds = parts(node.path).map(({ key }) => key)
        return [`state "${[node.key, ...kinds].join('<br/>')}" as ${idOf(node.path)}`]
      }),
    ...arrows(box),
  ]
  const initial = chart.states.find(({ path }) => path === region)?.initial
  const lines = [`[*] --> ${initial}`, ...body(region), ...regionNote(region, chart), ...styles(nodes, boxes)]
  return ['stateDiagram-v2', ...lines.map((line) => `  ${line}`)].join('\n')
}

/** Mermaid takes dots for something else; the last key is unique in this chart, and a test holds it to that. */
const idOf = (path: string) => path.slice(path.lastIndexOf('.') + 1)

/** A timer that looks again at its own state is worth an arrow, anything else that stays is not. */
const moves = ({ from, target, kind }: ChartTransition) => from !== target || kind === 'after'

function edgeLabel({ kind, trigger, guard }: ChartTransition): string {
  if (kind === 'always') return guard ?? 'otherwise'
  const what = kind === 'on' ? trigger.replace(/^outcome\./, '') : triggerText({ kind, trigger })
  return guard === null ? what : `${what} [${guard}]`
}

/** What every part of a box does alike becomes the box's own. */
function shared(edges: readonly Edge[], boxes: ReadonlyMap<string, readonly string[]>): Edge[] {
  const alike = (a: Edge, b: Edge) => a.target === b.target && a.label === b.label
  return edges.flatMap((edge) => {
    const box = [...boxes].find(([, parts]) => parts.includes(edge.from))
    if (box === undefined) return [edge]
    const [path, parts] = box
    const everywhere = parts.every((part) => edges.some((other) => other.from === part && alike(other, edge)))
    if (!everywhere) return [edge]
    return edge.from === parts[0] ? [{ ...edge, from: path }] : []
  })
}

/** One arrow for all that lead from one state to another. */
function merged(edges: readonly Edge[]): Pick<Edge, 'from' | 'to' | 'label'>[] {
  const labels = new Map<string, Set<string>>()
  for (const { from, to, label } of edges) {
    const key = `${from} ${to}`
    labels.set(key, (labels.get(key) ?? new Set()).add(label))
  }
  return [...labels].map(([key, all]) => {
    const [from = '', to = ''] = key.split(' ')
    return { from, to, label: [...all].join('<br/>') }
  })
}

function regionNote(region: string, chart: Chart): string[] {
  const byTarget = new Map<string, string[]>()
  for (const { from, target, kind, trigger } of chart.transitions) {
    if (from !== region || target === null) continue
    const to = spoken(target)
    byTarget.set(to, [...(byTarget.get(to) ?? []), kind === 'on' && trigger === '*' ? 'any event' : trigger])
  }
  const [first] = byTarget.keys()
  if (first === undefined) return []
  const lines = [...byTarget].map(([to, triggers]) => `${triggers.join(', ')} → ${to}`)
  return [
    `note right of ${first}`,
    '  From every state, unless it says otherwise',
    ...lines.map((l) => `  ${l}`),
    'end note',
  ]
}

const STYLES: Readonly<Record<string, string>> = {
  busy: 'stroke-width:3px',
  stopped: 'stroke:#c62828,stroke-width:3px',
  paused: 'stroke:#ef6c00,stroke-width:3px',
}

function styles(nodes: readonly ChartState[], boxes: readonly ChartState[]): string[] {
  const tagOf = (node: ChartState) =>
    node.tags[0] ?? boxes.find(({ path }) => path === node.parent)?.tags[0] ?? undefined
  return Object.entries(STYLES).flatMap(([tag, style]) => {
    const tagged = nodes.filter((node) => !boxes.includes(node) && tagOf(node) === tag)
    return tagged.length === 0
      ? []
      : [`classDef ${tag} ${style}`, `class ${tagged.map(({ path }) => idOf(path)).join(',')} ${tag}`]
  })
}

const COLUMNS = ['from', 'on', 'guard', 'target', 'actions', 'ids', 'description'] as const

/** Every transition as a row: from, what starts it, guard, target, actions, clauses and decisions, description. */
export const outlineRows = (chart: Chart = readChart()): string[][] =>
  chart.transitions.map((transition) => [
    transition.from,
    triggerText(transition),
    transition.guard ?? '',
    transition.target === null ? '' : transition.target,
    transition.actions.join(', '),
    transition.ids.join(', '),
    transition.description,
  ])

/** Every transition as a line of plain text, in columns. */
export function outline(chart: Chart = readChart()): string {
  const rows = [[...COLUMNS], ...outlineRows(chart)]
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')
  return rows.map((row) => line(row).trimEnd()).join('\n')
}
