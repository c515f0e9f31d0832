import { createHash } from 'node:crypto'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import type { AuditReport } from '../../src/audit/report.ts'
import { SCRIPT, SCRIPT_HASH } from '../../src/audit/reports/html-script.ts'
import { STYLE, STYLE_HASH } from '../../src/audit/reports/html-style.ts'
import { REPORTS, type ReportOptions } from '../../src/audit/reports/index.ts'
import { describeWithChromium } from './page-support.ts'
import { CLEAN, EMPTY, finding, HOSTILE, HOSTILE_REPORT, rulesFor, SAMPLE, TIMELESS } from './sample-report.ts'

const html = (report: AuditReport = SAMPLE, options: ReportOptions = {}) => REPORTS.html.render(report, options)
const hashOf = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`

const crowd: AuditReport = {
  ...SAMPLE,
  timelineCut: true,
  timeline: Array.from({ length: 10_000 }, (_, n) => ({
    ...(SAMPLE.timeline[n % SAMPLE.timeline.length] as (typeof SAMPLE.timeline)[number]),
    atMs: (SAMPLE.from ?? 0) + n * 500,
    answeredAtMs: (SAMPLE.from ?? 0) + n * 500 + 100,
    account: `acct-${n % 40}`,
    at: { file: 'web.har', entry: n + 1 },
  })),
}

describe('the text of the page', () => {
  it('allows its own style and its own script by their hashes, and nothing else', () => {
    expect(STYLE_HASH).toBe(hashOf(STYLE))
    expect(SCRIPT_HASH).toBe(hashOf(SCRIPT))
    expect(html()).toContain(
      `content="default-src 'none'; style-src '${STYLE_HASH}'; script-src '${SCRIPT_HASH}'; base-uri 'none'; form-action 'none'"`,
    )
  })

  it('has neither addresses to load from nor handlers in attributes, whatever was recorded', () => {
    const page = html(HOSTILE_REPORT)
      .replace(STYLE, '')
      .replace(SCRIPT, '')
      .replaceAll(/"[^"]*"/g, '""')
    expect(page).not.toMatch(/https?:|<(img|link|iframe|object|b)\b/)
    expect(page.match(/<script/g)).toHaveLength(1)
    expect(page).not.toMatch(/<[^>]*\s(on\w+|style|src)=/)
  })

  it('tells as many findings of a rule as it is told to and counts the others', () => {
    const findings = Array.from({ length: 44 }, (_, n) => finding({ id: `invariant-3/${n + 1}` }))
    const page = html({ ...SAMPLE, findings, rules: rulesFor(findings) }, { findingsPerRule: 3 })
    expect(page.match(/<article/g)).toHaveLength(3)
    expect(page).toContain('… and 41 more of this rule')
    expect(page).toContain('<a href="#finding-1">44 findings</a>')
  })

  it('says what it did not draw', () => {
    const page = html(crowd)
    expect(page).toContain('The audit kept only part of the requests for this timeline.')
    expect(page).toContain('Of 40 accounts 12 are drawn, those with findings first.')
    expect(html({ ...crowd, timeline: crowd.timeline.map((entry) => ({ ...entry, account: 'acct-1' })) })).toContain(
      'At most 3,000 requests are drawn',
    )
    expect(html(TIMELESS)).toContain('21 requests with a time that is out of range cannot be drawn.')
    expect(html()).not.toContain('class="cut"')
  })
})

/** Texts whose colour stands out less than 4.5 to 1 from what is behind them. */
const faintTexts = (page: Page) =>
  page.evaluate(() => {
    type Rgb = readonly [number, number, number]
    const context = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
    const known = new Map<string, Uint8ClampedArray>()
    const rgba = (color: string) => {
      const before = known.get(color)
      if (before !== undefined) return before
      if (context === null) throw new Error('no canvas')
      context.clearRect(0, 0, 1, 1)
      context.fillStyle = color
      context.fillRect(0, 0, 1, 1)
      const { data } = context.getImageData(0, 0, 1, 1)
      known.set(color, data)
      return data
    }
    const rgb = (color: string): Rgb => [rgba(color)[0] ?? 0, rgba(color)[1] ?? 0, rgba(color)[2] ?? 0]
    const luminance = (color: Rgb) => {
      const [r = 0, g = 0, b = 0] = color.map((part) =>
        part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4,
      )
      return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const behind = (element: Element): Rgb => {
      const pin = element.closest('.pin')?.querySelector('use')
      if (pin != null && element.tagName === 'text') return rgb(getComputedStyle(pin).fill)
      for (let at: Element | null = element; at !== null; at = at.parentElement) {
        const color = getComputedStyle(at).backgroundColor
        if (rgba(color)[3] === 255) return rgb(color)
      }
      return [255, 255, 255]
    }
    const texts = [...document.querySelectorAll('body *')].filter(
      (element) =>
        element.checkVisibility() &&
        !['SCRIPT', 'title'].includes(element.tagName) &&
        [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent?.trim() !== ''),
    )
    return {
      looked: texts.length,
      faint: texts.flatMap((element) => {
        const style = getComputedStyle(element)
        const isDrawn = element instanceof SVGElement
        const [a, b] = [luminance(rgb(isDrawn ? style.fill : style.color)), luminance(behind(element))]
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
        return ratio >= 4.5 ? [] : [`${ratio.toFixed(2)} ${element.tagName} ${element.textContent?.slice(0, 40)}`]
      }),
    }
  })

const axeViolations = async (page: Page) => {
  await page.evaluate(axe.source)
  return page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: put there by the line above
    const { violations } = await (globalThis as any).axe.run(document, { resultTypes: ['violations'] })
    return violations.map(
      ({ id, nodes }: { id: string; nodes: { html: string }[] }) => `${id}: ${nodes[0]?.html.slice(0, 120)}`,
    ) as string[]
  })
}

const harmed = (page: Page) => page.evaluate(() => Reflect.get(globalThis, 'harmed'))

describeWithChromium('the page in a browser', (open) => {
  const looks = (['light', 'dark'] as const).flatMap((colorScheme) =>
    [1280, 390].map((width) => ({ colorScheme, viewport: { width, height: 900 } })),
  )

  it.each(looks)('$colorScheme, $viewport.width wide: quiet, readable, accessible', async (look) => {
    const { page, complaints } = await open(html(), look)
    const { looked, faint } = await faintTexts(page)
    expect(looked).toBeGreaterThan(150)
    expect(faint).toEqual([])
    expect(await axeViolations(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    expect(complaints).toEqual([])
  })

  it('is dark where that is asked for, and light where it is not', async () => {
    const groundOf = async (colorScheme: 'light' | 'dark') => {
      const { page } = await open(html(), { colorScheme })
      return page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    }
    expect(await groundOf('light')).toBe('rgb(253, 253, 252)')
    expect(await groundOf('dark')).toBe('rgb(20, 23, 28)')
  })

  it.each(Object.entries({ CLEAN, EMPTY, TIMELESS }))('%s is a page too', async (_, report) => {
    const { page, complaints } = await open(html(report), { viewport: { width: 390, height: 900 } })
    expect(await axeViolations(page)).toEqual([])
    expect(await page.title()).toMatch(/: audit of token traffic$/)
    expect(complaints).toEqual([])
  })

  it('what was recorded is text and does nothing', async () => {
    const { page, complaints } = await open(html(HOSTILE_REPORT), { viewport: { width: 390, height: 900 } })
    await page.locator('summary').click()
    expect(await page.locator('img, b, iframe, script:not(:last-child)').count()).toBe(0)
    expect(await page.locator('article').first().innerText()).toContain(HOSTILE.slice(0, 60))
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
    expect(await harmed(page)).toBeUndefined()
    expect(complaints).toEqual([])
  })

  it('would not run a script or load a picture that got onto it all the same', async () => {
    const { page, complaints } = await open(html())
    await page.evaluate(() => {
      const script = document.createElement('script')
      script.textContent = 'globalThis.harmed = 1'
      document.body.append(script)
      document.body.insertAdjacentHTML('beforeend', '<img src="/away.png" onerror="globalThis.harmed=2">')
    })
    await expect
      .poll(() => complaints.filter((line) => line.includes('Content Security Policy')).length)
      .toBeGreaterThan(1)
    expect(complaints.filter((line) => line.startsWith('asked for'))).toEqual([])
    expect(await harmed(page)).toBeUndefined()
  })

  it('the keyboard reaches every finding from the timeline, and the timeline from every finding', async () => {
    const { page } = await open(html())
    const reached: string[] = []
    for (let presses = 0; presses < 80; presses++) {
      await page.keyboard.press('Tab')
      reached.push(await page.evaluate(() => document.activeElement?.getAttribute('href') ?? ''))
    }
    expect(reached[0]).toBe('#findings')
    for (const [at] of SAMPLE.findings.entries()) {
      expect(reached).toContain(`#finding-${at + 1}`)
      expect(reached).toContain(`#pin-${at + 1}`)
    }
    await page.locator('#pin-2').focus()
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('finding-2')
    await page.locator('#finding-2 .to-timeline a').focus()
    await page.keyboard.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('pin-2')
  })

  it('zooms by keyboard and keeps what was in the middle', async () => {
    const { page } = await open(html())
    const middle = () =>
      page.locator('.plot').evaluate((plot) => (plot.scrollLeft + plot.clientWidth / 2) / plot.scrollWidth)
    await page.locator('#zoom-1').focus()
    await page.keyboard.press('ArrowRight')
    await expect.poll(middle).toBeCloseTo(0.5, 2)
    await page.locator('.plot').evaluate((plot) => plot.scrollTo({ left: plot.scrollWidth }))
    await expect.poll(middle).toBeGreaterThan(0.8)
    const before = await middle()
    await page.keyboard.press('ArrowRight')
    expect(await page.locator('#zoom-16').isChecked()).toBe(true)
    await expect.poll(middle).toBeCloseTo(before, 2)
  })

  it('the arrow keys walk from request to request, and a line says which one it is', async () => {
    const { page } = await open(html())
    await page.locator('.plot .mark').first().focus()
    await page.keyboard.press('End')
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    expect(await page.locator('#readout').innerText()).toBe('api → 200 at 2026-01-05T10:00:20.000Z, web.har (entry 2)')
    await page.keyboard.press('ArrowLeft')
    expect(await page.locator('#readout').innerText()).toBe(
      'create → 200 at 2026-01-05T10:00:04.000Z, web.har (entry 1)',
    )
  })

  it('works without script: zoom, links, the table', async () => {
    const { page } = await open(html(), { javaScriptEnabled: false })
    const widthOf = async () => (await page.locator('.plot svg').boundingBox())?.width ?? 0
    const before = await widthOf()
    await page.locator('label:has(#zoom-4)').click()
    expect((await widthOf()) / before).toBeCloseTo(4, 1)
    await page.locator('.rules a').first().click()
    expect(page.url()).toMatch(/#finding-1$/)
    await page.locator('summary').click()
    expect(await page.locator('.requests tbody tr').count()).toBe(SAMPLE.timeline.length)
  })

  it('draws what a report holds: a mark a request, tokens, the pause, a pin a finding', async () => {
    const { page } = await open(html())
    const plot = page.locator('.plot')
    expect(await plot.locator('.mark').count()).toBe(SAMPLE.timeline.length)
    expect(await plot.locator('.mark.throttled').count()).toBe(1)
    expect(await plot.locator('.mark.dropped').count()).toBe(1)
    expect(await plot.locator('.life:not(.replaced)').count()).toBe(5)
    expect(await plot.locator('.pause').count()).toBe(3)
    expect(await plot.locator('.pin').count()).toBe(SAMPLE.findings.length)
    const early = page.locator('#finding-1 .minutes')
    expect(await early.locator('.status').allTextContents()).toEqual(['429', '200'])
    expect(await early.locator('.span').innerHTML()).toContain('41.2 s')
  })

  it('stays usable with thousands of requests', async () => {
    const timeline = crowd.timeline.map((entry, n) => ({ ...entry, account: `acct-${(n % 4) + 1}` }))
    const { page, complaints } = await open(html({ ...crowd, timeline }))
    expect(await page.locator('.plot .mark').count()).toBe(3_000)
    await page.locator('label:has(#zoom-64)').click()
    await page.locator('#pin-1').focus()
    await page.keyboard.press('Enter')
    expect(page.url()).toMatch(/#finding-1$/)
    expect(complaints).toEqual([])
  })

  it('prints without what only a screen needs, and with its tables open', async () => {
    const { page } = await open(html())
    await page.emulateMedia({ media: 'print' })
    expect(await page.locator('nav').isVisible()).toBe(false)
    expect(await page.locator('.zoom').isVisible()).toBe(false)
    await page.pdf()
    expect(await page.locator('.requests').getAttribute('open')).not.toBeNull()
  })
})
