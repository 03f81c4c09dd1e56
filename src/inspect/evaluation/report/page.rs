//! The HTML page: metrics, curves and the worst cases, in one self-contained file.

use std::fmt::Write;

use super::{
    cases::CaseKind,
    reported_model::{ReportedModel, labels},
    svg::{PlotLine, curves, histogram, text},
};
use crate::{
    format::{counted, sentence},
    inspect::{
        InvertKnobs, InvertPreset, NoRegions, RegionList, ScoreKind,
        calibration::rate_interval_sentence,
        evaluation::{Confusion, Estimate, Evaluation, EvaluationSummary, Metrics, TestOutcome},
    },
    time::span,
};

/// Excluded images listed by name; the rest is only counted.
const LISTED: usize = 50;

/// Anomaly regions listed of each image.
const LISTED_REGIONS: usize = 5;

const STYLE: &str = "
:root { --page: #ffffff; --ink: #1a1a1a; --weak: #5a5a5a; --line: #b4b4b4; --grid: #e4e4e4; --panel: #f5f5f5;
  --healthy: #006aa8; --defective: #b84800; }
@media (prefers-color-scheme: dark) { :root { --page: #16181b; --ink: #e6e6e6; --weak: #a2a6ab; --line: #50555b;
  --grid: #2b2f34; --panel: #1e2125; --healthy: #56b4e9; --defective: #ff8a4a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1080px; padding: 24px; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 32px 0 8px; } h3 { font-size: 15px; margin: 16px 0 4px; }
p, li { color: var(--weak); margin: 4px 0; } strong { color: var(--ink); }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } .wide { overflow-x: auto; }
th, td { padding: 4px 12px 4px 0; text-align: right; border-bottom: 1px solid var(--grid); white-space: nowrap; }
th { font-weight: 600; } th:first-child, td:first-child { text-align: left; } td small { color: var(--weak); }
table.words td { text-align: left; white-space: normal; }
tr.verdict td:first-child { font-weight: 600; }
.h { color: var(--healthy); } .d { color: var(--defective); }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 8px 24px; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 8px; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: var(--weak); }
.middle { text-anchor: middle; } .end { text-anchor: end; }
.grid { stroke: var(--grid); fill: none; } .axis { stroke: var(--line); } .threshold { stroke: var(--ink); stroke-width: 1.5; }
.line { fill: none; stroke-width: 2; stroke: var(--healthy); } .line.other { stroke: var(--defective); stroke-dasharray: 5 3; }
.mark { fill: var(--page); stroke: var(--healthy); stroke-width: 2; } .mark.other { stroke: var(--defective); }
rect.healthy { fill: var(--healthy); } rect.defective { fill: var(--defective); }
.cases { display: grid; grid-template-columns: repeat(auto-fill, minmax(320px, 1fr)); gap: 16px; }
figure { margin: 0; padding: 10px; background: var(--panel); border-radius: 6px; }
figure div { display: flex; gap: 6px; } figure span { flex: 1 1 0; min-width: 0; font-size: 11px; color: var(--weak); }
img { width: 100%; display: block; image-rendering: pixelated; }
figcaption { font-size: 13px; overflow-wrap: anywhere; margin-top: 6px; } figcaption ol { margin: 4px 0; padding-left: 20px; }
pre { background: var(--panel); padding: 12px; border-radius: 6px; overflow-x: auto; font-size: 12px; }
code { overflow-wrap: anywhere; } @media print { figure { break-inside: avoid; } }
";

/// Renders the whole page.
pub(super) fn html(models: &[ReportedModel]) -> String {
    let mut out = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">",
    );
    let names: Vec<String> = labels(models.iter().map(|m| &m.summary)).iter().map(|name| text(name)).collect();
    let title = names.join(" and ");
    let _ = write!(out, "<title>Evaluation of {title}</title><style>{STYLE}</style></head><body><h1>{title}</h1>");
    if let Some(first) = models.first() {
        head(&mut out, &first.evaluation, &first.summary);
    }
    if models.len() > 1 {
        comparison(&mut out, models, &names);
    } else if let Some(only) = models.first() {
        promised_rate(&mut out, &only.summary);
    }
    for (i, model) in models.iter().enumerate() {
        if models.len() > 1 {
            let style = if i == 0 { "solid lines" } else { "dashed lines" };
            let _ = write!(out, "<h2>{} ({style})</h2>", names[i]);
            promised_rate(&mut out, &model.summary);
        } else {
            out.push_str("<h2>Metrics</h2>");
        }
        scores(&mut out, &model.summary);
        pixels(&mut out, &model.summary);
        confusion(&mut out, &model.summary);
        defect_types(&mut out, &model.summary);
    }
    plots(&mut out, models);
    for (model, name) in models.iter().zip(&names) {
        let of = if models.len() > 1 { format!(": {name}") } else { String::new() };
        let (healthy, defective) = model.evaluation.columns(model.summary.score);
        let threshold = model.summary.verdict().and_then(|s| s.threshold);
        let _ = write!(out, "<h2>{}{of}</h2>", model.summary.score.title());
        let _ = write!(out, "<p>{}</p>", text(model.summary.score.describe()));
        out.push_str(&histogram(&healthy, &defective, threshold, model.summary.score.title()));
        cases(&mut out, model, &of);
    }
    for (model, name) in models.iter().zip(&names) {
        settings(&mut out, &model.summary, if models.len() > 1 { name } else { "" });
    }
    out.push_str("</body></html>\n");
    out
}

