use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{FrameLimits, FrameMeasure, FrameMeasures};
use crate::{
    data::{surface, surface::SurfaceKind},
    inspect::{
        Calibration, Model, Planes, Scores, Verdict,
        untrained::{SIDE, healthy, inspect, knobs, model},
    },
};

fn frame(value: impl FnMut(usize) -> f32) -> Planes {
    // As an 8-bit camera gives it.
    let stored = |v: f32| (v.clamp(0.0, 1.0) * 255.0).round() / 127.5 - 1.0;
    Planes::new(SIDE, SIDE, 1, (0..SIDE * SIDE).map(value).map(stored).collect()).unwrap()
}

fn normal(rng: &mut ChaCha8Rng) -> f32 {
    (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0
}

/// The grey values of a healthy image, 0 to 1.
fn grey(kind: SurfaceKind, index: u64) -> Vec<f32> {
    healthy(kind, 900, index).values().iter().map(|v| 0.5 * (v + 1.0)).collect()
}

/// Mean over a square.
fn blurred(grey: &[f32], reach: usize) -> Vec<f32> {
    crate::data::box_mean(grey, SIDE, SIDE, reach, None)
}

/// Frames as a broken camera, a failed lamp or a wrong cable give them, by name.
fn bad_frames(kind: SurfaceKind, seed: u64) -> Vec<(String, Planes)> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let good = grey(kind, seed);
    let mut all: Vec<(String, Planes)> = Vec::new();
    let mut add = |name: &str, planes: Planes| all.push((name.to_owned(), planes));
    for level in [0.0, 0.02, 0.25, 0.5, 0.75, 1.0] {
        add(&format!("uniform {level}"), frame(|_| level));
    }
    for (level, noise) in [(0.0, 0.01), (0.03, 0.01), (0.05, 0.03), (0.2, 0.01), (0.5, 0.02), (0.5, 0.2), (0.97, 0.02)]
    {
        add(&format!("noise of {noise} at {level}"), frame(|_| level + noise * normal(&mut rng)));
    }
    add("lamp off", frame(|i| 0.03 * good[i] + 0.004 * normal(&mut rng)));
    for gain in [4.0, 8.0] {
        let median = {
            let mut v = good.clone();
            v.sort_by(f32::total_cmp);
            v[v.len() / 2]
        };
        add(&format!("overexposed to {gain} times white"), frame(|i| gain * good[i] / median));
    }
    for (from, to) in [(SIDE / 2, SIDE), (0, SIDE / 2), (SIDE / 4, SIDE / 2), (8, SIDE)] {
        add(
            &format!("row {from} frozen to {to}"),
            frame(|i| {
                let (x, y) = (i % SIDE, i / SIDE);
                good[if (from..to).contains(&y) { from } else { y } * SIDE + x]
            }),
        );
        add(
            &format!("column {from} frozen to {to}"),
            frame(|i| {
                let (x, y) = (i % SIDE, i / SIDE);
                good[y * SIDE + if (from..to).contains(&x) { from } else { x }]
            }),
        );
    }
    for reach in [6, 12] {
        let soft = blurred(&good, reach);
        add(&format!("blurred over {reach}"), frame(|i| soft[i]));
    }
    for share in [0.1, 0.3] {
        add(
            &format!("salt on {share}"),
            frame(|i| if rng.random::<f32>() < share { f32::from(u8::from(rng.random::<bool>())) } else { good[i] }),
        );
    }
    add("half transferred", frame(|i| if i / SIDE < SIDE / 2 { good[i] } else { 0.0 }));
    add("half transferred, grey", frame(|i| if i / SIDE < SIDE / 2 { good[i] } else { 0.5 }));
    add("checks", frame(|i| if (i % SIDE / 8 + i / SIDE / 8).is_multiple_of(2) { 0.2 } else { 0.8 }));
    add("bars", frame(|i| (i % SIDE / 12) as f32 / 8.0));
    add("gradient", frame(|i| (i / SIDE) as f32 / SIDE as f32));
    add("magnified", frame(|i| good[(i / SIDE / 6) * SIDE + i % SIDE / 6]));
    add("interference", frame(|i| good[i] + 0.3 * ((i / SIDE) as f32 * 0.9).sin()));
    add("bits lost", frame(|i| if good[i] > 0.45 { 1.0 } else { 0.0 }));
    all
}

