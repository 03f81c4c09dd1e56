//! `ganspect model`

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use clap::Subcommand;

use super::{
    options::{InspectionOptions, RegionOptions, ReplaceOption, is_built_in, load_model},
    output::{not_calibrated, out, progress_bar, promise_line},
    session::EngineSession,
};
use crate::{
    device,
    device::DeviceChoice,
    engine::{BUILT_IN, Event, InspectionRequest, Severity, inspection::ModelSource},
    files,
    format::counted,
    inspect::{InvertKnobs, Lineage, Model, OutlierReport, Promise, RegionSettings, ScoreKind},
    model::{Bundle, weights::Weight},
    text::PrintablePath,
    train::{Recipe, pretraining, save_pretrained},
};

#[derive(Debug, Subcommand)]
pub(super) enum ModelCommand {
    /// Show the contents of a model file
    Show {
        /// A .ganspect file, or `built-in`
        file: PathBuf,
        /// Write the shape and sum of every tensor, and the list of outliers, to this file, as JSON
        #[arg(long, value_name = "OUT")]
        json: Option<PathBuf>,
        #[command(flatten)]
        replacing: ReplaceOption,
    },
    /// Calibrate a model for other inspection settings, by inspecting its held-out images
    Calibrate {
        /// A .ganspect file, to which the calibration is added
        file: PathBuf,
        #[command(flatten)]
        inspection: InspectionOptions,
    },
    /// Set the promised false-alarm rate or the deciding score of a model, for these inspection settings
    Decide {
        /// A .ganspect file, which is changed
        file: PathBuf,
        /// Promised false-alarm rate, for example 0.05
        #[arg(long, value_name = "SHARE")]
        rate: Option<f64>,
        /// Deciding score, one of those that `ganspect evaluate` lists
        #[arg(long)]
        score: Option<ScoreKind>,
        /// Restore the weights of the combined score from before `ganspect evaluate --weigh`
        #[arg(long)]
        unweigh: bool,
        #[command(flatten)]
        inspection: InspectionOptions,
    },
    /// Show or set the pixel size of a model and the smallest area of anomaly regions that counts
    Regions {
        /// A .ganspect file, which is changed if an option is given
        file: PathBuf,
        #[command(flatten)]
        regions: RegionOptions,
    },
    /// Copy a model without the weights that are needed only to resume training
    Slim {
        /// A .ganspect file, or `built-in`
        file: PathBuf,
        /// File of the copy
        #[arg(long, value_name = "M.ganspect")]
        out: PathBuf,
        /// Display name of the copy
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        replacing: ReplaceOption,
    },
    /// Train the weights that critics start from, on drawn textures of many kinds; for builders of this program
    Pretrain {
        /// A safetensors file
        #[arg(long, value_name = "OUT")]
        out: PathBuf,
        /// Number of textures
        #[arg(long, default_value_t = 1_500)]
        textures: usize,
        /// Training steps
        #[arg(long, default_value_t = 16_000)]
        steps: u64,
        /// Random seed
        #[arg(long, default_value_t = 1)]
        seed: u64,
        #[command(flatten)]
        replacing: ReplaceOption,
    },
}

pub(super) fn run(command: ModelCommand, device: DeviceChoice) -> Result<()> {
    match command {
        ModelCommand::Show { file, json, replacing } => {
            json.as_deref().map_or(Ok(()), |path| replacing.check(path))?;
            show(&file, json)
        }
        ModelCommand::Regions { file, regions } if regions.is_empty() => {
            print_regions(&load_model(&file, &Device::flex())?.info().region_settings);
            Ok(())
        }
        ModelCommand::Calibrate { file, .. }
        | ModelCommand::Decide { file, .. }
        | ModelCommand::Regions { file, .. }
            if is_built_in(&file) =>
        {
            bail!(
                "the built-in model is read-only; copy it with `ganspect model slim built-in --out M.ganspect` and change \
                 the copy"
            )
        }
        ModelCommand::Calibrate { file, inspection } => calibrate(file, inspection.knobs()?, device),
        ModelCommand::Decide { file, rate, score, unweigh, inspection } => {
            let mut model = Model::load(&file, &Device::flex())?;
            decide(&mut model, &inspection.knobs()?, rate, score, unweigh)?;
            Ok(model.save(&file)?)
        }
        ModelCommand::Regions { file, regions } => {
            let mut model = Model::load(&file, &Device::flex())?;
            let settings = regions.of(model.info().region_settings)?;
            model.info_mut().region_settings = settings;
            model.save(&file)?;
            print_regions(&settings);
            Ok(())
        }
        ModelCommand::Slim { file, out, name, replacing } => {
            replacing.check(&out)?;
            let mut model = load_model(&file, &Device::flex())?;
            model.slim();
            if let Some(name) = name {
                model.info_mut().name = name;
            }
            Ok(model.save(&out)?)
        }
        ModelCommand::Pretrain { out, textures, steps, seed, replacing } => {
            replacing.check(&out)?;
            pretrain(&out, textures, steps, seed, device)
        }
    }
}