fn head(out: &mut String, evaluation: &Evaluation, summary: &EvaluationSummary) {
    let (h, d) = (summary.healthy, summary.defective);
    let _ = write!(
        out,
        "<p>Evaluated on <strong class=\"h\">{h} healthy</strong> and <strong class=\"d\">{d} defective</strong> images of \
         <code>{}</code>. Training and calibration images are excluded.</p>",
        text(&evaluation.header.data)
    );
    let about: String =
        evaluation.header.about.iter().map(|line| format!("<li>{}</li>", text(&sentence(line)))).collect();
    let _ = write!(out, "<ul>{about}</ul>");
}

/// Compares the models in one table.
fn comparison(out: &mut String, models: &[ReportedModel], names: &[String]) {
    let mut scores: Vec<ScoreKind> = models.iter().flat_map(|m| &m.summary.scores).map(|s| s.score).collect();
    scores.sort();
    scores.dedup();
    out.push_str("<h2>Comparison</h2><div class=\"wide\"><table><tr><th></th>");
    for name in names {
        let _ = write!(out, "<th>AUROC, {name}</th><th>Detected at 5 %</th>");
    }
    out.push_str("</tr>");
    for score in scores {
        let _ = write!(out, "<tr><td>{}</td>", score.title());
        for model in models {
            let metrics = model.summary.scores.iter().find(|s| s.score == score).map(|s| &s.metrics);
            let star = if model.summary.score == score { "* " } else { "" };
            let (auroc, caught) = (metrics.and_then(|m| m.auroc), metrics.and_then(|m| m.caught_at_5));
            let _ = write!(
                out,
                "<td>{star}{}</td><td>{}</td>",
                metrics.map_or_else(|| "–".into(), |m| with_interval(auroc, m)),
                number(caught.map(|e| e.value))
            );
        }
        out.push_str("</tr>");
    }
    out.push_str("</table></div><p>* score that decides verdicts</p>");
}

/// Writes the promised rate of a model and its caveats.
fn promised_rate(out: &mut String, summary: &EvaluationSummary) {
    let promise = match summary.rate {
        Some(rate) => format!(
            "Promised false-alarm rate: at most {} in 1,000 healthy parts, from {} held-out healthy images; {}.",
            thousandths(rate),
            summary.held_out,
            rate_interval_sentence(summary.held_out, rate)
        ),
        None => "The model is not calibrated for these settings, so there are no verdicts.".into(),
    };
    let _ = write!(out, "<p>{promise} Compute time: {}.</p>", span(summary.seconds));
    if let Some(caution) = &summary.caution {
        let _ = write!(out, "<p>{}</p>", text(caution));
    }
    if let Some(sentence) = summary.not_this_part_sentence() {
        let _ = write!(out, "<p>{sentence}</p>");
    }
    if summary.unlike > 0 {
        let images = counted(summary.unlike, "image");
        let _ = write!(
            out,
            "<p>{images} of a size the model is not calibrated for; the promised rate is only an estimate there.</p>"
        );
    }
}

fn thousandths(rate: f64) -> String {
    let text = format!("{:.1}", rate * 1e3);
    text.strip_suffix(".0").map_or(text.clone(), Into::into)
}

