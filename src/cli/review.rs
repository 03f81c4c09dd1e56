//! `ganspect review`: what a record holds, for others to read and for models to learn from

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Subcommand;

use crate::{
    device::DeviceChoice,
    paths::Paths,
    review::{
        Record, ReviewItem, Timestamp, export,
        export::Format,
        queue,
        queue::{Filter, QueueOrder, QueueView},
    },
    time::{parse_day, span},
};

#[derive(Debug, Subcommand)]
pub(super) enum ReviewCommand {
    /// List the parts of a record, newest first: what the model says of each, and what people say to that
    List {
        /// The record; by default the window's
        #[arg(long, value_name = "FILE")]
        db: Option<PathBuf>,
        /// Only what was inspected on this day or later (UTC), for example 2026-03-12
        #[arg(long, value_name = "DATE", value_parser = day)]
        since: Option<Timestamp>,
    },
    /// Write a record for others to read: tables, COCO, masks or paper
    Export {
        /// The record; by default the window's
        #[arg(long, value_name = "FILE")]
        db: Option<PathBuf>,
        /// The folder to write to
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// What to write
        #[arg(long, value_enum, default_value_t = Format::Csv)]
        format: Format,
        /// Only what was inspected on this day or later (UTC), for example 2026-03-12
        #[arg(long, value_name = "DATE", value_parser = day)]
        since: Option<Timestamp>,
    },
    /// Teach a copy of a model by people's verdicts, and compare both on parts that neither has seen
    Learn(super::finetune::LearnArguments),
}

fn day(text: &str) -> Result<Timestamp, String> {
    let seconds = parse_day(text).ok_or("a day is written like 2026-03-12")?;
    Ok(Timestamp::from_seconds(seconds))
}

pub(super) fn run(command: ReviewCommand, choice: DeviceChoice) -> Result<()> {
    match command {
        ReviewCommand::Learn(arguments) => super::finetune::run(arguments, choice)?,
        ReviewCommand::List { db, since } => {
            let (record, items) = read(db, since)?;
            if items.is_empty() {
                println!("There are no such parts in {}.", record.path().display());
            }
            list(&items)?;
        }
        ReviewCommand::Export { db, out, format, since } => {
            let (record, items) = read(db, since)?;
            let written = export::write(&record, &items, format, &out)?;
            for path in &written.files {
                println!("{}", path.display());
            }
            let missing = match written.missing {
                0 => String::new(),
                1 => "; 1 picture is not where it was".into(),
                n => format!("; {n} pictures are not where they were"),
            };
            let left_out = match written.left_out {
                0 => String::new(),
                1 => "; 1 part is left out".into(),
                n => format!("; {n} parts are left out"),
            };
            let unit = match format {
                Format::Csv => "rows",
                Format::Jsonl => "lines",
                Format::Coco => "outlines",
                Format::Masks => "masks",
                Format::Pdf => "pages",
            };
            eprintln!("{} {unit} from {} parts{missing}{left_out}", written.rows, items.len());
        }
    }
    Ok(())
}

/// The record, which must be there, and its parts.
fn read(db: Option<PathBuf>, since: Option<Timestamp>) -> Result<(Record, Vec<ReviewItem>)> {
    let db = db.unwrap_or_else(|| Paths::of_system().review);
    // A misspelt name must not make an empty record.
    if !Path::new(&db).exists() {
        bail!("there is no record at {}; name one with --db", db.display());
    }
    let record = Record::open(&db)?;
    let mut items = record.queue()?;
    items.retain(|item| since.is_none_or(|since| item.inspection.time >= since));
    Ok((record, items))
}

fn list(items: &[ReviewItem]) -> Result<()> {
    let rows = indicatif::ProgressBar::hidden();
    let view = QueueView::of(items, &Filter::default(), QueueOrder::Newest);
    for item in view.rows().iter().filter_map(|&i| items.get(i)) {
        let inspection = &item.inspection;
        let people = match item.opinion_of(None) {
            Some(opinion) => {
                format!("{} ({}: {})", item.standing(None).title(), opinion.reviewer, opinion.judgement.title())
            }
            None => item.standing(None).title().into(),
        };
        let row = format!(
            "{}  {:<9}  p {:<8.4}  {people:<28}  {:>9}  {}{}",
            inspection.time.minute(),
            inspection.assessment.verdict.title(),
            inspection.assessment.p,
            span(inspection.seconds),
            item.part.path.display(),
            if item.part.is_missing() { "  (missing)" } else { "" },
        );
        super::print_row(&rows, &row)?;
    }
    if !items.is_empty() {
        super::print_row(&rows, &queue::sentence(&view.counters()))?;
    }
    Ok(())
}