/// Trains a critic on drawn textures and writes its weights.
fn pretrain(path: &Path, textures: usize, steps: u64, seed: u64, device: DeviceChoice) -> Result<()> {
    let (device, _) = device::open(device);
    let mut recipe = Recipe { seed, ..Recipe::default() };
    recipe.critic.steps = steps;
    let mut trainer = pretraining(&recipe, textures, &device.device)?;
    let progress = progress_bar("critic");
    progress.set_length(steps);
    while trainer.steps() < steps {
        let loss = trainer.step()?;
        if trainer.steps().is_multiple_of(100) {
            let held_out = trainer.held_out_loss()?.unwrap_or(f32::NAN);
            progress.set_message(format!("loss {loss:.3}, held out {held_out:.3}"));
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    let count = save_pretrained(trainer.critic(), path)?;
    let held_out = trainer.held_out_loss()?.unwrap_or(f32::NAN);
    out!("{}: {count} weights, held-out loss {held_out:.3}", path.printable());
    Ok(())
}

/// Prints the settings of anomaly regions.
fn print_regions(settings: &RegionSettings) {
    match settings.micrometres_per_pixel {
        Some(size) => out!("pixel     {size} µm"),
        None => out!("pixel     of unknown size"),
    }
    out!("regions   of at least {}", settings.min_area);
}

fn decide(
    model: &mut Model,
    knobs: &InvertKnobs,
    rate: Option<f64>,
    score: Option<ScoreKind>,
    unweigh: bool,
) -> Result<()> {
    if unweigh && !model.remove_labels(knobs)? {
        out!("{} uses no labels", model.info().name);
    }
    if let Some(score) = score {
        model.set_decision_score(score, knobs)?;
    }
    if let Some(rate) = rate {
        model.promise(rate, knobs)?;
    }
    let Some((calibration, rate)) = model.calibration(knobs).zip(model.rate(knobs)) else {
        return Err(not_calibrated(&model.info().name));
    };
    let (score, threshold) = (calibration.score.name(), calibration.threshold(rate));
    out!("{}", promise_line(Some(rate)));
    out!("score   {score}: a part is flagged above {threshold:.5}");
    if let Some(labelled) = &calibration.labelled {
        out!("        {}", labelled.caution());
    }
    Ok(())
}

fn calibrate(file: PathBuf, knobs: InvertKnobs, device: DeviceChoice) -> Result<()> {
    let session = EngineSession::start(device)?;
    let engine = &session.engine;
    engine.send(InspectionRequest::SetKnobs(Box::new(knobs)));
    session.open_model(ModelSource::File(file.clone()))?;
    engine.send(InspectionRequest::Calibrate);
    let progress = progress_bar("calibrating");
    loop {
        session.wait();
        if let Some((done, total)) = engine.state().inspection.status.read().calibrating {
            progress.set_length(total as u64);
            progress.set_position(done as u64);
        }
        while let Some(event) = engine.next_event() {
            match event {
                Event::Notice { severity: Severity::Error, text, .. } => bail!(text),
                Event::Notice { text, .. } => {
                    progress.finish_and_clear();
                    out!("{text}");
                    out!("{}", file.printable());
                    return Ok(());
                }
                Event::Opened(_) | Event::Closed { .. } => {}
            }
        }
        session.ensure_running()?;
    }
}

fn show(file: &Path, json: Option<PathBuf>) -> Result<()> {
    let (model, provenance) = match is_built_in(file) {
        true => Bundle::from_bytes_with_provenance(BUILT_IN.0, BUILT_IN.1)?,
        false => Bundle::read_with_provenance(file)?,
    };
    out!("{}", file.printable());
    out!("  format {}, written by ganspect {}", provenance.format, provenance.program);
    out!("  hash {}", model.hash());
    if let Some(recipe) = model.meta.get("recipe").and_then(|text| Recipe::from_record(text).ok()) {
        out!("  sees {}", recipe.model.channels.title());
    }
    for (network, (tensors, parameters)) in networks(&model) {
        out!("  {:<8} {tensors:>4} tensors  {parameters:>11} parameters", title(network));
    }
    let keys: Vec<&str> = model.meta.keys().map(String::as_str).collect();
    out!("  with {}", if keys.is_empty() { "no metadata".to_owned() } else { keys.join(", ") });
    if let Some(promise) = model.meta.get("promise") {
        let promise: Promise = serde_json::from_str(promise).context("cannot parse the promise")?;
        out!("  promise: {}", promise.describe());
    }
    if let Some(lineage) = model.meta.get("lineage") {
        let lineage: Lineage = serde_json::from_str(lineage).context("cannot parse the lineage")?;
        print_lineage(&lineage);
    }
    let outliers: Option<OutlierReport> = match model.meta.get("outliers") {
        Some(text) => Some(serde_json::from_str(text).context("cannot parse the list of outliers")?),
        None => None,
    };
    if let Some(report) = &outliers {
        outlier_lines(report).iter().for_each(|line| out!("  {line}"));
    }
    if let Some(path) = json {
        let text = serde_json::to_string_pretty(&listing(&model, outliers.as_ref())?)
            .context("cannot write the listing as JSON")?;
        files::write_atomic(&path, text.as_bytes())?;
    }
    Ok(())
}

/// Prints the ancestors of a model, and the verdicts that it was fine-tuned on.
fn print_lineage(lineage: &Lineage) {
    for (i, ancestor) in lineage.ancestors.iter().enumerate() {
        out!("  {:<13} {ancestor}", if i == 0 { "parent" } else { "its parent" });
    }
    out!("  fine-tuned on {}", counted(lineage.parts.len(), "verdict"));
    for part in &lineage.parts {
        let verdict = if part.defective { "defective" } else { "healthy" };
        let (role, hash) = (part.role.title(), part.hash);
        out!("    verdict {:<6} {verdict:<9} {role:<13} {hash}", part.opinion);
    }
}

/// Says which healthy images were left out because they look defective, and lists them and those that come next.
fn outlier_lines(report: &OutlierReport) -> Vec<String> {
    let checked = || format!("none of {} that were checked looks defective", counted(report.scored, "healthy image"));
    let mut lines = vec![report.sentence().unwrap_or_else(checked)];
    lines.extend(report.ranked.iter().map(|image| {
        let what = if image.left_out { "left out" } else { "kept" };
        let limit = image.limit.map_or_else(|| "no limit".to_owned(), |limit| format!("limit {limit:.2}"));
        let (purpose, name) = (image.purpose.title(), image.path.printable());
        format!("  {what:<8}  score {:>6.2}, {limit}  {purpose:<10}  {name}", image.score)
    }));
    lines
}

/// Returns the number of tensors and parameters by network.
fn networks(model: &Bundle) -> BTreeMap<&str, (usize, usize)> {
    let mut networks = BTreeMap::new();
    for tensor in &model.tensors {
        let network = tensor.name.split_once('/').map_or("", |(network, _)| network);
        let (tensors, parameters): &mut (usize, usize) = networks.entry(network).or_default();
        *tensors += 1;
        *parameters += tensor.values.len();
    }
    networks
}

fn title(network: &str) -> &str {
    match network {
        "g" => "G",
        "d" => "D",
        "ema" => "EMA of G",
        "e" => "encoder",
        "c" => "critic",
        "usual" => "statistics",
        "bank" => "crops",
        "" => "other",
        unknown => unknown,
    }
}

/// Returns each tensor's shape and the sum of its values, in double precision, and the list of outliers, if there is one.
fn listing(model: &Bundle, outliers: Option<&OutlierReport>) -> Result<BTreeMap<String, serde_json::Value>> {
    let sum = |values: &[f32]| values.iter().fold(0.0, |sum, &value| sum + f64::from(value));
    let of = |tensor: &Weight| Ok((tensor.name.clone(), serde_json::to_value((&tensor.shape, sum(&tensor.values)))?));
    let mut listing = model.tensors.iter().map(of).collect::<Result<BTreeMap<_, _>>>()?;
    if let Some(report) = outliers {
        listing.insert("outliers".into(), serde_json::to_value(report)?);
    }
    Ok(listing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_listed_by_network_and_by_tensor() {
        let tensor = |name: &str, shape: &[usize], values: &[f32]| Weight {
            name: name.to_owned(),
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        let model = Bundle {
            tensors: vec![tensor("d/a", &[2], &[0.1, 0.2]), tensor("g/a", &[2, 0], &[]), tensor("g/b", &[], &[-3.5])],
            ..Bundle::default()
        };
        assert_eq!(networks(&model), BTreeMap::from([("d", (1, 2)), ("g", (2, 1))]));
        let folder = tempfile::tempdir().unwrap();
        let (file, json) = (folder.path().join("m.ganspect"), folder.path().join("m.json"));
        model.write(&file).unwrap();
        let show = |force| {
            let replacing = ReplaceOption { force };
            run(ModelCommand::Show { file: file.clone(), json: Some(json.clone()), replacing }, DeviceChoice::Cpu)
        };
        show(false).unwrap();
        let text = std::fs::read_to_string(&json).unwrap();
        let written: serde_json::Value = serde_json::from_str(&text).unwrap();
        let sum = f64::from(0.1f32) + f64::from(0.2f32);
        assert_eq!(written, serde_json::json!({"d/a": [[2], sum], "g/a": [[2, 0], 0.0], "g/b": [[], -3.5]}));
        std::fs::write(&json, "mine").unwrap();
        let refused = show(false).unwrap_err().to_string();
        assert!(refused.contains("m.json already exists"), "{refused}");
        assert_eq!(std::fs::read_to_string(&json).unwrap(), "mine");
        show(true).unwrap();
        assert_eq!(std::fs::read_to_string(&json).unwrap(), text);
    }

    #[test]
    fn outliers_are_printed_and_listed() {
        let text = r#"{"images": 30, "scored": 30, "ranked": [
            {"path": "/parts/a.png", "hash": "HASH", "use": "held-out", "score": 7.25, "limit": 1.5, "left_out": true},
            {"path": "/parts/b.png", "hash": "HASH", "use": "training", "score": -0.5}
        ]}"#;
        let hash = crate::data::FileHash::of(b"a").to_string();
        let report: OutlierReport = serde_json::from_str(&text.replace("HASH", &hash)).unwrap();
        let lines = outlier_lines(&report);
        assert!(lines[0].starts_with("1 of 30 healthy images looks defective and was left out"), "{lines:?}");
        assert_eq!(lines[1], "  left out  score   7.25, limit 1.50  held out    /parts/a.png");
        assert_eq!(lines[2], "  kept      score  -0.50, no limit  training    /parts/b.png");
        let none = OutlierReport { images: 30, scored: 30, ..OutlierReport::default() };
        assert_eq!(outlier_lines(&none), ["none of 30 healthy images that were checked looks defective"]);

        let listed = listing(&Bundle::default(), Some(&report)).unwrap();
        assert_eq!(listed["outliers"]["ranked"][0]["left_out"], true);
        assert!(listing(&Bundle::default(), None).unwrap().is_empty());
        // A model that lists them can be shown, and one with a damaged list says what is wrong.
        let folder = tempfile::tempdir().unwrap();
        let (file, json) = (folder.path().join("m.ganspect"), folder.path().join("m.json"));
        let write = |list: String| {
            let meta = [("outliers".to_owned(), list)].into();
            Bundle { meta, ..Bundle::default() }.write(&file).unwrap();
            show(&file, Some(json.clone()))
        };
        write(serde_json::to_string(&report).unwrap()).unwrap();
        assert!(std::fs::read_to_string(&json).unwrap().contains("/parts/b.png"));
        assert!(write("[".into()).unwrap_err().to_string().contains("cannot parse the list of outliers"));
    }
}
