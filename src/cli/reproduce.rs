//! `ganspect reproduce`: the experiment of the 2017 talk, from training to the table of results.

use std::{collections::BTreeSet, path::PathBuf, sync::Arc, time::Instant};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::{
    options,
    output::{note, out, print_device, progress_bar},
};
use crate::{
    data::{CropSampler, DataSource, FolderRoles, Label, Loader, Opened, Split, surface::SurfaceKind},
    device,
    device::DeviceChoice,
    inspect::{
        FrozenNetworks, InspectionJob, InvertKnobs, InvertPreset, Planes, Regions, ScoreKind, Scores, TestSet,
        critic::{FrameCritic, StatsFitter, TestTimeAugmentation},
        evaluation::metrics::{auroc, median},
    },
    kernels,
    model::{FrozenCritic, Generator},
    text::PrintablePath,
    train::{CriticTrainer, EncoderTrainer, Preset, Recipe, Trainer, Update, critic},
};

#[derive(Debug, Args)]
pub(super) struct ReproduceArguments {
    /// Built-in surface, such as turned; repeatable, defaults to the four metals
    #[arg(long, value_name = "KIND")]
    surface: Vec<SurfaceKind>,
    /// Folder with healthy and defective test images instead, inspected whole at native resolution
    #[arg(long, value_name = "DIR", conflicts_with = "surface")]
    data: Option<PathBuf>,
    #[command(flatten)]
    roles: options::RoleOptions,
    /// Recipe preset; defaults to the one for the device
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Training steps
    #[arg(long)]
    steps: Option<u64>,
    /// Inspection preset
    #[arg(long, value_enum, default_value_t = InvertPreset::Talk2017)]
    inspect: InvertPreset,
    /// Number of healthy images to inspect, and of defective ones
    #[arg(long, default_value_t = 50)]
    images: usize,
    /// Override an inspection setting, for example --turn robust=0; repeatable
    #[arg(long = "turn", value_name = "KEY=VALUE")]
    turn: Vec<String>,
    /// Override a recipe setting, for example --set train.k_g=2; repeatable
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// Result of one image.
struct ImageResult {
    /// Defect type; `None` for a healthy image.
    defect: Option<String>,
    scores: Scores,
    /// Compute time for 500 steps, seconds.
    seconds: f64,
}

pub(super) fn run(arguments: ReproduceArguments, choice: DeviceChoice) -> Result<()> {
    kernels::join_thread_pool();
    let (device, refused) = device::open(choice);
    if let Some(error) = refused {
        bail!(error);
    }
    print_device(&device);
    let mut recipe = arguments.preset.unwrap_or(Preset::suited(device.is_gpu)).recipe();
    options::assign_recipe(&mut recipe, &arguments.set, arguments.steps)?;
    let knobs = options::assigned(arguments.inspect.knobs(), &arguments.turn)?;
    out!(
        "setting {}: at most {} steps, learning rate {}, momentum {}; {} training steps",
        arguments.inspect.title(),
        knobs.steps,
        knobs.optimiser.lr,
        knobs.optimiser.beta1,
        recipe.train.steps
    );
    let sources: Vec<DataSource> =
        match (arguments.roles.source(arguments.data.map(DataSource::Folder))?, arguments.surface.as_slice()) {
            (Some(source), _) => vec![source],
            (None, []) => SurfaceKind::METALS.into_iter().map(|kind| DataSource::Surface { kind, seed: 0 }).collect(),
            (None, kinds) => kinds.iter().map(|&kind| DataSource::Surface { kind, seed: 0 }).collect(),
        };
    let mut rows = Vec::new();
    for source in sources {
        let name = match &source {
            DataSource::Surface { kind, .. } => kind.to_string(),
            DataSource::Folder(path) | DataSource::Assigned(FolderRoles { root: path, .. }) => {
                path.file_name().unwrap_or(path.as_os_str()).printable().to_string()
            }
        };
        let opened = source.open(&|_, _| true)?;
        let recipe = recipe.decided(&opened.dataset);
        opened.dataset.check_colour(recipe.model.channels.count())?;
        let networks = train(&name, &opened, &recipe, &device.device)?;
        let queries = queries(&source, &opened, &recipe, arguments.images)?;
        let inspected = inspect(&name, &networks, queries, &knobs)?;
        rows.push((name, inspected));
    }
    print_talk(&rows);
    let scores = available_scores(&rows);
    print_scores(&rows, &scores);
    print_defect_types(&rows, &scores);
    Ok(())
}

/// Trains the GAN and its encoder on the healthy images.
fn train(name: &str, opened: &Opened, recipe: &Recipe, device: &burn::tensor::Device) -> Result<FrozenNetworks> {
    let split = opened.split(recipe.data.holdout, recipe.seed)?;
    let sampler = CropSampler::new(Arc::clone(&opened.store), opened.training_indices(&split), recipe.crop_spec())?;
    let loader = Loader::new(sampler.clone(), recipe.seed)?;
    let mut trainer = Trainer::new(recipe.clone(), device, loader, 8);
    let began = Instant::now();
    let progress = progress_bar("training");
    progress.set_length(recipe.train.steps);
    for _ in 0..recipe.train.steps {
        trainer.step(Update::Both)?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    let trained = began.elapsed().as_secs_f64();
    let (g, d) = trainer.networks();
    let mut encoder = EncoderTrainer::new(recipe, g, d, sampler, device);
    let progress = progress_bar("encoder");
    progress.set_length(encoder.total());
    let mut loss = f32::NAN;
    for _ in 0..encoder.total() {
        loss = encoder.step()?;
        progress.inc(1);
    }
    progress.finish_and_clear();
    let whole = began.elapsed().as_secs_f64();
    note!("{name}: trained in {trained:.0} s, encoder in {:.0} s (loss {loss:.4})", whole - trained);
    let critic = train_critic(opened, recipe, &split, g, device)?;
    Ok(FrozenNetworks::new(g, d, Some(encoder.encoder()), device).with_critic(critic))
}

/// Trains the critic and fits its normal statistics.
fn train_critic(
    opened: &Opened,
    recipe: &Recipe,
    split: &Split,
    g: &Generator,
    device: &burn::tensor::Device,
) -> Result<Option<FrameCritic>> {
    if recipe.critic.steps == 0 {
        return Ok(None);
    }
    let began = Instant::now();
    let (training, normal) = critic::statistics_split(&opened.training_indices(split));
    let held_out = opened.held_out_indices(split);
    let mut trainer = CriticTrainer::new(recipe, Some(g), &opened.store, training, held_out, device)?;
    let progress = progress_bar("critic");
    progress.set_length(trainer.total());
    for step in 0..trainer.total() {
        let loss = trainer.step()?;
        if step % 100 == 99 {
            progress
                .set_message(format!("loss {loss:.3}, held out {:.3}", trainer.held_out_loss()?.unwrap_or(f32::NAN)));
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    let mut fitter =
        StatsFitter::new(FrozenCritic::new(trainer.critic()), TestTimeAugmentation::of(recipe), normal.len(), device);
    while fitter.remaining() > 0 {
        let picture = opened.store.get(normal[fitter.next_index()])?;
        fitter.add(&Planes::of(&picture, recipe.model.channels.count(), recipe.data.scale as f32))?;
    }
    out!("critic  {} steps in {:.1} s", trainer.total(), began.elapsed().as_secs_f64());
    Ok(Some(fitter.finish()))
}

/// Returns healthy and defective images that were not used in training, with the defect type.
fn queries(
    source: &DataSource,
    opened: &Opened,
    recipe: &Recipe,
    count: usize,
) -> Result<Vec<(Arc<Planes>, Option<String>)>> {
    let split = opened.split(recipe.data.holdout, recipe.seed)?;
    let (tests, scale) = match source {
        // As large as the input of the networks.
        DataSource::Surface { kind, seed } => (TestSet::generate(*kind, *seed, recipe.model.size, count, count), 1.0),
        DataSource::Folder(path) | DataSource::Assigned(FolderRoles { root: path, .. }) => {
            let mut tests = TestSet::of(opened, &[&split]);
            tests.limit(count);
            if let (0, _) | (_, 0) = tests.counts() {
                bail!("{} needs healthy and defective test images", path.printable());
            }
            (tests, recipe.data.scale as f32)
        }
    };
    let query = |i: usize| {
        let query = Planes::of(&*tests.picture(i)?, recipe.model.channels.count(), scale);
        let defect = match tests.items.get(i).map(|item| &item.label) {
            Some(Label::Defective(kind)) => Some(kind.clone()),
            _ => None,
        };
        Ok((Arc::new(query), defect))
    };
    (0..tests.items.len()).map(query).collect()
}

fn inspect(
    name: &str,
    networks: &FrozenNetworks,
    queries: Vec<(Arc<Planes>, Option<String>)>,
    knobs: &InvertKnobs,
) -> Result<Vec<ImageResult>> {
    let progress = progress_bar("inspecting");
    progress.set_length(queries.len() as u64);
    let mut inspected = Vec::new();
    for (query, defect) in queries {
        let mut job = InspectionJob::new(networks, query, knobs.clone(), &Regions::default())?;
        while !job.slice(networks)? {}
        let outcome = job.outcome(None).with_context(|| format!("{name}: an inspection ended without a result"))?;
        let seconds = outcome.seconds * 500.0 / outcome.steps.max(1) as f64;
        inspected.push(ImageResult { defect, scores: outcome.scores().clone(), seconds });
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(inspected)
}

fn column(rows: &[ImageResult], kind: ScoreKind, defective: bool) -> Vec<f64> {
    rows.iter().filter(|r| r.defect.is_some() == defective).map(|r| r.scores.get(kind)).collect()
}

fn print_talk(rows: &[(String, Vec<ImageResult>)]) {
    out!("");
    out!("| surface | median healthy loss | median defective loss | ratio | image AUROC | seconds for 500 steps |");
    out!("|---|---|---|---|---|---|");
    out!("| the talk (one pair) | 361.672 | 1002.677 | 2.77 | - | 1.5 (GTX Titan X) |");
    for (name, inspected) in rows {
        let (healthy, defective) =
            (column(inspected, ScoreKind::L1Sum, false), column(inspected, ScoreKind::L1Sum, true));
        let (low, high) = (median(&healthy).unwrap_or(f64::NAN), median(&defective).unwrap_or(f64::NAN));
        let seconds: Vec<f64> = inspected.iter().map(|i| i.seconds).collect();
        out!(
            "| {name} | {low:.1} | {high:.1} | {:.2} | {:.3} | {:.1} |",
            high / low,
            auroc(&healthy, &defective).unwrap_or(f64::NAN),
            median(&seconds).unwrap_or(f64::NAN)
        );
    }
}

/// Returns the scores that were computed: without a critic or a calibration, some are missing.
fn available_scores(rows: &[(String, Vec<ImageResult>)]) -> Vec<ScoreKind> {
    let all = rows.iter().flat_map(|(_, inspected)| inspected);
    ScoreKind::ALL.into_iter().filter(|kind| all.clone().any(|i| i.scores.known(*kind).is_some())).collect()
}

/// Prints the header of a table with a column for each score.
fn print_header(first: &str, scores: &[ScoreKind]) {
    let names: Vec<&str> = scores.iter().map(|k| k.name()).collect();
    out!("");
    out!("| {first} | {} |", names.join(" | "));
    out!("|{}---|{}", "---|".repeat(first.matches('|').count()), "---|".repeat(scores.len()));
}

fn print_scores(rows: &[(String, Vec<ImageResult>)], scores: &[ScoreKind]) {
    print_header("image AUROC (ratio of medians)", scores);
    for (name, inspected) in rows {
        let cells = scores.iter().map(|&kind| {
            let (healthy, defective) = (column(inspected, kind, false), column(inspected, kind, true));
            let ratio = median(&defective).unwrap_or(f64::NAN) / median(&healthy).unwrap_or(f64::NAN);
            format!("{:.3} ({ratio:.2})", auroc(&healthy, &defective).unwrap_or(f64::NAN))
        });
        out!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
}

/// Prints the AUROC of every score by defect type.
fn print_defect_types(rows: &[(String, Vec<ImageResult>)], scores: &[ScoreKind]) {
    print_header("image AUROC by defect type | images", scores);
    for (name, inspected) in rows {
        let types: BTreeSet<&String> = inspected.iter().filter_map(|i| i.defect.as_ref()).collect();
        for defect in types {
            let own: Vec<&ImageResult> = inspected.iter().filter(|i| i.defect.as_ref() == Some(defect)).collect();
            let cells = scores.iter().map(|&score| {
                let defective: Vec<f64> = own.iter().map(|i| i.scores.get(score)).collect();
                format!("{:.3}", auroc(&column(inspected, score, false), &defective).unwrap_or(f64::NAN))
            });
            out!("| {name}: {defect} | {} | {} |", own.len(), cells.collect::<Vec<_>>().join(" | "));
        }
    }
}
