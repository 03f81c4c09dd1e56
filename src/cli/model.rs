//! `ganspect model`

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use clap::Subcommand;

use super::{train::bar, wait_a_moment};
use crate::{
    device::DeviceChoice,
    engine::{Event, InspectionRequest, Severity, inspection::ModelSource},
    files,
    format::counted,
    inspect::{InvertKnobs, InvertPreset, Lineage, Model, ScoreKind, model::Promise},
    model::Bundle,
};

#[derive(Debug, Subcommand)]
pub(super) enum ModelCommand {
    /// Say what a model file holds
    Show {
        /// A .ganspect file
        file: PathBuf,
        /// Write every tensor's shape and sum to this file, as JSON
        #[arg(long, value_name = "OUT")]
        json: Option<PathBuf>,
    },
    /// Inspect the model's held-out images with other settings, so that verdicts can be given for them too
    Calibrate {
        /// A .ganspect file; the calibration is added to it
        file: PathBuf,
        /// The settings
        #[arg(long, value_enum, default_value_t = InvertPreset::Quick)]
        preset: InvertPreset,
        /// Turn a knob of the inspection, for example --set steps=200; may be given again
        #[arg(long = "set", value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Say what verdicts go by: the promised false-alarm rate, and the score
    Decide {
        /// A .ganspect file; the change is kept in it
        file: PathBuf,
        /// The promised false-alarm rate, for example 0.05
        #[arg(long, value_name = "SHARE")]
        rate: Option<f64>,
        /// The score: one of those that `ganspect evaluate` lists
        #[arg(long)]
        score: Option<ScoreKind>,
        /// Weigh the fused score as it was before `ganspect evaluate --weigh`
        #[arg(long)]
        unweigh: bool,
        /// The settings whose verdicts are meant
        #[arg(long, value_enum, default_value_t = InvertPreset::Quick)]
        preset: InvertPreset,
        /// Turn a knob of the inspection, for example --set steps=200; may be given again
        #[arg(long = "set", value_name = "KEY=VALUE")]
        set: Vec<String>,
    },
    /// Copy a model for inspection alone, without the weights that only training on needs
    Slim {
        /// A .ganspect file
        file: PathBuf,
        /// Where the copy goes
        #[arg(long, value_name = "M.ganspect")]
        out: PathBuf,
        /// Name of the copy on screen
        #[arg(long)]
        name: Option<String>,
    },
}

pub(super) fn run(command: ModelCommand, device: DeviceChoice) -> Result<()> {
    match command {
        ModelCommand::Show { file, json } => show(&file, json),
        ModelCommand::Calibrate { file, preset, set } => calibrate(file, preset, &set, device),
        ModelCommand::Decide { file, rate, score, unweigh, preset, set } => {
            let mut model = Model::load(&file, &Device::flex())?;
            decide(&mut model, &super::knobs(preset, &set)?, rate, score, unweigh)?;
            Ok(model.save(&file)?)
        }
        ModelCommand::Slim { file, out, name } => {
            let mut model = Model::load(&file, &Device::flex())?;
            model.slim();
            if let Some(name) = name {
                model.info_mut().name = name;
            }
            Ok(model.save(&out)?)
        }
    }
}

fn decide(
    model: &mut Model,
    knobs: &InvertKnobs,
    rate: Option<f64>,
    score: Option<ScoreKind>,
    unweigh: bool,
) -> Result<()> {
    if unweigh && !model.remove_labels(knobs)? {
        println!("no label plays a part in {}", model.info().name);
    }
    if let Some(score) = score {
        model.set_decision_score(score, knobs)?;
    }
    if let Some(rate) = rate {
        model.promise(rate, knobs)?;
    }
    let Some((calibration, rate)) = model.calibration(knobs).zip(model.rate(knobs)) else {
        bail!("{} is not calibrated for this setting; `ganspect model calibrate` does that", model.info().name)
    };
    let (score, threshold) = (calibration.score.name(), calibration.threshold(rate));
    println!("{}", super::promise(Some(rate)));
    println!("score   {score}: a part is flagged above {threshold:.5}");
    if let Some(labelled) = &calibration.labelled {
        println!("        {}", labelled.caution());
    }
    Ok(())
}

fn calibrate(file: PathBuf, preset: InvertPreset, set: &[String], device: DeviceChoice) -> Result<()> {
    let knobs = super::knobs(preset, set)?;
    let (engine, bell) = super::engine(device)?;
    engine.send(InspectionRequest::SetKnobs(Box::new(knobs)));
    super::inspect::open_model(&engine, &bell, ModelSource::File(file.clone()))?;
    engine.send(InspectionRequest::Calibrate);
    let progress = bar("calibrating");
    loop {
        wait_a_moment(&bell);
        if let Some((done, total)) = engine.state().inspection.status.read().calibrating {
            progress.set_length(total as u64);
            progress.set_position(done as u64);
        }
        while let Some(event) = engine.next_event() {
            match event {
                Event::Notice { severity: Severity::Error, text, .. } => bail!(text),
                Event::Notice { text, .. } => {
                    progress.finish_and_clear();
                    println!("{text}");
                    println!("{}", file.display());
                    return Ok(());
                }
                Event::Opened(_) | Event::Closed { .. } => {}
            }
        }
        if engine.is_over() {
            bail!("the compute thread ended; start the command again");
        }
    }
}

fn show(file: &Path, json: Option<PathBuf>) -> Result<()> {
    let (model, stamp) = Bundle::read_with_provenance(file)?;
    println!("{}", file.display());
    println!("  format {}, written by ganspect {}", stamp.format, stamp.program);
    println!("  hash {}", model.hash());
    for (network, (tensors, parameters)) in networks(&model) {
        println!("  {:<8} {tensors:>4} tensors  {parameters:>11} parameters", title(network));
    }
    let keys: Vec<&str> = model.meta.keys().map(String::as_str).collect();
    println!("  with {}", if keys.is_empty() { "nothing else".to_owned() } else { keys.join(", ") });
    if let Some(promise) = model.meta.get("promise") {
        let promise: Promise = serde_json::from_str(promise).context("who set the promise cannot be understood")?;
        println!("  promise: {}", promise.describe());
    }
    if let Some(lineage) = model.meta.get("lineage") {
        let lineage: Lineage = serde_json::from_str(lineage).context("what it learned from cannot be understood")?;
        descent(&lineage);
    }
    if let Some(path) = json {
        let text = serde_json::to_string_pretty(&listing(&model)).context("the listing does not fit into JSON")?;
        files::write_atomic(&path, text.as_bytes())?;
    }
    Ok(())
}

/// The models before it, and the verdicts that it learned from.
fn descent(lineage: &Lineage) {
    for (i, ancestor) in lineage.ancestors.iter().enumerate() {
        println!("  {:<13} {ancestor}", if i == 0 { "made from" } else { "and that from" });
    }
    println!("  learned from {}", counted(lineage.parts.len(), "verdict"));
    for lesson in &lineage.parts {
        let verdict = if lesson.defective { "defective" } else { "healthy" };
        let (role, hash) = (lesson.role.title(), lesson.hash);
        println!("    verdict {:<6} {verdict:<9} {role:<13} {hash}", lesson.opinion);
    }
}

/// Tensors and parameters by network.
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
        "usual" => "usual",
        "bank" => "crops",
        "" => "other",
        unknown => unknown,
    }
}

/// Each tensor's shape and the sum of its values, added up one by one in double precision.
fn listing(model: &Bundle) -> BTreeMap<&str, (&[usize], f64)> {
    let sum = |values: &[f32]| values.iter().fold(0.0, |sum, &value| sum + f64::from(value));
    model.tensors.iter().map(|t| (t.name.as_str(), (t.shape.as_slice(), sum(&t.values)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::weights::Weight;

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
        run(ModelCommand::Show { file, json: Some(json.clone()) }, DeviceChoice::Cpu).unwrap();
        let text = std::fs::read_to_string(json).unwrap();
        let written: serde_json::Value = serde_json::from_str(&text).unwrap();
        let sum = f64::from(0.1f32) + f64::from(0.2f32);
        assert_eq!(written, serde_json::json!({"d/a": [[2], sum], "g/a": [[2, 0], 0.0], "g/b": [[], -3.5]}));
    }
}
