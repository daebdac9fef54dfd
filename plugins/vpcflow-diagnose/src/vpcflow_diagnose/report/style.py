"""The style sheet. Nothing in it loads anything; colours are named once for light and dark.

Accepted is blue, rejected is orange and hatched or dashed, so that neither print in grey nor colour
blindness hides which is which. Text on its background has a contrast of 4.5 or more.
"""

STYLE = """
:root { color-scheme: light dark; }
:root, ::backdrop {
  --paper: #fcfcfb; --card: #ffffff; --ink: #1d2430; --quiet: #5a6472; --rule: #dcdfe4;
  --ok: #2f6fb7; --no: #c8500a; --no-ink: #a83f00; --hatch: #ffe3cf;
  --fault: #b3261e; --fault-paper: #fdecea; --warning: #7d5700; --warning-paper: #fdf3d8;
  --note: #365a7c; --note-paper: #e8f0f8; --link: #14599c; --gap: #8a8f98;
  --vpc: #f3f6fa; --node: #ffffff; --node-rule: #9aa9bc; --code: #f2f3f5;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --paper: #12161d; --card: #1a202a; --ink: #e6e9ee; --quiet: #a3adba; --rule: #333c49;
    --ok: #6aaaf0; --no: #f58a46; --no-ink: #ffa56b; --hatch: #5c2a08;
    --fault: #ff8a80; --fault-paper: #3a1a1a; --warning: #f2c35b; --warning-paper: #352a10;
    --note: #9cc4ec; --note-paper: #1b2c3f; --link: #86bdf7; --gap: #7d8590;
    --vpc: #181f2a; --node: #222b38; --node-rule: #5b6a80; --code: #10141a;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 1080px; padding: 0 20px 40px; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  overflow-wrap: anywhere;
}
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.35rem; margin: 2.6rem 0 .8rem; }
h3 { font-size: 1.05rem; margin: 1rem 0 .4rem; }
h4 { font-size: .95rem; margin: 1rem 0 .3rem; }
p { margin: .5rem 0; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.quiet, figcaption, footer { color: var(--quiet); font-size: .9rem; }
header { padding-top: 2.2rem; }
.over { color: var(--quiet); margin: 0 0 .3rem; font-size: .9rem; }
.basis { color: var(--quiet); margin-bottom: 1rem; }
.first {
  background: var(--fault-paper); border-left: 5px solid var(--fault); border-radius: 6px;
  padding: .8rem 1rem; font-size: 1.1rem; max-width: 75ch;
}
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; }
.tiles div {
  background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: .7rem 1rem;
}
.tiles dt { color: var(--quiet); font-size: .85rem; }
.tiles dd { margin: 0; font-size: 1.45rem; font-weight: 650; line-height: 1.3; }
.tiles small { display: block; font-size: .82rem; font-weight: 400; color: var(--quiet); }
.list { padding-left: 1.6rem; }
.list li { margin: .25rem 0; }
nav {
  display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin-top: 1.6rem; padding: .6rem 0;
  border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule); font-size: .92rem;
}
.kind {
  display: inline-block; border-radius: 4px; padding: 0 .5em; font-size: .82rem; font-weight: 650;
  line-height: 1.6; white-space: nowrap; border: 1px solid currentColor;
}
.kind.fault { color: var(--fault); background: var(--fault-paper); }
.kind.warning { color: var(--warning); background: var(--warning-paper); }
.kind.note { color: var(--note); background: var(--note-paper); }
.confidence { color: var(--quiet); font-size: .85rem; font-weight: 400; }
.finding {
  background: var(--card); border: 1px solid var(--rule); border-left: 5px solid var(--note);
  border-radius: 8px; padding: .7rem 1.1rem; margin: .8rem 0;
}
.finding.fault { border-left-color: var(--fault); }
.finding.warning { border-left-color: var(--warning); }
.finding h3 { margin: .2rem 0; font-size: 1.08rem; }
.finding summary h3 { display: inline; }
.finding dl { display: flex; flex-wrap: wrap; gap: .5rem 2rem; margin: .8rem 0; }
.finding dd { font-variant-numeric: tabular-nums; }
.explanation { font-size: 1.05rem; max-width: 75ch; }
dt { color: var(--quiet); font-size: .82rem; }
dd { margin: 0; }
summary { cursor: pointer; }
details > summary { color: var(--quiet); }
.finding > details > summary { color: inherit; }
.evidence, .steps { padding-left: 1.4rem; margin: .4rem 0; }
.evidence li { font: .85rem/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.steps li { margin: .35rem 0; }
pre {
  background: var(--code); border: 1px solid var(--rule); border-radius: 6px; margin: .3rem 0;
  padding: .55rem .8rem; white-space: pre-wrap; font-size: .85rem;
  font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace;
}
pre code { -webkit-user-select: all; user-select: all; font: inherit; }
.wide { overflow-x: auto; }
figure { margin: 0 0 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; }
caption { text-align: left; color: var(--quiet); font-size: .88rem; padding-bottom: .3rem; }
th, td {
  text-align: right; padding: .35rem .6rem; border-bottom: 1px solid var(--rule);
  vertical-align: top; font-variant-numeric: tabular-nums;
}
thead th { color: var(--quiet); font-weight: 600; font-size: .85rem; white-space: nowrap; }
th:first-child, td.text, th.text { text-align: left; }
tbody th { font-weight: 500; min-width: 9rem; }
tbody th small { display: block; color: var(--quiet); font-weight: 400; }
td { white-space: nowrap; }
td.text { white-space: normal; min-width: 7rem; }
td.no { color: var(--no-ink); font-weight: 600; }
.lines tbody th { min-width: 0; }
.times tbody th { white-space: nowrap; }
.bars { float: left; }
.bar { vertical-align: middle; margin-right: .6rem; }
#making dl div { display: grid; grid-template-columns: 7rem 1fr; padding: .15rem 0; }
#making dl ul { margin: 0; padding-left: 1.1rem; }
#making table { width: auto; min-width: 50%; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--ink); }
svg .middle { text-anchor: middle; }
svg .end { text-anchor: end; }
.chart { display: block; width: 100%; min-width: 620px; height: auto; }
.chart .name { font-weight: 600; font-size: 13px; }
.chart .mark { fill: var(--quiet); font-size: 11.5px; font-variant-numeric: tabular-nums; }
.grid { stroke: var(--rule); stroke-width: 1; }
.axis { stroke: var(--quiet); stroke-width: 1; }
rect.ok { fill: var(--ok); }
rect.no { fill: var(--no); }
rect.over { pointer-events: none; }
.hatch { stroke: var(--hatch); stroke-width: 1.3; fill: none; }
.gap { fill: var(--gap); opacity: .35; }
.key { display: inline-block; width: 14px; height: 12px; vertical-align: -1px; }
.key { margin: 0 4px 0 10px; }
.key.ok { background: var(--ok); }
.key.no {
  background: repeating-linear-gradient(135deg, var(--no) 0 3px, var(--hatch) 3px 4.3px);
}
.key.gap { background: var(--gap); opacity: .5; }
.stroke {
  display: inline-block; width: 30px; height: 0; vertical-align: 4px; margin: 0 6px 0 12px;
  border-top: 5px solid var(--ok);
}
.stroke.no { border-top: 3px dashed var(--no); }
.map { display: block; margin: 0 auto; max-width: 100%; min-width: 640px; height: auto; }
rect.vpc { fill: var(--vpc); stroke: var(--node-rule); stroke-width: 1.5; }
text.vpc, text.zone { paint-order: stroke; stroke: var(--vpc); stroke-width: 5px; }
text.vpc { font-weight: 650; font-size: 13px; }
text.zone { fill: var(--quiet); font-size: 11.5px; }
.node { fill: var(--node); stroke: var(--node-rule); stroke-width: 1.3; }
.node.internet { stroke-width: 1.8; }
.node.nat, .node.transit, .node.peering { stroke-dasharray: 5 3; stroke-width: 1.8; }
.map .name { font-weight: 600; font-size: 13px; }
.map .detail, .map .amount { fill: var(--quiet); font-size: 11.5px; }
.line { fill: none; stroke-linejoin: round; opacity: .85; }
.line.ok { stroke: var(--ok); }
.line.no { stroke: var(--no); stroke-dasharray: 7 4; opacity: 1; }
.arrow { fill: var(--no); }
.badge circle { fill: var(--paper); stroke: var(--ok); stroke-width: 1.3; }
.badge.no circle { stroke: var(--no); }
.badge text { font-size: 10px; font-weight: 600; }
footer { border-top: 1px solid var(--rule); margin-top: 3rem; padding-top: .6rem; }
@media (max-width: 640px) {
  body { padding: 0 14px 30px; }
  h1 { font-size: 1.5rem; }
  .first { font-size: 1rem; }
  .tiles { grid-template-columns: 1fr 1fr; }
  .tiles dd { font-size: 1.15rem; }
  .finding { padding: .6rem .8rem; }
  .bars { display: none; }
  #making dl div { grid-template-columns: 1fr; }
}
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  nav, details.screen, rect.over { display: none; } /* patterns are printed as large pictures */
  h2, h3, h4 { break-after: avoid; }
  .finding, figure, tr, pre, .tiles div { break-inside: avoid; }
  .wide { overflow: visible; }
  svg * { opacity: 1 !important; }
  .chart, .map { min-width: 0; width: 100%; }
  a { color: inherit; text-decoration: none; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  details:not(.screen)::details-content { content-visibility: visible; height: auto; }
}
"""