/// A calibration as earlier versions stored it.
fn earlier(model: &Model) -> Calibration {
    let mut calibration = model.calibration(&knobs()).unwrap().clone();
    calibration.frames = None;
    calibration.fusion.iter_mut().for_each(|term| term.least = None);
    calibration.fuse_held_out();
    calibration
}

/// What the verdict of a frame that shows no part of the model's kind is, on both kinds of calibration.
fn verdicts(model: &Model, frame: &Planes) -> [(Verdict, String); 2] {
    let outcome = inspect(model, frame).unwrap();
    let earlier = earlier(model).assess(outcome.scores(), 0.2).unwrap();
    [outcome.assessment().cloned().unwrap(), earlier].map(|a| (a.verdict, format!("{} (p = {})", a.describe(), a.p)))
}

/// Frames that show no part are never healthy, although no network was trained; parts are always recognised as such.
fn check(kind: SurfaceKind) {
    for seed in seeds() {
        let model = model(kind, seed, 24);
        for (name, frame) in bad_frames(kind, seed) {
            let [(verdict, said), (earlier, earlier_said)] = verdicts(&model, &frame);
            assert_ne!(verdict, Verdict::Healthy, "{kind:?} {seed}, {name}: {said}");
            // A calibration of an earlier version recognises what no camera sees of any part.
            let obvious = ["uniform", "lamp off", "overexposed to 8", "frozen to 96", "frozen to 48"];
            if obvious.iter().any(|obvious| name.contains(obvious)) {
                assert_eq!(verdict, Verdict::NotThisPart, "{kind:?} {seed}, {name}: {said}");
                assert_eq!(earlier, Verdict::NotThisPart, "{kind:?} {seed}, {name}, earlier: {earlier_said}");
            }
        }
        for i in 0..3 {
            let good = grey(kind, 50 + i);
            for gain in [1.0, 0.5, 1.5] {
                for (verdict, said) in verdicts(&model, &frame(|at| gain * good[at])) {
                    assert_ne!(verdict, Verdict::NotThisPart, "{kind:?} {seed}, exposure {gain}: {said}");
                }
            }
            for &defect in kind.defects() {
                let planes = Planes::of(&surface::draw(kind, Some(defect), 70, i, SIDE).picture, 1, 1.0);
                for (verdict, said) in verdicts(&model, &planes) {
                    assert_ne!(verdict, Verdict::NotThisPart, "{kind:?} {seed}, {defect:?}: {said}");
                }
            }
        }
    }
}

/// Four models per surface, or as many as `GANSPECT_FRAME_SEEDS` says.
fn seeds() -> std::ops::RangeInclusive<u64> {
    1..=std::env::var("GANSPECT_FRAME_SEEDS").map_or(4, |text| text.parse().unwrap())
}

#[test]
fn turned_metal_is_told_from_what_is_no_part() {
    check(SurfaceKind::Turned);
}

#[test]
fn milled_metal_is_told_from_what_is_no_part() {
    check(SurfaceKind::Milled);
}

#[test]
fn ground_metal_is_told_from_what_is_no_part() {
    check(SurfaceKind::Ground);
}

#[test]
fn brushed_metal_is_told_from_what_is_no_part() {
    check(SurfaceKind::Brushed);
}

