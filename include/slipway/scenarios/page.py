"""The frame of the scenario report, and what each class of cases is derived from."""

from __future__ import annotations

from slipway.scenarios.suite import CaseClass

DERIVED = {
    CaseClass.IN_RANGE: "real holdout rows, then draws in the declared ranges; one by one and again in batches",
    CaseClass.BOUNDARY: "both ends of every range, and the nearest numbers inside and outside",
    CaseClass.OUT_OF_RANGE: "every column, each side, a little and hugely; several at once",
    CaseClass.MISSING: "every column null and absent; several and all at once; within a batch",
    CaseClass.WRONG_TYPE: "text, bools, lists and objects for numbers, and the reverse",
    CaseClass.NAMED: "the author's cases in scenarios.yaml",
    CaseClass.EDGE: "NaN, infinity, huge numbers, malformed JSON, odd batches, every input form, repeats, concurrency",
}

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Scenarios: $model version $version</title><style>
:root{--ink:#1c2430;--soft:#5d6b7e;--line:#e3e8ef;--paper:#fff;--back:#f5f7fa;--good:#12805c;--bad:#c2321f;--warn:#a56a00}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1120px;margin:0 auto;padding:28px 24px 60px}
h1{font-size:24px;margin:0 0 4px}h2{font-size:16px;margin:28px 0 10px}a{color:#2f6fb3}
h3{font-size:16px;margin:0 0 6px}small{color:var(--soft);font-weight:400}
header p{color:var(--soft);margin:0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(155px,1fr));gap:12px;margin-top:22px}
.tile,section,article{background:var(--paper);border:1px solid var(--line);border-radius:10px}
.tile{padding:12px 16px}.tile b{display:block;font-size:23px;overflow-wrap:anywhere}
.tile span{color:var(--soft);font-size:13px}.tile.bad b{color:var(--bad)}.tile.good b{color:var(--good)}
section{padding:6px 16px;overflow-x:auto}article{padding:16px 18px;margin:12px 0;border-left:4px solid var(--bad)}
article span{color:var(--soft);font-size:13px}table{border-collapse:collapse;width:100%;font-size:14px}
td,th{text-align:left;padding:8px 8px;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
tbody tr:last-child>*{border-bottom:0}th{font-weight:600;white-space:nowrap}
.num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}td code{white-space:nowrap}
.bar{height:8px;width:110px;margin-top:7px;border-radius:4px;background:#f1c9c3;overflow:hidden}
.bar i{display:block;height:100%;background:var(--good)}
.chip{font-size:12px;font-weight:650;padding:1px 10px;border-radius:99px;background:#edf1f5;color:var(--soft);
white-space:nowrap}h1 .chip{font-size:15px;vertical-align:3px;margin-left:8px}
th{color:var(--soft);font-size:12px}tbody th{color:inherit;font-size:inherit}
.chip.passed{background:#e1f4ec;color:var(--good)}.chip.failed{background:#fce8e5;color:var(--bad)}
.chip.inconclusive,.chip.unsent{background:#fdf2dc;color:var(--warn)}
pre{background:#f5f7fa;border:1px solid var(--line);border-radius:8px;padding:10px 12px;margin:4px 0 12px;
white-space:pre-wrap;overflow-wrap:anywhere;font:13px/1.5 ui-monospace,"SF Mono",Menlo,Consolas,monospace}
mark{background:#ffe3a3;border-radius:3px;padding:1px 2px}.two{display:grid;grid-template-columns:1fr 1fr;gap:14px}
.note{padding:12px 16px;border-radius:10px;background:#e1f4ec;color:var(--good)}
.note.bad{background:#fce8e5;color:var(--bad)}
figure{margin:0;background:var(--paper);border:1px solid var(--line);border-radius:10px;padding:12px 16px}
figure svg{display:block;max-width:660px;width:100%;margin:0 auto}
figcaption{color:var(--soft);font-size:13px;text-align:center}
svg text{font-size:11px;fill:#5d6b7e}.grid{stroke:#edf0f4}.diagonal{stroke:#9fb0c5;stroke-dasharray:5 4}
.good{fill:var(--good);fill-opacity:.5}.bad{fill:var(--bad)}details{border-bottom:1px solid var(--line)}
details:last-child{border:0}summary{cursor:pointer;padding:10px 4px;font-weight:600}
details td{font-size:13px}footer{color:var(--soft);font-size:13px;margin-top:30px}
</style></head><body><main>
<header><h1>Scenarios: $model version $version $outcome</h1>
<p>The running service over HTTP, against an independent reference · artifact $artifact</p></header>
<div class="tiles">$tiles</div>$stopped
<h2>What decided</h2><section><table><thead><tr><th>Verdict</th><th>Measurement</th><th class=num>Value</th>
<th class=num>Limit</th><th class=num>n</th><th>Note</th></tr></thead>$measurements</table></section>
<h2>By class</h2><section><table>$classes</table></section>
<h2>Failures</h2>$failures
<h2>Served against reference</h2>$plot
<h2>Some of the cases</h2><section>$samples</section>
<h2>How the cases were derived</h2><section><p>From the signature in model.yaml and the version's holdout snapshot,
with seed $seed; the same seed gives the same requests. What each request must get follows from the declared policies,
worked out value by value apart from the serving code. The rows that the model may see are then scored by the model's
reference, in a process of its own that can import neither Slipway nor an estimator library, and every served answer is
compared with the reference's. A failure is shrunk: a batch to its smallest failing part, then every column set back to
the value of a row that is answered rightly, for as long as it still fails.</p></section>
<footer>Every case, one a line: <a href="scenarios.jsonl">scenarios.jsonl</a></footer>
</main></body></html>
"""
