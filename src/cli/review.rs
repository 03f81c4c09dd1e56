//! `ganspect review`: list and export a record, fine-tune on its verdicts

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Subcommand;

use super::{
    finetune,
    options::record_path,
    output::{note, out, print_row},
};
use crate::{
    device::DeviceChoice,
    format::counted,
    review::{
        QueueFilter, QueueOrder, QueueView, Record, RecordError, ReviewItem, Timestamp, export,
        export::{ExportFormat, ExportScope},
        queue,
    },
    text::PrintablePath,
    time::{parse_day, span},
};

#[derive(Debug, Subcommand)]
pub(super) enum ReviewCommand {
    /// List the parts of a record, newest first, with the verdicts of model and reviewers
    List {
        /// Review record; defaults to the window's
        #[arg(long, value_name = "FILE")]
        db: Option<PathBuf>,
        /// Only parts inspected on or after this day (UTC), for example 2026-03-12
        #[arg(long, value_name = "DATE", value_parser = day)]
        since: Option<Timestamp>,
    },
    /// Export a record as tables, COCO, masks or PDF
    Export {
        /// Review record; defaults to the window's
        #[arg(long, value_name = "FILE")]
        db: Option<PathBuf>,
        /// Output folder
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Export format
        #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
        format: ExportFormat,
        /// Only parts inspected on or after this day (UTC), for example 2026-03-12
        #[arg(long, value_name = "DATE", value_parser = day)]
        since: Option<Timestamp>,
    },
    /// Fine-tune a copy of a model on the verdicts, and compare both on parts that neither was trained on
    Learn(finetune::FinetuneArguments),
}

/// Parses a day as the timestamp of its start.
fn day(text: &str) -> Result<Timestamp, String> {
    let seconds = parse_day(text).ok_or("expected a date like 2026-03-12")?;
    Ok(Timestamp::from_seconds(seconds))
}

pub(super) fn run(command: ReviewCommand, choice: DeviceChoice) -> Result<()> {
    match command {
        ReviewCommand::Learn(arguments) => finetune::run(arguments, choice)?,
        ReviewCommand::List { db, since } => {
            let Read { record, items, damage, .. } = read(db, since)?;
            if items.is_empty() {
                out!("No matching parts in {}.", record.path().printable());
            }
            list(&items, since)?;
            report(items.len(), damage)?;
        }
        ReviewCommand::Export { db, out, format, since } => {
            let Read { record, items, damage, scope } = read(db, since)?;
            let summary = export::write_scope(&record, &items, &scope, format, &out)?;
            for path in &summary.files {
                out!("{}", path.printable());
            }
            let only = scope.filter.map(|filter| format!(", {filter}")).unwrap_or_default();
            note!("{}{only}", summary.describe(format, items.len()));
            report(items.len(), damage)?;
        }
    }
    Ok(())
}

/// A record that was read, or as much of it as can be.
struct Read {
    record: Record,
    items: Vec<ReviewItem>,
    /// What is wrong with the file.
    damage: Option<RecordError>,
    /// What the items cover.
    scope: ExportScope,
}

/// Opens a record, which must exist, and reads its parts: those that can be read, where it is damaged.
fn read(db: Option<PathBuf>, since: Option<Timestamp>) -> Result<Read> {
    let record = Record::open_to_read(&record_path(db)?)?;
    let (mut items, damage) = record.queue_checked()?;
    // The name of the file is the one asked for: the day is a choice of the user, and only its content says so.
    let filter = QueueFilter { from: since, ..QueueFilter::default() }.description(&[]);
    let scope = ExportScope { filter, whole: items.len(), ..ExportScope::default() };
    items.retain(|item| since.is_none_or(|since| item.inspection.time >= since));
    Ok(Read { record, items, damage, scope })
}

/// Fails for a damaged record, after what could be read of it was written.
fn report(parts: usize, damage: Option<RecordError>) -> Result<()> {
    match damage {
        None => Ok(()),
        Some(damage) => bail!("{} could be read, others are lost: {damage}", counted(parts, "part")),
    }
}

fn list(items: &[ReviewItem], since: Option<Timestamp>) -> Result<()> {
    let rows = indicatif::ProgressBar::hidden();
    let view = QueueView::of(items, &QueueFilter::default(), QueueOrder::Newest);
    for item in view.rows().iter().filter_map(|&i| items.get(i)) {
        let inspection = &item.inspection;
        let review = match item.opinion_of(None) {
            Some(opinion) => {
                format!("{} ({}: {})", item.status(None).title(), opinion.reviewer, opinion.judgement.title())
            }
            None => item.status(None).title().into(),
        };
        let row = format!(
            "{}  {:<13}  p {:<8.4}  {review:<28}  {:>9}  {}{}",
            inspection.time.minute(),
            inspection.assessment.verdict.title(),
            inspection.assessment.p,
            span(inspection.seconds),
            item.part.path.printable(),
            if item.part.is_missing() { "  (missing)" } else { "" },
        );
        print_row(&rows, &row)?;
    }
    if !items.is_empty() {
        let since = since.map(|day| format!("Since {}: ", day.day())).unwrap_or_default();
        print_row(&rows, &format!("{since}{}", queue::sentence(&view.counts())))?;
    }
    Ok(())
}
