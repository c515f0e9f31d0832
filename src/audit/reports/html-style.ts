/** The style of the page. Light and dark, print, narrow and wide; nothing is loaded for it. */
export const STYLE = `
:root{color-scheme:light dark;--ground:#fdfdfc;--raised:#f5f6f7;--line:#dde1e6;--ink:#1b2230;--soft:#566070;--accent:#2553b5;
--fail:#b02a20;--fail-ground:#fcecea;--open:#7a5200;--open-ground:#fdf3de;--pass:#1c6b41;--pass-ground:#e7f4ec;
--life:#7ea2d6;--life-replaced:#c8d8ee;--pause-ground:#f7e5c5;--pause-line:#c98a1b}
@media (prefers-color-scheme:dark){:root{--ground:#14171c;--raised:#1c2027;--line:#333b46;--ink:#e7eaef;--soft:#a4aebb;--accent:#92b4ff;
--fail:#ff8f85;--fail-ground:#3a1e1c;--open:#f0bd64;--open-ground:#352a15;--pass:#80d3a2;--pass-ground:#173024;
--life:#4f77b0;--life-replaced:#2b3e5a;--pause-ground:#3d3015;--pause-line:#a97a22}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
main,header,footer{max-width:74rem;margin:0 auto;padding:0 1.5rem}
h1,h2,h3,h4{line-height:1.25;text-wrap:balance}
h1{font-size:1.9rem;letter-spacing:-.015em;margin:.2rem 0 .4rem}
h2{font-size:1.25rem;margin:3rem 0 1rem}
h3{font-size:1.05rem;margin:0}
h4{font-size:1rem;margin:0}
p{margin:.4rem 0}
a{color:var(--accent);text-underline-offset:.15em}
code,.mono{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.88em}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:1rem;top:-4rem;background:var(--ground);border:1px solid var(--line);padding:.4rem .8rem;border-radius:6px;z-index:2}
.skip:focus{top:.6rem}
header{padding-top:2.6rem}
.kicker{color:var(--soft);margin:0;font-size:.9rem}
.verdict{border-left:4px solid var(--soft);padding-left:1.1rem}
.verdict.fail{border-color:var(--fail)}.verdict.pass{border-color:var(--pass)}.verdict.inconclusive{border-color:var(--open)}
.facts{display:flex;flex-wrap:wrap;gap:.4rem 2.4rem;margin:1.4rem 0 0}
.facts div{min-width:0}
.facts dt{color:var(--soft);font-size:.85rem}
.facts dd{margin:0}
nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;margin:1.6rem 0 0;padding:.7rem 0;border-block:1px solid var(--line)}
.chip{display:inline-block;border-radius:99px;padding:.05rem .6rem;font-size:.82rem;font-weight:600;white-space:nowrap;background:var(--raised);color:var(--soft)}
.chip.fail,.chip.error{background:var(--fail-ground);color:var(--fail)}
.chip.inconclusive,.chip.waived,.chip.warning{background:var(--open-ground);color:var(--open)}
.chip.pass{background:var(--pass-ground);color:var(--pass)}
.rule-block{margin:0 0 2.2rem;border:1px solid var(--line);border-radius:10px;overflow:clip}
.rule-head{background:var(--raised);padding:.9rem 1.2rem;border-bottom:1px solid var(--line)}
.rule-head p{margin:.3rem 0 0;color:var(--soft);font-size:.9rem}
.rule-head .chip{margin-left:.5rem;vertical-align:.1em}
article{padding:1.1rem 1.2rem 1.3rem}
article+article{border-top:1px solid var(--line)}
article:target{box-shadow:inset 4px 0 0 var(--accent)}
article:focus{outline:none}
.finding-head{display:flex;gap:.7rem;align-items:baseline}
.number{flex:none;min-width:1.6rem;height:1.6rem;border-radius:99px;background:var(--ink);color:var(--ground);font-size:.82rem;font-weight:700;text-align:center;line-height:1.6rem;padding:0 .35rem}
.fields{display:grid;grid-template-columns:6.2rem 1fr;gap:.25rem .9rem;margin:.8rem 0 0}
.fields dt{color:var(--soft)}
.fields dd{margin:0}
.fields .change{font-weight:600}
.when{white-space:nowrap}
.more,.cut{color:var(--soft);font-size:.9rem}
.more{padding:0 1.2rem .8rem}
.tools{display:flex;flex-wrap:wrap;gap:.6rem 2rem;align-items:center;margin-bottom:.8rem;font-size:.85rem}
.zoom{border:0;padding:0;margin:0;display:flex;gap:.1rem;align-items:center}
.zoom legend{float:left;padding:0 .6rem 0 0;color:var(--soft)}
.zoom label{position:relative;padding:.15rem .6rem;border:1px solid var(--line);cursor:pointer}
.zoom label:first-of-type{border-radius:6px 0 0 6px}.zoom label:last-of-type{border-radius:0 6px 6px 0}
.zoom label:only-of-type{border-radius:6px}
.zoom label:has(:checked){background:var(--ink);color:var(--ground);border-color:var(--ink)}
.zoom label:has(:focus-visible){outline:2px solid var(--accent);outline-offset:2px}
.zoom input{position:absolute;inset:0;opacity:0;margin:0;cursor:pointer}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;margin:0;padding:0;color:var(--soft)}
.legend li{display:flex;align-items:center;gap:.35rem}
.definitions{position:absolute}
.chart{display:grid;grid-template-columns:4.9rem minmax(0,1fr)}
.lanes{list-style:none;margin:0;padding:0;font-size:.8rem;color:var(--soft)}
.lanes li{height:24px;line-height:24px}
.overview{border:1px solid var(--line);border-radius:10px;overflow:clip}
.overview .lanes{padding-left:.8rem;border-right:1px solid var(--line)}
.overview .lanes li{position:relative;z-index:1;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.overview .lanes .axis{height:22px;line-height:20px}
.overview .lanes .account{height:26px;line-height:30px;color:var(--ink);font-weight:600}
.overview .lanes .life-lane{height:26px;line-height:26px}
.overview .lanes .pins-1{height:26px;line-height:28px}.overview .lanes .pins-2{height:52px;line-height:54px}.overview .lanes .pins-3{height:78px;line-height:80px}
.overview .lanes .gap{height:8px}
.plot{overflow-x:auto;overflow-y:hidden}
.plot:focus-visible{outline-offset:-2px}
.plot svg{display:block;min-width:34rem}
.minutes{margin:1rem 0 0}
.minutes svg{display:block;overflow:visible}
.minutes .lanes li{height:28px;line-height:28px}
.minutes figcaption{color:var(--soft);font-size:.82rem;margin-left:4.9rem}
svg text{fill:var(--soft);font-size:12px;stroke:none}
svg .rule{stroke:var(--line)}
svg .rule.strong{stroke:var(--soft);stroke-opacity:.45}
.ticks{display:none}
.ticks line{stroke:var(--line);stroke-dasharray:2 3}
.ticks text{font-size:11px}
.mark{fill:var(--soft);stroke:var(--soft);stroke-width:0}
.mark.ok{fill:var(--pass)}
.mark.refused{fill:var(--open)}
.mark.throttled,.mark.broken{fill:var(--fail)}
.mark.dropped,.mark.dropped use{stroke:var(--fail)}
.mark .ring{fill:none;stroke:var(--ink);stroke-width:1}
.mark:focus{outline:none}
.mark:focus-visible use{stroke:var(--accent);stroke-width:3}
.pause{fill:url(#hatch)}
.hatch-ground{fill:var(--pause-ground)}
.hatch-line{stroke:var(--pause-line);stroke-width:1.2}
.life{fill:var(--life)}.life.replaced{fill:var(--life-replaced)}
.status{font-weight:600;paint-order:stroke;stroke:var(--ground);stroke-width:3px;stroke-linejoin:round}
svg .status{stroke:var(--ground);fill:var(--ink)}
.span line{stroke:var(--soft)}
svg .span text{text-anchor:middle;fill:var(--ink);font-weight:600;paint-order:stroke;stroke:var(--ground);stroke-width:8px}
.pin line{stroke:var(--fail);stroke-opacity:.55}
.pin use{fill:var(--fail)}
.pin.inconclusive use,.pin.waived use{fill:var(--open)}
.pin.inconclusive line,.pin.waived line{stroke:var(--open)}
svg .pin text{fill:var(--ground);font-size:10px;font-weight:700;text-anchor:middle}
.pin:focus{outline:none}
.pin:focus-visible use{stroke:var(--accent);stroke-width:3}
.readout{display:block;min-height:1.6em;margin-top:.4rem;font-size:.9rem;color:var(--soft)}
.requests{margin-top:.4rem}
summary{cursor:pointer;color:var(--accent)}
.scroll{max-height:26rem;overflow:auto;margin-top:.6rem;border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;vertical-align:top;padding:.45rem .7rem;border-bottom:1px solid var(--line)}
th{color:var(--soft);font-weight:600;font-size:.85rem}
tbody tr:last-child>*{border-bottom:0}
.rules th,.rules td:not(.what,.id){white-space:nowrap}
.rules .id{min-width:8rem}
.rules .because{color:var(--soft);font-size:.9rem}
.rules .amount{text-align:right}
.rules a{white-space:nowrap}
.plain{margin:0;padding-left:1.2rem}
.none{color:var(--soft)}
footer{color:var(--soft);font-size:.85rem;padding-block:3rem 2.5rem}
${[1, 4, 16, 64, 256]
  .map(
    (zoom) =>
      `.timeline:has(#zoom-${zoom}:checked) .ticks-${zoom}{display:inline}.timeline:has(#zoom-${zoom}:checked) .plot svg{width:${zoom * 100}%}`,
  )
  .join('\n')}
@media (max-width:40rem){
main,header,footer{padding-inline:1rem}
h1{font-size:1.5rem}
.fields{grid-template-columns:1fr;gap:0}
.fields dt{font-size:.85rem;margin-top:.5rem}
.rules thead{display:none}
.rules tr{display:grid;grid-template-columns:auto 1fr;gap:0 .7rem;padding:.6rem 0;border-bottom:1px solid var(--line)}
.rules td,.rules td:not(.what,.id){border:0;padding:0;white-space:normal}
.rules td.what{grid-column:1/-1}
.rules .amount{text-align:left}
.when{white-space:normal}
.crowded{display:none}
}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
@media print{
:root{color-scheme:light;--ground:#fff;--ink:#000;--soft:#444}
nav,.skip,.zoom,.readout,.to-timeline{display:none}
article,.rule-head,tr{break-inside:avoid}
.plot{overflow:visible}.plot svg{min-width:0}
.scroll{max-height:none}
.mark,.life,.pause,.pin,.chip{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`

/** Its hash for the policy of the page; a test says what it has to be. */
export const STYLE_HASH = 'sha256-9JcJ1vKFHBDL0D44hRLQgjcs7fm1ury77mWvl8AZYEo='
