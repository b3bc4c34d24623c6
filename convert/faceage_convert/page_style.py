"""The style of the report's page: light and dark by the reader's system, one column or several."""

__all__ = ["STYLE"]

STYLE = """
:root{color-scheme:light dark;--paper:#fff;--ink:#1c2330;--soft:#5a6474;--line:#dde2ea;
--card:#f5f7fa;--main:#2463b4;--mark:#c2410c;--good:#15803d;--bad:#b91c1c;--open:#a16207}
@media(prefers-color-scheme:dark){:root{--paper:#12161d;--ink:#e6eaf1;--soft:#9aa5b5;--line:#2b3340;
--card:#1a202a;--main:#6fa8f0;--mark:#fb923c;--good:#4ade80;--bad:#f87171;--open:#facc15}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1060px;margin:0 auto;padding:24px 16px 48px}
h1{font-size:1.6rem;margin:0 0 .4rem;overflow-wrap:anywhere}
h1 small{font-weight:400;color:var(--soft);font-size:1.1rem}
h2{font-size:1.15rem;margin:2.2rem 0 .7rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}
pre{margin:0 0 1rem;padding:.6rem .8rem;background:var(--card);border-radius:6px;font-size:.85rem;
white-space:pre-wrap;overflow-wrap:anywhere}
.verdict{margin:0 0 1rem;padding:.6rem .9rem;border-left:5px solid var(--open);
background:var(--card);border-radius:4px}
.verdict strong{text-transform:uppercase;letter-spacing:.05em;color:var(--open);
margin-right:.4rem}
.pass{border-color:var(--good)}.pass strong{color:var(--good)}
.fail{border-color:var(--bad)}.fail strong{color:var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(165px,1fr));gap:10px}
.tiles div{background:var(--card);border-radius:6px;padding:.6rem .8rem}
.tiles span,.tiles small{display:block;color:var(--soft);font-size:.82rem}
.tiles b{display:block;font-size:1.3rem;line-height:1.35}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:22px;
align-items:start}
figure{margin:0;min-width:0}
figcaption{font-size:.9rem;color:var(--soft);margin-bottom:.2rem}
svg{width:100%;height:auto;display:block}
svg text{fill:var(--soft);font:12px system-ui,sans-serif}
svg .title{fill:var(--ink)}
svg path{fill:none}
.grid{stroke:var(--line)}
.guide{stroke:var(--soft)}
.zero{stroke:var(--soft)}
.limit{stroke:var(--mark);stroke-dasharray:5 4}
.dots{stroke:var(--main);stroke-width:3.2;stroke-linecap:round;opacity:.45}
.dot{stroke:var(--main);stroke-width:8;stroke-linecap:round}
.span{stroke:var(--main);stroke-width:2}
svg .bar{fill:var(--main)}
svg .marked{fill:var(--mark)}
.table{overflow-x:auto;margin:.4rem 0}
table{border-collapse:collapse;width:100%;font-size:.88rem}
th,td{text-align:left;padding:.3rem .7rem .3rem 0;border-bottom:1px solid var(--line);
white-space:nowrap;vertical-align:top}
th{color:var(--soft);font-weight:500}
td:last-child{white-space:normal;min-width:7rem}
summary{cursor:pointer;color:var(--soft)}
.faces{display:grid;grid-template-columns:repeat(auto-fill,minmax(116px,1fr));gap:10px}
.faces img{width:100%;border-radius:6px;display:block}
footer{margin-top:2.5rem;color:var(--soft);font-size:.82rem}
"""
