//! `ganspect review learn`

use std::{path::PathBuf, sync::atomic::Ordering};

use anyhow::{Result, bail};
use clap::Args;

use super::{
    options::{self, InspectionOptions, ReplaceOption, record_path},
    output::{out, progress_bar, short_hash},
    session::{EngineSession, interrupt_flag},
};
use crate::{
    device::DeviceChoice,
    engine::{
        FinetuneRequest, InspectionRequest,
        finetune::{FinetunePhase, FinetuneResult, FinetuneSpec},
    },
    format::counted,
    review::LabelSummary,
    text::PrintablePath,
    time::span,
};

#[derive(Debug, Args)]
pub(super) struct FinetuneArguments {
    /// Review record; defaults to the window's
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// Model to fine-tune, which is not changed: a .ganspect file, or `built-in`
    #[arg(long, value_name = "M.ganspect")]
    model: PathBuf,
    /// File of the fine-tuned model
    #[arg(long, value_name = "NEW.ganspect")]
    out: PathBuf,
    /// Fine-tune the generator and discriminator as well; takes longer
    #[arg(long)]
    generator: bool,
    #[command(flatten)]
    replacing: ReplaceOption,
    #[command(flatten)]
    inspection: InspectionOptions,
}

pub(super) fn run(arguments: FinetuneArguments, choice: DeviceChoice) -> Result<()> {
    arguments.replacing.check(&arguments.out)?;
    let knobs = arguments.inspection.knobs()?;
    let record = std::path::absolute(record_path(arguments.db)?)?;
    let interrupted = interrupt_flag()?;
    let session = EngineSession::start(choice)?;
    let engine = &session.engine;
    engine.send(InspectionRequest::SetKnobs(Box::new(knobs)));
    let model = session.open_model(options::model_source(&arguments.model))?;
    out!("model    {}, {}", model.name, short_hash(&model.hash));
    let out = std::path::absolute(&arguments.out)?;
    let spec = FinetuneSpec { record, generator: arguments.generator, out };
    engine.send(FinetuneRequest::Begin(spec));
    let progress = progress_bar("fine-tuning");
    progress.set_length(100);
    let mut labels = None;
    let result = loop {
        session.wait();
        if interrupted.swap(false, Ordering::Relaxed) {
            engine.send(FinetuneRequest::Cancel);
        }
        let status = engine.state().finetune.status.read().clone();
        if labels.is_none()
            && let Some(summary) = &status.labels
        {
            progress.suspend(|| print_labels(summary));
            labels = status.labels;
        }
        progress.set_position((status.phase.share().unwrap_or(0.0) * 100.0) as u64);
        let left = status.seconds_left.map(|left| format!(", {} left in this phase", span(left))).unwrap_or_default();
        progress.set_message(format!("{}{left}", status.phase.description()));
        match (status.phase, status.result) {
            (FinetunePhase::Done, Some(result)) => break result,
            (FinetunePhase::Failed(text), _) => bail!(text),
            (FinetunePhase::Stopped, _) => {
                bail!(status.cancelled.unwrap_or_else(|| "stopped; no model was saved".into()))
            }
            _ => session.ensure_running()?,
        }
    };
    progress.finish_and_clear();
    print_comparison(&result);
    if let Some(text) = &result.outliers {
        out!("{text}");
    }
    out!("{}", result.model.path.printable());
    Ok(())
}

/// Prints the numbers of labelled parts.
fn print_labels(labels: &LabelSummary) {
    out!("verdicts {} healthy and {} defective are new to the model", labels.new_healthy, labels.new_defective);
    out!(
        "parts    {} to train on, {} to calibrate on, {} to compare on",
        labels.train,
        labels.calibrate,
        labels.compare
    );
    if labels.unsettled > 0 {
        out!("         {} with unsettled verdicts", labels.unsettled);
    }
    out!("");
}

/// Prints the metrics of both models side by side.
fn print_comparison(result: &FinetuneResult) {
    match &result.comparison {
        Some(comparison) => {
            out!("{:<22}  {:<26}  after", "", "before");
            for [name, before, after] in comparison.rows() {
                out!("{name:<22}  {before:<26}  {after}");
            }
            if let Some(why) = comparison.interval_note() {
                out!("{why}");
            }
            out!("{} {}", comparison.sentence(), comparison.outcome().sentence());
        }
        None => out!("There are no parts to compare the models on."),
    }
    if result.missing > 0 {
        let missing = counted(result.missing, "part");
        out!("{missing} left out: the image was moved, deleted or replaced.");
    }
}