/// Formats a metric with its interval, or with a dash and the reason where there are too few images for one.
fn with_interval(estimate: Option<Estimate>, metrics: &Metrics) -> String {
    let Some(e) = estimate else { return "–".into() };
    match e.interval(metrics.healthy, metrics.defective) {
        Ok((low, high)) => format!("{:.3} <small>{low:.3} to {high:.3}</small>", e.value),
        Err(why) => format!("{:.3} <small title=\"{}\">–</small>", e.value, text(&why)),
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |v| format!("{v:.3}"))
}

fn scores(out: &mut String, summary: &EvaluationSummary) {
    out.push_str(
        "<div class=\"wide\"><table><tr><th>Score</th><th>AUROC</th><th>Average precision</th><th>Best F1</th>\
         <th>Detected at 1 %</th><th>Detected at 5 %</th></tr>",
    );
    for s in &summary.scores {
        let m = &s.metrics;
        let class = if s.score == summary.score { " class=\"verdict\"" } else { "" };
        let _ = write!(out, "<tr{class}><td title=\"{}\">{}</td>", text(s.score.describe()), s.score.title());
        for estimate in [m.auroc, m.average_precision, m.f1, m.caught_at_1, m.caught_at_5] {
            let _ = write!(out, "<td>{}</td>", with_interval(estimate, m));
        }
        out.push_str("</tr>");
    }
    let _ = write!(
        out,
        "</table></div><p>Verdicts are decided by <strong>{}</strong>. Intervals are 95 % bootstrap intervals over 1,000 \
         resamples of the test images. <em>Detected</em> is the share of defective images flagged at that promised \
         false-alarm rate. The threshold is set on held-out healthy images alone; a dash means there are too few of \
         them.</p>",
        summary.score.title()
    );
}

fn pixels(out: &mut String, summary: &EvaluationSummary) {
    if summary.pixels.is_empty() {
        return;
    }
    out.push_str(
        "<h3>Localisation</h3><table><tr><th>Map</th><th>Pixel AUROC</th><th>AUPRO up to 0.3</th><th>Best IoU</th>\
         <th>Defects</th></tr>",
    );
    for p in &summary.pixels {
        let (auroc, aupro, iou) = (number(p.auroc), number(p.aupro), number(p.iou));
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{auroc}</td><td>{aupro}</td><td>{iou}</td><td>{}</td></tr>",
            p.map.title(),
            p.regions
        );
    }
    out.push_str("</table>");
}

fn confusion(out: &mut String, summary: &EvaluationSummary) {
    let Some((metrics, confusion)) = summary.verdict().and_then(|s| Some((s, s.confusion?))) else { return };
    let percent = |share: Option<f64>| share.map_or_else(|| "–".into(), |s| format!("{:.1} %", s * 100.0));
    let _ = write!(
        out,
        "<h3>Verdicts</h3><table><tr><th></th><th>flagged</th><th>not flagged</th><th></th></tr>\
         <tr><td class=\"d\">defective</td><td>{}</td><td>{}</td><td>{} detected</td></tr>\
         <tr><td class=\"h\">healthy</td><td>{}</td><td>{}</td><td>{} false alarms</td></tr></table>",
        confusion.caught,
        confusion.missed,
        percent(confusion.caught_share()),
        confusion.false_alarms,
        confusion.passed,
        percent(confusion.false_alarm_share())
    );
    if let Some(threshold) = metrics.threshold {
        let _ = write!(out, "<p>Threshold: {} above {threshold:.5}.</p>", metrics.score.title());
    }
}

fn defect_types(out: &mut String, summary: &EvaluationSummary) {
    let Some(metrics) = summary.verdict().filter(|s| !s.defect_types.is_empty()) else { return };
    out.push_str(
        "<h3>Defect types</h3><div class=\"wide\"><table><tr><th>Defect type</th><th>Images</th><th>Detected</th>",
    );
    for s in &summary.scores {
        let _ = write!(out, "<th>{}</th>", s.score.title());
    }
    out.push_str("</tr>");
    for (i, defect) in metrics.defect_types.iter().enumerate() {
        let caught = defect.caught.map_or_else(|| "–".into(), |n| n.to_string());
        let _ = write!(out, "<tr><td>{}</td><td>{}</td><td>{caught}</td>", text(&defect.defect_type), defect.count);
        for s in &summary.scores {
            let _ = write!(out, "<td>{}</td>", number(s.defect_types.get(i).and_then(|t| t.auroc)));
        }
        out.push_str("</tr>");
    }
    out.push_str("</table></div><p>AUROC of each score: images of this defect type against all healthy images.</p>");
}

