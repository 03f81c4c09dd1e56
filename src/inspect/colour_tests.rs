//! Models that see colour: what they refuse, what they notice, and how they are stored.

use std::sync::Arc;

use super::{
    InspectError, Model, NoColour, Planes, Verdict,
    evaluation::{Evaluation, Evaluator, TestSet},
    untrained::{SIDE, healthy, inspect, knobs, model},
};
use crate::{
    data::{DataSource, Picture, Samples, surface, surface::SurfaceKind},
    model::Channels,
};

const FILE: &str = "parts/painted.ganspect";

fn in_colour() -> Model {
    model(SurfaceKind::Painted, 3, 12)
}

/// The frame with every pixel changed.
fn changed(frame: &Planes, change: impl Fn([f32; 3]) -> [f32; 3]) -> Planes {
    let n = frame.pixels();
    let pixels: Vec<[f32; 3]> = (0..n).map(|i| change([0, 1, 2].map(|c| frame.values()[c * n + i]))).collect();
    let values = (0..3).flat_map(|c| pixels.iter().map(move |pixel| pixel[c])).collect();
    Planes::new(frame.width(), frame.height(), 3, values).unwrap()
}

fn luminance([r, g, b]: [f32; 3]) -> f32 {
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

#[test]
fn the_images_decide_what_a_model_sees() {
    assert_eq!(in_colour().info().recipe.model.channels, Channels::Colour);
    assert_eq!(model(SurfaceKind::Turned, 3, 12).info().recipe.model.channels, Channels::Grey);
}

#[test]
fn a_frame_without_the_hue_of_the_parts_is_not_this_part() {
    let model = in_colour();
    let verdict = |frame: &Planes| {
        let outcome = inspect(&model, frame).unwrap();
        let assessment = outcome.assessment().unwrap();
        (assessment.verdict, assessment.describe())
    };
    for i in 0..2 {
        let good = healthy(SurfaceKind::Painted, 50, i);
        let grey = changed(&good, |pixel| [luminance(pixel); 3]);
        let (found, said) = verdict(&grey);
        assert!(found == Verdict::NotThisPart && said.contains("less colour"), "{said}");
        let (found, said) = verdict(&changed(&good, |[r, g, b]| [b, g, r]));
        assert_eq!(found, Verdict::NotThisPart, "{said}");
        for (name, gain) in [("as it is", 1.0), ("darker", 0.6), ("brighter", 1.3)] {
            let frame = changed(&good, |pixel| pixel.map(|v| (gain * (v + 1.0) - 1.0).min(1.0)));
            let (found, said) = verdict(&frame);
            assert_ne!(found, Verdict::NotThisPart, "{name}: {said}");
        }
        for &defect in SurfaceKind::Painted.defects() {
            let picture = surface::draw(SurfaceKind::Painted, Some(defect), 70, i, SIDE).picture;
            let (found, said) = verdict(&Planes::of(&picture, 3, 1.0));
            assert_ne!(found, Verdict::NotThisPart, "{defect}: {said}");
        }
    }
}

#[test]
fn hue_alone_makes_a_difference() {
    let model = in_colour();
    let good = healthy(SurfaceKind::Painted, 50, 0);
    let outcome = inspect(&model, &good).unwrap();
    // A stronger hue at the same luminance: the mean over the channels would be the same.
    let stained = changed(&good, |[r, g, b]| [r + 0.3, g - 0.05, b - 0.388]);
    let after = inspect(&model, &stained).unwrap();
    let mean = |values: &[f32]| values.iter().map(|v| v.abs()).sum::<f32>() / values.len() as f32;
    assert!(mean(&after.difference) > mean(&outcome.difference) + 0.02);
}

#[test]
fn grey_images_are_refused_by_a_model_in_colour_and_coloured_ones_are_not_by_one_in_grey() {
    let colour = surface::draw(SurfaceKind::Painted, None, 9, 0, SIDE).picture;
    let grey = colour.clone().into_grey();
    let error = in_colour().begin(&grey, knobs()).unwrap_err();
    assert!(matches!(error, InspectError::NoColour(NoColour)) && !error.is_fatal());
    let model = model(SurfaceKind::Turned, 3, 12);
    let [of_colour, of_grey] = [&colour, &grey].map(|picture| model.begin(picture, knobs()).unwrap());
    assert_eq!(of_colour.query().values(), of_grey.query().values());
}

fn evaluated(model: &Model, tests: TestSet) -> Evaluation {
    let mut evaluator = Evaluator::new(model, Arc::new(tests), knobs(), None).unwrap();
    while !evaluator.slice(model.networks()).unwrap() {}
    evaluator.evaluation()
}

#[test]
fn an_evaluation_names_grey_images_that_it_leaves_out_and_says_that_colours_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let save = |name: &str, picture: &Picture| {
        let Samples::U8(bytes) = picture.samples() else { panic!() };
        let (side, kind) = (SIDE as u32, [image::ColorType::L8, image::ColorType::Rgb8][picture.channels() / 2]);
        std::fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        image::save_buffer(folder.path().join(name), bytes, side, side, kind).unwrap();
    };
    for i in 0..3 {
        let picture = surface::draw(SurfaceKind::Painted, None, 11, i, SIDE).picture;
        save(&format!("ok/{i}.png"), &picture);
        if i == 0 {
            save("ng/grey.png", &surface::draw(SurfaceKind::Painted, None, 11, 9, SIDE).picture.into_grey());
        }
    }
    let tests = || TestSet::of(&DataSource::Folder(folder.path().into()).open(&|_, _| true).unwrap(), &[]);
    let found = evaluated(&in_colour(), tests());
    assert_eq!((found.images.len(), found.excluded.len()), (3, 1));
    let excluded = &found.excluded[0];
    assert!(excluded.name.contains("grey.png") && excluded.reason.contains("the model sees colour"), "{excluded:?}");
    let said = |evaluation: &Evaluation| evaluation.header.about.join("; ");
    assert!(!said(&found).contains("not seen"), "{}", said(&found));
    let found = evaluated(&model(SurfaceKind::Turned, 3, 12), tests());
    assert_eq!((found.images.len(), found.excluded.len()), (4, 0));
    assert!(said(&found).contains("the colours of 3 images are not seen"), "{}", said(&found));
    // The same of a surface that is drawn for the test.
    let drawn = TestSet::generate(SurfaceKind::Anodised, 0, SIDE, 1, 1);
    assert!(drawn.unseen_colour(1).unwrap().starts_with("the colours of 2 images") && drawn.unseen_colour(3).is_none());
}