#[test]
fn quieter_scores_do_not_outweigh_what_is_anomalous() {
    let model = model(SurfaceKind::Milled, 1, 24);
    let calibration = model.calibration(&knobs()).unwrap();
    assert!(calibration.fusion.len() > 1 && calibration.fusion.iter().all(|term| term.least.is_some()));
    for term in &calibration.fusion {
        let scores = calibration.held_out[0].scores.clone();
        let at = |scores: &Scores, value: f64| {
            let mut scores = scores.clone();
            scores.set(term.score, value);
            calibration.assess(&scores, 0.2).unwrap().score
        };
        // Nine spreads below usual count as little as the lower bound does, and more is never less anomalous.
        let least = term.least.unwrap();
        let low = at(&scores, term.centre - 9.0 * term.spread);
        assert!((low - at(&scores, term.centre + least * term.spread)).abs() < 1e-4 * (1.0 + low.abs()));
        assert!(at(&scores, term.centre + 9.0 * term.spread) > low + term.weight);
    }
    // The rule of a stored calibration does not change, to the last digit.
    let earlier = earlier(&model);
    for held_out in &calibration.held_out {
        let sum: f64 = earlier
            .fusion
            .iter()
            .map(|p| p.weight * (held_out.scores.get(p.score) - p.centre) / p.spread.max(1e-12))
            .sum();
        assert_eq!(earlier.assess(&held_out.scores, 0.2).unwrap().score, f64::from(sum as f32));
    }
    let stored = serde_json::to_string(&earlier).unwrap();
    assert!(!stored.contains("least") && !stored.contains("frames"), "{stored}");
    assert_eq!(serde_json::from_str::<Calibration>(&stored).unwrap(), earlier);
}

#[test]
fn limits_and_measures_round_trip_through_a_file() {
    let model = model(SurfaceKind::Ground, 1, 24);
    let calibration = model.calibration(&knobs()).unwrap();
    let stored = serde_json::to_string(calibration).unwrap();
    assert_eq!(&serde_json::from_str::<Calibration>(&stored).unwrap(), calibration);
    let scores = inspect(&model, &healthy(SurfaceKind::Ground, 9, 1)).unwrap().scores().clone();
    let stored = serde_json::to_string(&scores).unwrap();
    assert_eq!(serde_json::from_str::<Scores>(&stored).unwrap(), scores);
    assert!(stored.contains("\"frozen_rows\":0.0") && stored.contains("\"critic_distance\":"), "{stored}");
}

#[test]
fn a_large_defect_in_a_small_frame_is_a_defect_and_not_another_part() {
    let good = healthy(SurfaceKind::Ground, 900, 1);
    let map = |seed: u64, raised: f32| -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..1_000).map(|i| normal(&mut rng) + if (i as f32) < 1_000.0 * raised { 60.0 } else { 0.0 }).collect()
    };
    let measured = |seed: u64, raised: f32| {
        let map = map(seed, raised);
        FrameMeasures::of(&good).with_critic(&map, &map)
    };
    let healthy: Vec<FrameMeasures> = (0..20).map(|seed| measured(seed, 0.0)).collect();
    let limits = FrameLimits::of(&healthy);
    assert_eq!(limits.fault(&measured(50, 0.0)), None);
    // Its influence reaches most of the frame, but not all of it.
    assert_eq!(limits.fault(&measured(51, 0.7)), None);
    let fault = limits.fault(&measured(52, 1.0)).unwrap();
    assert!(fault.measure == FrameMeasure::LeastLogit && fault.describe().contains("all over"), "{fault:?}");
    // Far quieter than any healthy part, as ever.
    let quiet = vec![-20.0; 1_000];
    let fault = limits.fault(&FrameMeasures::of(&good).with_critic(&quiet, &quiet)).unwrap();
    assert!(fault.measure == FrameMeasure::CriticLogit && fault.describe().contains("quieter"), "{fault:?}");
    // A calibration of an earlier version knows the medians only.
    let mut stored = serde_json::to_value(&limits).unwrap();
    let known = stored.as_object_mut().unwrap();
    assert!(known.remove("least_logit").is_some() && known.remove("least_distance").is_some());
    let earlier: FrameLimits = serde_json::from_value(stored).unwrap();
    assert_eq!(earlier.fault(&measured(51, 0.7)).unwrap().measure, FrameMeasure::CriticLogit);
    assert_eq!(earlier.fault(&measured(50, 0.0)), None);
}