fn plots(out: &mut String, models: &[ReportedModel]) {
    let Some(first) = models.first() else { return };
    let plotted: Vec<ScoreKind> =
        first.summary.scores.iter().filter(|s| s.metrics.auroc.is_some()).map(|s| s.score).collect();
    if plotted.is_empty() {
        return;
    }
    out.push_str("<h2>Curves</h2><p>The ring marks the active threshold.</p><div class=\"plots\">");
    for kind in plotted {
        let own = |m: &ReportedModel| m.summary.scores.iter().find(|s| s.score == kind).and_then(|s| s.confusion);
        let rocs: Vec<_> = models.iter().map(|m| m.evaluation.roc(kind)).collect();
        let prs: Vec<_> = models.iter().map(|m| m.evaluation.pr(kind)).collect();
        let marks = |x: fn(&Confusion) -> Option<f64>, y: fn(&Confusion) -> Option<f64>| {
            models.iter().map(move |m| own(m).and_then(|c| Some((x(&c)?, y(&c)?))))
        };
        let roc_marks = marks(Confusion::false_alarm_share, Confusion::caught_share);
        let pr_marks = marks(Confusion::caught_share, Confusion::precision);
        let roc: Vec<PlotLine<'_>> =
            rocs.iter().zip(roc_marks).map(|(points, mark)| PlotLine { points, mark }).collect();
        let pr: Vec<PlotLine<'_>> = prs.iter().zip(pr_marks).map(|(points, mark)| PlotLine { points, mark }).collect();
        let title = kind.title();
        let _ = write!(
            out,
            "<div><h3>{title}</h3><div class=\"pair\">{}{}</div></div>",
            curves(&format!("ROC curve of {title}"), ["false-positive rate", "true-positive rate"], &roc, true),
            curves(&format!("Precision-recall curve of {title}"), ["recall", "precision"], &pr, false)
        );
    }
    out.push_str("</div>");
}

fn cases(out: &mut String, model: &ReportedModel, of: &str) {
    for kind in CaseKind::ALL {
        let mut shown = model.cases.iter().filter(|case| case.kind == kind).peekable();
        if shown.peek().is_none() {
            continue;
        }
        let title = kind.title(model.summary.verdict().is_some_and(|s| s.threshold.is_some()));
        let _ = write!(out, "<h3>{title}{of}</h3>");
        if model.cases.iter().any(|case| case.kind == kind && case.outlined) {
            out.push_str("<p>The blue line is the outline of the labelled defect.</p>");
        }
        out.push_str("<div class=\"cases\">");
        for case in shown {
            let Some(e) = model.evaluation.images.get(case.index) else { continue };
            out.push_str("<figure><div>");
            for (title, png) in &case.pictures {
                let _ = write!(
                    out,
                    "<span><img alt=\"{title}\" src=\"data:image/png;base64,{}\">{title}</span>",
                    base64(png)
                );
            }
            let truth = e.defect_type().map_or_else(
                || "<strong class=\"h\">healthy</strong>".to_owned(),
                |defect_type| format!("<strong class=\"d\">{}</strong>", text(defect_type)),
            );
            let assessment = model.summary.rate.and_then(|rate| model.evaluation.assess(e, rate));
            let outcome = assessment.as_ref().map(|a| TestOutcome::of_verdict(e.is_defective(), a.verdict));
            let outcome = outcome.map(|outcome| format!("<strong>{}</strong>, ", outcome.title())).unwrap_or_default();
            let p = assessment.map(|a| format!(", {} (p = {:.4})", a.verdict.title(), a.p)).unwrap_or_default();
            let _ = write!(
                out,
                "</div><figcaption>{}<br>{outcome}label: {truth}{p}, score {:.5}{}</figcaption></figure>",
                text(&e.name),
                e.scores.get(model.evaluation.score),
                regions(&case.regions)
            );
        }
        out.push_str("</div>");
    }
}

/// Lists the anomaly regions of an image, or says why there are none.
fn regions(found: &Result<RegionList, NoRegions>) -> String {
    let list = match found {
        Ok(list) => list,
        Err(why) => return format!("<br>{}", text(&sentence(&why.to_string()))),
    };
    let mut out = String::new();
    if !list.regions.is_empty() {
        out.push_str("<ol>");
        for region in list.regions.iter().take(LISTED_REGIONS) {
            let _ = write!(out, "<li>{}</li>", text(&region.describe()));
        }
        out.push_str("</ol>");
    }
    match list.regions.len().saturating_sub(LISTED_REGIONS) + list.left_out {
        0 if list.regions.is_empty() => out.push_str("<br>No region above the threshold."),
        0 => {}
        more => {
            let _ = write!(out, "and {}", counted(more, "more region"));
        }
    }
    let _ = write!(out, "<br><small>Anomaly regions: {}.</small>", text(&list.rule.describe()));
    out
}