#[test]
fn a_model_in_colour_of_an_earlier_version_sees_as_it_did() {
    let load = |bundle| Model::from_bundle(bundle, FILE, &burn::tensor::Device::flex()).unwrap();
    let stored = in_colour().to_bundle(FILE).unwrap();
    assert!(!load(stored.clone()).networks().is_of_earlier_colour());
    // Earlier versions stored no word on colour, and one mean brightness for all channels.
    let mut earlier = stored.clone();
    assert!(earlier.meta.remove("colour").is_some());
    let light = earlier.tensors.iter_mut().find(|tensor| tensor.name == "c/light").unwrap();
    assert_eq!(light.values.len(), 4);
    (light.shape, light.values) = (vec![2], vec![-0.1, 0.3]);
    let model = load(earlier);
    assert!(model.networks().is_of_earlier_colour());
    assert!(!model.to_bundle(FILE).unwrap().meta.contains_key("colour"), "it stays one of an earlier version");
    let good = healthy(SurfaceKind::Painted, 50, 0);
    let before = inspect(&model, &good).unwrap();
    // Differences were the mean over the channels.
    let n = good.pixels();
    let reconstruction = before.reconstruction.values();
    for i in 0..n {
        let mean: f32 = (0..3).map(|c| (good.values()[c * n + i] - reconstruction[c * n + i]) / 3.0).sum();
        assert!(before.exposure.is_some() || (before.difference[i] - mean).abs() < 1e-5);
    }
    let grey = super::untrained::model(SurfaceKind::Turned, 3, 12).to_bundle(FILE).unwrap();
    assert!(!grey.meta.contains_key("colour"), "files of models in grey are as they were");
}
