//! What is on paper: a page a part, and a shift on a page.

use super::{
    grey::Grey,
    pdf::{BODY, Document, PdfPage, SECTION, TITLE},
};
use crate::{
    format::capitalise,
    inspect::regions::RegionShape,
    review::{Opinion, ReviewItem, ReviewStatus, shift_report::ShiftSummary},
};

/// Largest height of a part's picture, points.
const HEIGHT: f32 = 400.0;

/// Kinds of defect that are listed.
const KINDS: usize = 10;

/// A part for paper.
#[derive(Clone, Debug, PartialEq)]
pub struct PartSheet<'a> {
    /// The part.
    pub item: &'a ReviewItem,
    /// What is outlined on it, in pixels of the picture that was inspected.
    pub shapes: Vec<RegionShape>,
    /// The picture, at any size; `None` where it is not there any more.
    pub picture: Option<Grey>,
}

/// A PDF with a page for each part: picture, verdict and its p-value in words, and what people said. Without a part, a
/// page that says so.
pub fn parts_pdf(pages: &[PartSheet<'_>]) -> Vec<u8> {
    let mut document = Document::new("Reviewed parts");
    for page in pages {
        document.add(part(page));
    }
    if pages.is_empty() {
        let mut sheet = PdfPage::new();
        sheet.text("There are no parts to show.");
        document.add(sheet);
    }
    document.finish()
}

fn part(page: &PartSheet<'_>) -> PdfPage {
    let ReviewItem { part, inspection, opinions, .. } = page.item;
    let assessment = &inspection.assessment;
    let mut sheet = PdfPage::new();
    sheet.head(&part.name(), TITLE);
    sheet.head(&format!("{}: {}", capitalise(assessment.verdict.title()), assessment.describe()), SECTION);
    sheet.gap(BODY);
    match &page.picture {
        Some(grey) => {
            let [across, down] =
                [grey.width() as f32 / part.width.max(1) as f32, grey.height() as f32 / part.height.max(1) as f32];
            let place = |shape: &RegionShape| shape.corners().iter().map(|[x, y]| [x * across, y * down]).collect();
            let outlines: Vec<Vec<[f32; 2]>> = page.shapes.iter().map(place).collect();
            sheet.picture(grey, HEIGHT, &outlines);
        }
        None => sheet.text("The picture is missing: it was moved, deleted or replaced since."),
    }
    sheet.gap(BODY);
    sheet.row("File", &part.path.to_string_lossy());
    sheet.row("Inspected", &format!("{} UTC, {} x {} pixels", inspection.time.minute(), part.width, part.height));
    sheet.row("Model", &inspection.model_name);
    let threshold = inspection.threshold.map(|t| format!(", flagged above {t:.4}")).unwrap_or_default();
    sheet.row(assessment.kind.title(), &format!("{:.4}{threshold}", assessment.score));
    sheet.row("Promise", &format!("at most {:.1} false alarms in 100 good parts", 100.0 * assessment.rate));
    sheet.head("What people say", SECTION);
    if opinions.is_empty() {
        sheet.text("Nobody has judged this part yet.");
    }
    for opinion in opinions {
        sheet.row(&opinion.reviewer, &said(opinion));
    }
    let ruling = match page.item.defective() {
        Some(true) => "Ruling: defective.",
        Some(false) => "Ruling: healthy.",
        None if opinions.is_empty() => return sheet,
        None => "Ruling: none yet.",
    };
    sheet.text(ruling);
    sheet
}

/// A verdict in a line: "defective, crack (blind), 2026-03-12 08:15 UTC: along the rim".
fn said(opinion: &Opinion) -> String {
    let mut text = opinion.judgement.title().to_owned();
    if let Some(defect) = &opinion.defect {
        text.push_str(&format!(", {defect}"));
    }
    if opinion.blind {
        text.push_str(" (blind)");
    }
    text.push_str(&format!(", {} UTC", opinion.time.minute()));
    if !opinion.note.trim().is_empty() {
        text.push_str(&format!(": {}", opinion.note.trim()));
    }
    text
}

/// A PDF of one page with the figures of a shift over `items`, which it was made of.
pub fn shift_pdf(shift: &ShiftSummary, items: &[ReviewItem]) -> Vec<u8> {
    let mut sheet = PdfPage::new();
    sheet.head("Shift report", TITLE);
    match shift.from.zip(shift.to) {
        Some((from, to)) => sheet.text(&format!("{} parts, {} to {} UTC", items.len(), from.minute(), to.minute())),
        None => sheet.text("No part was inspected."),
    }
    sheet.head("The model", SECTION);
    let [healthy, suspect, defective] = shift.verdicts;
    sheet.row("Healthy", &healthy.to_string());
    sheet.row("Suspect", &suspect.to_string());
    sheet.row("Defective", &defective.to_string());
    sheet.head("People", SECTION);
    let counters = &shift.counters;
    for (standing, count) in [
        (ReviewStatus::Agreed, counters.agreed),
        (ReviewStatus::Overruled, counters.overruled),
        (ReviewStatus::Unsure, counters.unsure),
        (ReviewStatus::Skipped, counters.skipped),
    ] {
        sheet.row(&capitalise(standing.title()), &count.to_string());
    }
    sheet.row("Still to do", &counters.left.to_string());
    sheet.head("Was the promise kept?", SECTION);
    sheet.text(&shift.promise());
    sheet.text(&format!("{} of {} defective parts were not flagged.", shift.missed, shift.bad));
    sheet.head("Good parts", SECTION);
    sheet.text(&shift.drift);
    if !shift.kinds.is_empty() {
        sheet.head("Kinds of defect", SECTION);
        for (name, count) in shift.kinds.iter().take(KINDS) {
            sheet.row(name, &count.to_string());
        }
        if let more @ 1.. = shift.kinds.len().saturating_sub(KINDS) {
            sheet.text(&format!("and {more} more kinds"));
        }
    }
    if !shift.worst.is_empty() {
        sheet.head("Worst parts", SECTION);
    }
    for item in shift.worst.iter().filter_map(|&i| items.get(i)) {
        let assessment = &item.inspection.assessment;
        let people = match item.defective() {
            Some(true) => "people say defective",
            Some(false) => "people say healthy",
            None => "no ruling yet",
        };
        sheet.row(&item.part.name(), &format!("{}; {}; {people}", assessment.verdict.title(), assessment.describe()));
    }
    let mut document = Document::new("Shift report");
    document.add(sheet);
    document.finish()
}