fn settings(out: &mut String, summary: &EvaluationSummary, name: &str) {
    let of = if name.is_empty() { String::new() } else { format!(": {name}") };
    let _ = write!(out, "<h2>Model and settings{of}</h2><table class=\"words\">");
    let mut row = |key: &str, value: &str| {
        let _ = write!(out, "<tr><td>{key}</td><td><code>{}</code></td></tr>", text(value));
    };
    row("Model", &summary.header.model.name);
    row("Model hash", &summary.header.model.hash);
    row("Training steps", &summary.header.model.step.to_string());
    row("Training data", &summary.header.model.data);
    row("Test data", &summary.header.data);
    row("Test data hash", &summary.header.data_hash);
    row("Inspection preset", &preset(&summary.header.knobs));
    row("Regions", &summary.header.regions.0.len().to_string());
    row("Ganspect", &summary.header.program);
    out.push_str("</table>");
    let knobs = serde_json::to_string_pretty(&summary.header.knobs).unwrap_or_default();
    let _ = write!(out, "<details><summary>Inspection settings</summary><pre>{}</pre></details>", text(&knobs));
    let _ = write!(
        out,
        "<details><summary>Training recipe</summary><pre>{}</pre></details>",
        text(&summary.header.model.recipe)
    );
    if !summary.excluded.is_empty() {
        let _ = write!(out, "<details open><summary>{} excluded</summary><ul>", summary.excluded.len());
        for left in summary.excluded.iter().take(LISTED) {
            let _ = write!(out, "<li>{}: {}</li>", text(&left.name), text(&sentence(&left.reason)));
        }
        match summary.excluded.len().saturating_sub(LISTED) {
            0 => {}
            more => {
                let _ = write!(out, "<li>and {more} more; images.csv lists all of them</li>");
            }
        }
        out.push_str("</ul></details>");
    }
}

fn preset(knobs: &InvertKnobs) -> String {
    InvertPreset::of(knobs).map_or_else(|| "Custom".into(), |preset| preset.title().to_owned())
}

/// Encodes bytes as base 64.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let all = three.iter().fold(0_u32, |all, b| all << 8 | u32::from(*b)) << (8 * (3 - three.len()));
        for i in 0..4 {
            let letter = LETTERS[(all >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= three.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::{RegionRule, anomaly_region::find_regions, evaluation::EvaluatedMap};

    #[test]
    fn base_64_matches_the_standard() {
        let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")];
        assert!(pairs.iter().all(|(plain, wanted)| base64(plain.as_bytes()) == *wanted));
        assert_eq!(base64(&[0xFF, 0xEF, 0xBE]), "/+++");
    }

    #[test]
    fn regions_are_listed_with_their_threshold() {
        let map: Vec<f32> = (0..70).map(|i| if i % 10 < 4 && i / 10 % 2 == 0 { 3.0 + i as f32 } else { 0.0 }).collect();
        let rule = RegionRule { most: 3, share: Some(0.05), ..RegionRule::above(EvaluatedMap::Critic, 2.0) };
        let (regions, left_out) = find_regions(&map, 10, 7, None, &rule);
        let page = super::regions(&Ok(RegionList { rule: rule.clone(), regions, left_out }));
        assert!(page.matches("<li>").count() == 3 && page.contains("and 1 more region"), "{page}");
        assert!(page.contains("<li>4 pixels, 4.0 × 1.0 pixels, peak 66"), "{page}");
        assert!(page.contains("critic above 2 σ") && page.contains("50 in 1,000"), "{page}");
        let none = super::regions(&Ok(RegionList { rule, regions: Vec::new(), left_out: 0 }));
        assert!(none.contains("No region above the threshold"), "{none}");
        assert!(super::regions(&Err(NoRegions::NotThisPart)).contains("does not show this part"));
    }

    #[test]
    fn rates_are_formatted_per_thousand() {
        assert_eq!((thousandths(0.05).as_str(), thousandths(1.0 / 21.0).as_str()), ("50", "47.6"));
    }
}
