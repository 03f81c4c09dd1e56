//! PDF pages: one per part, and the shift report.

use super::{
    format::count_of,
    page_image::PageImage,
    pdf::{BODY, Document, PdfPage, SECTION, TITLE},
    scope::ExportScope,
};
use crate::{
    format::{capitalise, counted},
    inspect::RegionShape,
    review::{Findings, Opinion, PartFile, ReviewItem, ReviewStatus, ShiftSummary},
    text::PrintablePath,
};

/// Largest height of a part's image, points.
const MAX_HEIGHT: f32 = 400.0;

/// Number of anomaly regions listed on the page of a part.
const MAX_LISTED: usize = 6;

/// Number of defect types listed.
const MAX_TYPES: usize = 10;

/// Content of a part's page.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PartPage<'a> {
    /// The part.
    pub item: &'a ReviewItem,
    /// Outlines of the defects, in pixels of the inspected image.
    pub outlines: Vec<RegionShape>,
    /// Its anomaly regions.
    pub findings: Findings,
    /// The judged image at any size; `None` if neither the file nor the record has it.
    pub image: Option<PageImage>,
    /// What is in the file now.
    pub file: PartFile,
}

/// Creates a PDF with one page per part: image, verdict with its p-value in words, and reviewers' verdicts. Without parts,
/// a single page says so.
pub(crate) fn parts_pdf(pages: &[PartPage<'_>], scope: &ExportScope) -> Vec<u8> {
    let mut document = Document::new(&titled("Reviewed parts", scope));
    for page in pages {
        document.add(part(page, scope));
    }
    if pages.is_empty() {
        let mut pdf = PdfPage::new();
        pdf.text("No parts.");
        document.add(pdf);
    }
    document.finish()
}

/// Returns a title that names the filter.
fn titled(title: &str, scope: &ExportScope) -> String {
    scope.filter.as_ref().map_or_else(|| title.to_owned(), |filter| format!("{title}: only {filter}"))
}

fn part(page: &PartPage<'_>, scope: &ExportScope) -> PdfPage {
    let ReviewItem { part, inspection, opinions, .. } = page.item;
    let assessment = &inspection.assessment;
    let mut pdf = PdfPage::new();
    pdf.head(&part.name(), TITLE);
    pdf.head(&format!("{}: {}", capitalise(assessment.verdict.title()), assessment.describe()), SECTION);
    pdf.gap(BODY);
    match &page.image {
        Some(image) => {
            let [across, down] =
                [image.width() as f32 / part.width.max(1) as f32, image.height() as f32 / part.height.max(1) as f32];
            let to_page = |shape: &RegionShape| shape.corners().iter().map(|[x, y]| [x * across, y * down]).collect();
            let outlines: Vec<Vec<[f32; 2]>> = page.outlines.iter().map(to_page).collect();
            pdf.image(image, MAX_HEIGHT, &outlines);
        }
        None if page.file == PartFile::Replaced => pdf.text(
            "The image is missing: the file now holds another image, which is not shown. No copy of the judged image was kept.",
        ),
        None => pdf.text("The image is missing: it was moved or deleted, and no copy of it was kept."),
    }
    match page.file {
        PartFile::Replaced if page.image.is_some() => {
            pdf.text("The file now holds another image. Shown is the copy that the record kept of the judged image.");
        }
        PartFile::Absent if page.image.is_some() => {
            pdf.text("The file was moved or deleted. Shown is the copy that the record kept of the judged image.");
        }
        _ => {}
    }
    pdf.gap(BODY);
    if let Some(filter) = &scope.filter {
        pdf.row("Selection", &format!("only parts of this filter: {filter}"));
    }
    pdf.row("File", &part.path.printable().to_string());
    pdf.row("Inspected", &format!("{} UTC, {} x {} pixels", inspection.time.minute(), part.width, part.height));
    pdf.row("Model", &inspection.model_name);
    let threshold = inspection.threshold.map(|t| format!(", flagged above {t:.4}")).unwrap_or_default();
    pdf.row(assessment.kind.title(), &format!("{:.4}{threshold}", assessment.score));
    pdf.row("Promised rate", &format!("at most {:.1} false alarms in 100 healthy parts", 100.0 * assessment.rate));
    regions(&mut pdf, &page.findings);
    pdf.head("Verdicts of reviewers", SECTION);
    if opinions.is_empty() {
        pdf.text("No verdict yet.");
    }
    for opinion in opinions {
        pdf.row(&opinion.reviewer, &describe(opinion));
    }
    let ruling = match page.item.defective() {
        Some(true) => "Ruling: defective.",
        Some(false) => "Ruling: healthy.",
        None if opinions.is_empty() => return pdf,
        None => "Ruling: none yet.",
    };
    pdf.text(ruling);
    pdf
}

/// Lists the anomaly regions, of which the verdict may depend on none: it is that of the score.
fn regions(pdf: &mut PdfPage, findings: &Findings) {
    pdf.head("Anomaly regions", SECTION);
    let rule = findings.region_rule.as_ref().map(|rule| format!(" Threshold: {}.", rule.describe()));
    let count = match findings.regions.len() + findings.regions_left_out {
        0 => "No region above the threshold.".to_owned(),
        n => format!("{} above the threshold.", counted(n, "region")),
    };
    // The font has no Greek letters.
    let rule = rule.unwrap_or_default().replace('σ', "standard deviations");
    pdf.text(&format!("{count} The verdict is that of the score.{rule}"));
    for (i, region) in findings.regions.iter().take(MAX_LISTED).enumerate() {
        pdf.row(&format!("Region {}", i + 1), &region.describe());
    }
    if let more @ 1.. = findings.regions.len().saturating_sub(MAX_LISTED) + findings.regions_left_out {
        pdf.text(&format!("and {more} more"));
    }
}

/// Describes a verdict in one line: "defective, crack (blind), 2026-03-12 08:15 UTC: along the rim".
fn describe(opinion: &Opinion) -> String {
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

/// Creates the shift report, a single page. `shift` is the summary of `items`. Over parts that a filter selected by what
/// was said of them, it leaves out every figure that needs all parts of the shift.
pub(crate) fn shift_pdf(shift: &ShiftSummary, items: &[ReviewItem], scope: &ExportScope) -> Vec<u8> {
    let title = titled("Shift report", scope);
    let mut pdf = PdfPage::new();
    pdf.head(&title, TITLE);
    let parts = match &scope.filter {
        Some(_) => count_of(items.len(), scope.whole),
        None => counted(items.len(), "part"),
    };
    match shift.from.zip(shift.to) {
        Some((from, to)) => pdf.text(&format!("{parts}, {} to {} UTC", from.minute(), to.minute())),
        None => pdf.text("No inspections."),
    }
    if scope.selects {
        pdf.text(
            "This report covers only the parts of this filter. Verdict counts, agreement, the false-alarm rate, missed \
             defects and drift need the whole shift and are left out; export without the filter to see them.",
        );
    } else {
        figures(&mut pdf, shift);
    }
    if !shift.defect_types.is_empty() {
        pdf.head("Defect types", SECTION);
        for (name, count) in shift.defect_types.iter().take(MAX_TYPES) {
            pdf.row(name, &count.to_string());
        }
        if let more @ 1.. = shift.defect_types.len().saturating_sub(MAX_TYPES) {
            pdf.text(&format!("and {more} more"));
        }
    }
    if !shift.worst.is_empty() {
        pdf.head("Worst parts", SECTION);
    }
    for item in shift.worst.iter().filter_map(|&i| items.get(i)) {
        let assessment = &item.inspection.assessment;
        let ruling = match item.defective() {
            Some(true) => "ruled defective",
            Some(false) => "ruled healthy",
            None => "no ruling yet",
        };
        pdf.row(&item.part.name(), &format!("{}; {}; {ruling}", assessment.verdict.title(), assessment.describe()));
    }
    let mut document = Document::new(&title);
    document.add(pdf);
    document.finish()
}

/// Writes the figures that hold only over all parts of a shift.
fn figures(pdf: &mut PdfPage, shift: &ShiftSummary) {
    pdf.head("Verdicts of the model", SECTION);
    let [healthy, suspect, defective] = shift.verdicts;
    pdf.row("Healthy", &healthy.to_string());
    pdf.row("Suspect", &suspect.to_string());
    pdf.row("Defective", &defective.to_string());
    if shift.not_this_part > 0 {
        pdf.row("Not this part", &shift.not_this_part.to_string());
    }
    pdf.head("Review", SECTION);
    let counts = &shift.counts;
    for (status, count) in [
        (ReviewStatus::Agreed, counts.agreed),
        (ReviewStatus::Overruled, counts.overruled),
        (ReviewStatus::Unsure, counts.unsure),
        (ReviewStatus::Skipped, counts.skipped),
    ] {
        pdf.row(&capitalise(status.title()), &count.to_string());
    }
    pdf.row("To do", &counts.left.to_string());
    pdf.head("Observed against promised false-alarm rate", SECTION);
    pdf.text(&shift.false_alarm_sentence());
    pdf.text(&format!("{} of {} defective parts were not flagged.", shift.missed, shift.defective));
    pdf.head("Drift of healthy parts", SECTION);
    pdf.text(&shift.drift);
}
