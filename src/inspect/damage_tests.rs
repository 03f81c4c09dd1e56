//! Damaged models: an error or a verdict with finite numbers, never a panic or a verdict from something that is not a
//! number.

use std::sync::OnceLock;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    InspectError, Model, ModelError, Planes, ScoreKind, Verdict,
    untrained::{SIDE, healthy, inspect, knobs, model},
};
use crate::{data::surface::SurfaceKind, model::Bundle};

const FILE: &str = "parts/turned.ganspect";

fn bundle() -> Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| model(SurfaceKind::Turned, 4, 16).to_bundle(FILE).unwrap()).clone()
}

fn load(bundle: &Bundle) -> Result<Model, ModelError> {
    Model::from_bundle(bundle.clone(), FILE, &burn::tensor::Device::flex())
}

/// A part of the surface, small enough for thousands of inspections.
fn query(number: u64) -> Planes {
    let whole = healthy(SurfaceKind::Turned, 8, number);
    let values = (0..48 * 40).map(|i| whole.at(i % 48, i / 48, 0)).collect();
    Planes::new(48, 40, 1, values).unwrap()
}

/// Inspects an image with what is left of a model. Returns whether there was a verdict.
fn verdict_or_error(bundle: &Bundle, query: &Planes) -> bool {
    let model = match load(bundle) {
        Ok(model) => model,
        Err(error) => {
            assert!(error.to_string().contains(FILE), "{error}");
            return false;
        }
    };
    let outcome = match inspect(&model, query) {
        Ok(outcome) => outcome,
        Err(error) => {
            let said = error.to_string();
            let named = !matches!(error, InspectError::Model { .. }) || said.contains(FILE);
            assert!(named && said.contains("NaN or infinit"), "{said}");
            return false;
        }
    };
    let Some(assessment) = outcome.assessment().cloned() else { return false };
    assert!(assessment.score.is_finite() && assessment.p > 0.0 && assessment.p <= 1.0, "{assessment:?}");
    assert!(ScoreKind::ALL.iter().all(|kind| outcome.scores().get(*kind).is_finite()));
    true
}

#[test]
fn a_value_that_is_not_finite_is_refused_in_every_tensor() {
    let (whole, query) = (bundle(), query(1));
    assert!(verdict_or_error(&whole, &query));
    for i in 0..whole.tensors.len() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut bad = whole.clone();
            let last = bad.tensors[i].values.len() - 1;
            bad.tensors[i].values[last] = value;
            let said = load(&bad).unwrap_err().to_string();
            assert!(said.contains(FILE) && said.contains(&whole.tensors[i].name), "{said}");
        }
    }
}

#[test]
fn huge_weights_end_in_an_error_that_names_the_stage_and_the_file() {
    let (whole, query) = (bundle(), query(1));
    let mut stages = Vec::new();
    for prefix in ["ema/", "d/", "e/", "c/", "usual/"] {
        for value in [f32::MAX, -f32::MAX, 3e37] {
            let mut bad = whole.clone();
            let named = bad.tensors.iter_mut().filter(|tensor| tensor.name.starts_with(prefix));
            // A range of exposures that is none is refused on load.
            named.filter(|tensor| tensor.name != "usual/exposures").for_each(|tensor| tensor.values.fill(value));
            match load(&bad) {
                Err(error) => assert!(error.to_string().contains(FILE), "{error}"),
                Ok(model) => match inspect(&model, &query) {
                    Err(InspectError::Model { model, stage }) => {
                        assert_eq!(model, FILE);
                        stages.push(stage);
                    }
                    other => panic!("{prefix} {value}: {:?}", other.map(|outcome| outcome.assessment().cloned())),
                },
            }
        }
    }
    stages.sort_unstable();
    stages.dedup();
    assert!(stages.len() >= 3, "{stages:?}");
}

