//! Defective images among the healthy ones: said at the end of the build, listed by the model, left out of the calibration.

use std::{path::Path, process::Command as Process};

use burn::tensor::Device;
use ganspect::{
    data::{DataSource, Samples, surface, surface::SurfaceKind},
    engine::{Event, Severity, TrainingRequest, training::TrainingPhase},
    inspect::Model,
    train::{Recipe, run_folder::MODEL_FILE},
};

use crate::harness::{engine, phase, until};

const SIDE: usize = 48;

/// A folder of 72 images, six of which show damage.
fn parts(folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    for i in 0..72_usize {
        let picture = surface::draw(SurfaceKind::Turned, None, 9, i as u64, SIDE).picture;
        let Samples::U8(pixels) = picture.samples() else { panic!("8 bits") };
        let mut pixels = pixels.clone();
        if [5, 17, 28, 40, 51, 66].contains(&i) {
            let rows = (8..28).map(|y| y * SIDE + 6 + i % 20);
            rows.for_each(|start| pixels[start..start + 16].fill(if i % 2 == 0 { 255 } else { 0 }));
        }
        let picture = image::GrayImage::from_raw(SIDE as u32, SIDE as u32, pixels).unwrap();
        picture.save(folder.join(format!("part {i:02}.png"))).unwrap();
    }
}

#[test]
fn images_that_look_defective_are_said_listed_and_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, run) = (dir.path().join("parts"), dir.path().join("run"));
    parts(&folder);
    let mut recipe = Recipe::default();
    for knob in [
        "model.size=32",
        "model.latent_size=8",
        "train.batch=4",
        "train.steps=2",
        "encoder.steps=0",
        // Learning quickly from random weights.
        "critic.pretrained=false",
        "critic.steps=700",
        "critic.lr=0.003",
        "critic.batch=2",
        "critic.strength=0.7",
        "critic.crop=32",
    ] {
        recipe.assign(knob).unwrap();
    }
    let engine = engine();
    let source = DataSource::Folder(folder);
    engine.send(TrainingRequest::Start { source, opened: None, recipe: Box::new(recipe), out: run.clone() });
    until(&engine, "the model", |e| phase(e) == TrainingPhase::Finished);
    let mut said = String::new();
    until(&engine, "the warning", |e| {
        while let Some(event) = e.next_event() {
            match event {
                Event::Notice { severity: Severity::Warning, text, .. } if text.contains("of 72 healthy images") => {
                    said = text;
                }
                _ => {}
            }
        }
        !said.is_empty()
    });
    assert!(said.contains("defective and were left out of training and calibration: part "), "{said}");

    let file = run.join(MODEL_FILE);
    let model = Model::load(&file, &Device::flex()).unwrap();
    let about = model.info();
    let left_out: Vec<String> = about.outliers.iter().flat_map(|report| report.left_out()).map(|i| i.name()).collect();
    let held_out = about.outliers.iter().flat_map(|report| report.left_out());
    let held_out = held_out.filter(|image| about.split.held_out.contains(&image.hash)).count();
    assert_eq!(about.calibrations[0].held_out.len(), about.split.held_out.len() - held_out);

    let shown = Process::new(env!("CARGO_BIN_EXE_ganspect")).args(["model", "show"]).arg(&file).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains(said.as_str()), "{shown}");
    assert!(!left_out.is_empty() && left_out.iter().all(|name| shown.contains(&format!("/{name}"))), "{shown}");
    assert!(shown.contains("left out  score") && shown.contains("kept      score"), "{shown}");
}
