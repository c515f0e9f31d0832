/**
 * The script of the page. It adds convenience and nothing that is needed: zooming keeps what was in the middle, the arrow
 * keys walk from request to request, and a line under the timeline says which one it is.
 */
export const SCRIPT = `
(() => {
  const plot = document.querySelector('.plot')
  const readout = document.querySelector('#readout')
  if (!plot || !readout) return
  let middle = 0.5
  const keep = () => { middle = (plot.scrollLeft + plot.clientWidth / 2) / plot.scrollWidth }
  plot.addEventListener('scroll', keep, { passive: true })
  for (const radio of document.querySelectorAll('.zoom input'))
    radio.addEventListener('change', () => {
      const at = middle
      requestAnimationFrame(() => { plot.scrollLeft = at * plot.scrollWidth - plot.clientWidth / 2 })
    })
  const marks = [...plot.querySelectorAll('.mark')]
  const tell = (mark) => { readout.textContent = mark.querySelector('title')?.textContent ?? '' }
  let current = 0
  marks.forEach((mark, at) => {
    mark.setAttribute('tabindex', at === 0 ? '0' : '-1')
    mark.addEventListener('focus', () => {
      marks[current]?.setAttribute('tabindex', '-1')
      mark.setAttribute('tabindex', '0')
      current = at
      tell(mark)
    })
    mark.addEventListener('pointerenter', () => tell(mark))
    mark.addEventListener('keydown', (event) => {
      const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: marks.length - 1 }[event.key]
      if (next === undefined || !marks[next]) return
      event.preventDefault()
      marks[next].focus()
    })
  })
  addEventListener('beforeprint', () => { for (const each of document.querySelectorAll('details')) each.open = true })
})()
`

/** Its hash for the policy of the page; a test says what it has to be. */
export const SCRIPT_HASH = 'sha256-vkEOCyjkHYtXOdv1ffyXwaciqBA7BcUcoHyQg1Pzh0M='