#[test]
fn statistics_out_of_range_are_refused() {
    let whole = bundle();
    let refused = |change: &dyn Fn(&mut Bundle), wanted: &str| {
        let mut bad = whole.clone();
        change(&mut bad);
        let said = load(&bad).unwrap_err().to_string();
        assert!(said.contains(FILE) && said.contains(wanted), "{said} without {wanted}");
    };
    fn values<'a>(bundle: &'a mut Bundle, name: &str) -> &'a mut Vec<f32> {
        &mut bundle.tensors.iter_mut().find(|tensor| tensor.name.ends_with(name)).unwrap().values
    }
    refused(&|bundle| values(bundle, "running_variance")[0] = -1.0, "a variance is not negative");
    refused(&|bundle| values(bundle, "c/light")[1] = 0.0, "a standard deviation is above 0");
    refused(&|bundle| values(bundle, "usual/rings")[8] = -0.5, "a standard deviation is above 0");
    refused(&|bundle| values(bundle, "usual/peaks")[7] = 0.0, "a standard deviation is above 0");
    let json = |from: &'static str, to: &'static str| {
        move |bundle: &mut Bundle| {
            let text = bundle.meta.get_mut("calibrations").unwrap();
            let at = text.find(from).unwrap() + from.len();
            let end = at + text[at..].find([',', '}', ']']).unwrap();
            text.replace_range(at..end, to);
        }
    };
    // A number that is finite as written, and infinite in single precision.
    refused(&json("\"l1\":", "1e39"), "the score l1 of a held-out image");
    refused(&json("\"critic\":", "-1e300"), "held-out image");
    refused(&json("\"spread\":", "0"), "the weight of the score");
    refused(&json("\"spread\":", "1e308"), "the weight of the score");
    refused(&json("\"centre\":", "1e300"), "the weight of the score");
    refused(&json("\"difference\":", "-1"), "colour scale");
    refused(&json("\"level\":[", "1e39"), "a limit of the whole frame");
    for rate in ["NaN", "inf", "0", "-0.1", "0.9"] {
        refused(&|bundle| drop(bundle.meta.insert("rate".into(), rate.into())), "'rate'");
    }
}

#[test]
fn what_is_not_finite_on_the_way_is_never_judged() {
    let whole = load(&bundle()).unwrap();
    let calibration = whole.calibration(&knobs()).unwrap();
    let outcome = inspect(&whole, &query(1)).unwrap();
    for kind in ScoreKind::ALL {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
            let mut scores = outcome.scores().clone();
            scores.set(kind, value);
            let judged = calibration.judge(&mut scores, 0.2);
            // The combined score is computed anew from the others.
            assert_eq!(judged.is_err(), kind != ScoreKind::Fused, "{kind:?} {value} {judged:?}");
        }
    }
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut values = healthy(SurfaceKind::Turned, 8, 1).values().to_vec();
        values[77] = value;
        let image = Planes::new(SIDE, SIDE, 1, values).unwrap();
        assert!(inspect(&whole, &image).unwrap_err().to_string().contains("the image holds a pixel"));
    }
}

#[test]
fn damaged_models_give_an_error_or_finite_numbers() {
    let whole = bundle();
    let intact = load(&whole).unwrap();
    let passes = |query: &Planes| {
        inspect(&intact, query).unwrap().assessment().is_some_and(|found| found.verdict != Verdict::Defective)
    };
    // A part that passes, so that a damaged model could pass it wrongly.
    let query = (1..40).map(query).find(passes).unwrap();
    let cases = std::env::var("GANSPECT_DAMAGED_MODELS").map_or(100, |text| text.parse::<usize>().unwrap());
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let mut judged = 0;
    for _ in 0..cases {
        let mut bad = whole.clone();
        for _ in 0..rng.random_range(1..4) {
            if rng.random_range(0..4) == 0 {
                let text = bad.meta.get_mut("calibrations").unwrap();
                let digits: Vec<usize> = text.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at).collect();
                let at = digits[rng.random_range(0..digits.len())];
                text.replace_range(at..=at, ["-9", "e9", "e300", "0", "7", "null", "."][rng.random_range(0..7)]);
            } else {
                let i = rng.random_range(0..bad.tensors.len());
                let values = &mut bad.tensors[i].values;
                let at = rng.random_range(0..values.len());
                let mut bytes = values[at].to_le_bytes();
                // The last byte holds most of the exponent.
                bytes[[3, 3, 3, 2, 1, 0][rng.random_range(0..6)]] = rng.random();
                values[at] = f32::from_le_bytes(bytes);
            }
        }
        judged += usize::from(verdict_or_error(&bad, &query));
    }
    assert!(judged > cases / 10 && judged < cases, "{judged} of {cases} gave a verdict");
}
