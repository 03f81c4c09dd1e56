//! `ganspect review learn`

use std::{path::PathBuf, sync::atomic::Ordering};

use anyhow::{Result, bail};
use clap::Args;

use super::{train::bar, wait_a_moment};
use crate::{
    device::DeviceChoice,
    engine::{
        FinetuneRequest, InspectionRequest,
        finetune::{FinetunePhase, FinetuneResult, FinetuneSpec},
    },
    format::counted,
    inspect::InvertPreset,
    paths::Paths,
    review::LabelSummary,
    time::span,
};

#[derive(Debug, Args)]
pub(super) struct LearnArguments {
    /// The record; by default the window's
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// The model to teach a copy of: a .ganspect file, or `built-in`
    #[arg(long, value_name = "M.ganspect")]
    model: PathBuf,
    /// Where the new model goes
    #[arg(long, value_name = "NEW.ganspect")]
    out: PathBuf,
    /// Train the generator on too, which takes longer
    #[arg(long)]
    generator: bool,
    /// How to inspect
    #[arg(long, value_enum, default_value_t = InvertPreset::Quick)]
    preset: InvertPreset,
    /// Turn a knob of the inspection, for example --set steps=200; may be given again
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

pub(super) fn run(arguments: LearnArguments, choice: DeviceChoice) -> Result<()> {
    let knobs = super::knobs(arguments.preset, &arguments.set)?;
    let db = arguments.db.clone().unwrap_or_else(|| Paths::of_system().review);
    if !db.exists() {
        bail!("there is no record at {}; name one with --db", db.display());
    }
    let interrupted = super::interrupted()?;
    let (engine, bell) = super::engine(choice)?;
    engine.send(InspectionRequest::SetKnobs(Box::new(knobs)));
    let model = super::inspect::open_model(&engine, &bell, super::inspect::source(&arguments.model))?;
    println!("model    {}, {}", model.name, &model.hash[..12.min(model.hash.len())]);
    let out = std::path::absolute(&arguments.out)?;
    let spec = FinetuneSpec { record: std::path::absolute(&db)?, generator: arguments.generator, out };
    engine.send(FinetuneRequest::Begin(spec));
    let progress = bar("learning");
    progress.set_length(100);
    let mut labels = None;
    let learned = loop {
        wait_a_moment(&bell);
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
        let left = status.seconds_left.map(|left| format!(", {} left of this", span(left))).unwrap_or_default();
        progress.set_message(format!("{}{left}", status.phase.words()));
        match (status.phase, status.learned) {
            (FinetunePhase::Done, Some(learned)) => break learned,
            (FinetunePhase::Failed(text), _) => bail!(text),
            (FinetunePhase::Stopped, _) => bail!("stopped; no model is left of it"),
            _ if engine.is_over() => bail!("the compute thread ended; start the command again"),
            _ => {}
        }
    };
    progress.finish_and_clear();
    table(&learned);
    println!("{}", learned.model.path.display());
    Ok(())
}

/// Prints the numbers of labelled parts.
fn print_labels(labels: &LabelSummary) {
    println!("verdicts {} healthy and {} defective ones are new to it", labels.new_healthy, labels.new_defective);
    println!(
        "parts    {} to train on, {} to calibrate on, {} to compare on",
        labels.train, labels.calibrate, labels.compare
    );
    if labels.unsettled > 0 {
        println!("         {} wait for somebody to settle them", labels.unsettled);
    }
    println!();
}

/// Both models side by side.
fn table(learned: &FinetuneResult) {
    match &learned.comparison {
        Some(comparison) => {
            println!("{:<22}  {:<26}  after", "", "before");
            for [name, before, after] in comparison.rows() {
                println!("{name:<22}  {before:<26}  {after}");
            }
            println!("{}", comparison.sentence());
        }
        None => println!("No part is left to compare them on."),
    }
    if learned.missing > 0 {
        let missing = counted(learned.missing, "part");
        println!("Left out, because the picture is not where it was or has changed: {missing}.");
    }
}
