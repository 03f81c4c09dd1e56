//! Inversion: the gradient of the whole loss, independence of rows in a batch, determinism, early stopping,
//! continuation, and robustness to defects.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use ganspect::{
    data::{
        surface,
        surface::{DefectType, SurfaceKind},
    },
    inspect::{
        Constraint, FrozenNetworks, InspectionJob, InvertKnobs, InvertPreset, LatentOptimiserKind,
        LatentOptimiserKnobs, LatentStart, Outcome, Planes, Region, RegionShape, Regions, ScoreKind,
    },
    model::{Discriminator, Encoder, FrozenDiscriminator, FrozenGenerator, Generator, ModelKnobs, layers::Pass},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn small() -> ModelKnobs {
    ModelKnobs { size: 32, latent_size: 12, ..ModelKnobs::default() }
}

fn parts(knobs: &ModelKnobs) -> (Generator, Discriminator, Encoder) {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let device = Device::flex();
    let mut g = Generator::new(knobs, &mut rng, &device);
    let d = Discriminator::new(knobs, &mut rng, &device);
    let e = Encoder::new(knobs, &mut rng, &device);
    // Running statistics of its own samples, as in training, so that the output depends on z.
    for _ in 0..20 {
        let z: Vec<f32> = (0..16 * knobs.latent_size).map(|_| rng.random_range(-1.0..1.0)).collect();
        let mut stats = Vec::new();
        g.forward(
            Tensor::from_data(TensorData::new(z, [16, knobs.latent_size]), &device),
            &mut Pass::Train(&mut stats),
        );
        g.absorb(stats);
    }
    (g, d, e)
}

fn networks(knobs: &ModelKnobs) -> FrozenNetworks {
    let (g, d, e) = parts(knobs);
    FrozenNetworks::new(&g, &d, Some(&e), &Device::flex())
}

fn turned(side: usize, defect: Option<DefectType>) -> Arc<Planes> {
    Arc::new(Planes::of(&surface::draw(SurfaceKind::Turned, defect, 5, 0, side).picture, 1, 1.0))
}

fn finish(networks: &FrozenNetworks, mut job: InspectionJob) -> Outcome {
    while !job.slice(networks).unwrap() {}
    job.outcome(None).unwrap()
}

fn invert(networks: &FrozenNetworks, query: &Arc<Planes>, knobs: &InvertKnobs) -> Outcome {
    finish(networks, InspectionJob::new(networks, Arc::clone(query), knobs.clone(), &Regions::default()).unwrap())
}

fn short() -> InvertKnobs {
    InvertKnobs { steps: 12, plateau: 0, ..InvertKnobs::default() }
}

#[test]
fn frozen_weights_give_the_output_of_the_generator() {
    for knobs in [
        small(),
        ModelKnobs {
            norm_order: ganspect::model::NormOrder::NormFirst,
            upsampling: ganspect::model::Upsampling::TransposedConv,
            ..small()
        },
    ] {
        let device = Device::flex();
        let (g, ..) = parts(&knobs);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let values: Vec<f32> = (0..6 * 12).map(|_| rng.random_range(-1.0..1.0)).collect();
        let z = Tensor::<2>::from_data(TensorData::new(values, [6, 12]), &device);
        let wanted = g.forward(z.clone(), &mut Pass::Evaluate).into_data().try_into_vec::<f32>().unwrap();
        let got = FrozenGenerator::new(&g).forward(z).into_data().try_into_vec::<f32>().unwrap();
        for (a, b) in got.iter().zip(&wanted) {
            assert!((a - b).abs() < 1e-5, "{a} for {b}");
        }
    }
}

#[test]
fn frozen_weights_give_the_output_of_the_discriminator() {
    for norm_order in [ganspect::model::NormOrder::ActivationFirst, ganspect::model::NormOrder::NormFirst] {
        for size in [32, 64] {
            let knobs = ModelKnobs { size, norm_order, discriminator_norm: true, ..small() };
            let device = Device::flex();
            let mut d = Discriminator::new(&knobs, &mut ChaCha8Rng::seed_from_u64(5), &device);
            let mut rng = ChaCha8Rng::seed_from_u64(6);
            let mut crops = || {
                let values: Vec<f32> = (0..3 * size * size).map(|_| rng.random_range(-1.0..1.0)).collect();
                Tensor::<4>::from_data(TensorData::new(values, [3, 1, size, size]), &device)
            };
            // Running statistics different from their initial values.
            for _ in 0..3 {
                let mut stats = Vec::new();
                let _ = d.forward(crops(), &mut Pass::Train(&mut stats), |x| x);
                d.absorb(stats);
            }
            let (x, fixed) = (crops(), FrozenDiscriminator::new(&d));
            let values = |t: Tensor<1>| t.into_data().try_into_vec::<f32>().unwrap();
            let logits = d.forward(x.clone(), &mut Pass::Evaluate, |x| x).flatten(0, 1);
            let features = d.features(x.clone(), &mut Pass::Evaluate).flatten(0, 3);
            for (got, wanted) in
                [(fixed.forward(x.clone()).flatten(0, 1), logits), (fixed.features(x).flatten(0, 3), features)]
            {
                for (a, b) in values(got).into_iter().zip(values(wanted)) {
                    assert!((a - b).abs() < 1e-4, "{a} for {b}");
                }
            }
        }
    }
}

#[test]
fn the_gradient_of_the_whole_loss_is_that_of_finite_differences() {
    let knobs = InvertKnobs { feature_weight: 0.3, prior_weight: 2.0, ..InvertKnobs::default() };
    let networks = networks(&small());
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let rows = 2;
    let z: Vec<f32> = (0..rows * 12).map(|_| rng.random_range(-0.8..0.8)).collect();
    let crops: Vec<f32> = (0..rows * 32 * 32).map(|_| rng.random_range(-1.0..1.0)).collect();
    let weights: Vec<f32> = (0..rows * 32 * 32).map(|_| rng.random_range(0.1..1.0)).collect();
    let target = networks.target(networks.upload(crops, rows), &knobs);
    let weights = networks.upload_planes(weights, rows);
    let device = Device::flex();
    let loss = |z: Vec<f32>| {
        let z = Tensor::from_data(TensorData::new(z, [rows, 12]), &device);
        let (losses, _) = networks.losses(z, &target, Some(&weights), &knobs);
        losses.total.into_data().try_into_vec::<f32>().unwrap()
    };
    let tracked = Tensor::<2>::from_data(TensorData::new(z.clone(), [rows, 12]), &device).autodiff().require_grad();
    let (losses, _) = networks.losses(tracked.clone(), &target, Some(&weights), &knobs);
    let gradients = losses.total.sum().backward();
    let gradient = tracked.grad(&gradients).unwrap().into_data().try_into_vec::<f32>().unwrap();
    let step = 5e-4;
    let (mut worst, mut largest) = (0.0f64, 0.0f64);
    for i in 0..z.len() {
        let moved = |by: f32| {
            let mut z = z.clone();
            z[i] += by;
            loss(z)
        };
        let (up, down) = (moved(step), moved(-step));
        let row = i / 12;
        let numeric = (f64::from(up[row]) - f64::from(down[row])) / (2.0 * f64::from(step));
        worst = worst.max((numeric - f64::from(gradient[i])).abs());
        largest = largest.max(numeric.abs());
        // Rows are independent.
        assert_eq!(up[1 - row], down[1 - row]);
    }
    // Kinks of |x| and LeakyReLU cause small differences.
    assert!(worst < 0.02 * largest && largest > 1.0, "error {worst}, largest gradient {largest}");
}

#[test]
fn no_gradient_reaches_the_weights() {
    let tracked = Device::flex().autodiff();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let g = Generator::new(&small(), &mut rng, &tracked);
    let d = Discriminator::new(&small(), &mut rng, &tracked);
    let networks = FrozenNetworks::new(&g, &d, None, &tracked);
    let z = Tensor::<2>::zeros([1, 12], &Device::flex());
    // Without a tracked z, nothing is tracked.
    let knobs = InvertKnobs::default();
    let target = networks.target(networks.upload(vec![0.1; 1024], 1), &knobs);
    let (losses, generated) = networks.losses(z, &target, None, &knobs);
    assert!(!losses.total.is_require_grad() && !generated.is_autodiff() && !losses.total.is_autodiff());
}

#[test]
fn results_depend_only_on_the_seed() {
    let networks = networks(&small());
    let query = turned(80, None);
    let knobs = InvertKnobs { restarts: 2, start: LatentStart::Random, ..short() };
    let (a, b) = (invert(&networks, &query, &knobs), invert(&networks, &query, &knobs));
    assert_eq!(a.scores(), b.scores());
    assert_eq!(a.reconstruction, b.reconstruction);
    let other = invert(&networks, &query, &InvertKnobs { seed: 2, ..knobs });
    assert_ne!(a.scores(), other.scores());
    assert!(a.records.iter().all(|r| r.loss.len() == 2));
}

#[test]
fn the_loss_decreases_and_the_best_step_is_kept() {
    let networks = networks(&small());
    let query = turned(32, None);
    for (kind, lr) in [
        (LatentOptimiserKind::Lbfgs, 1.0),
        (LatentOptimiserKind::Adam, 0.02),
        (LatentOptimiserKind::Sgd, 1e-4),
        (LatentOptimiserKind::RmsProp, 0.02),
    ] {
        let optimiser = LatentOptimiserKnobs { kind, lr, beta1: 0.8, beta2: 0.9 };
        let outcome = invert(&networks, &query, &InvertKnobs { steps: 40, optimiser, robust: 0.0, ..short() });
        let first = outcome.records[0].residual;
        let least = outcome.records.iter().map(|r| r.residual).fold(f32::INFINITY, f32::min);
        assert!(least < 0.97 * first, "{kind:?}: {least} from {first}");
        let kept = outcome.scores().get(ScoreKind::L1) as f32;
        assert!((kept - least).abs() < 1e-4, "{kind:?}: kept {kept}, lowest {least}");
        assert_eq!(outcome.records.len(), 40);
    }
}

#[test]
fn scores_follow_from_the_maps() {
    let networks = networks(&small());
    let outcome = invert(&networks, &turned(40, Some(DefectType::Pit)), &short());
    let sum: f64 = outcome.difference.iter().map(|v| f64::from(v.abs())).sum();
    let score = |kind| outcome.scores().get(kind);
    assert!((score(ScoreKind::L1Sum) - sum).abs() < 1e-3 * sum);
    assert!((score(ScoreKind::L1) * 1_600.0 - sum).abs() < 1e-3 * sum);
    assert!(score(ScoreKind::WorstTile) >= score(ScoreKind::L1) * 0.8);
    assert!(score(ScoreKind::WorstSpot) >= score(ScoreKind::WorstTile));
    assert!(score(ScoreKind::Feature) > 0.0);
    assert_eq!((outcome.tiles, outcome.feature.len()), (4, 1_600));
}

#[test]
fn robust_weights_leave_a_defect_in_the_difference() {
    let networks = networks(&small());
    // An image that the generator reproduces exactly, with a bright square on it.
    let clean = networks.samples(1, 8).unwrap();
    let square = |i: usize| (4..18).contains(&(i % 32)) && (6..20).contains(&(i / 32));
    let damaged = clean.iter().enumerate().map(|(i, &v)| if square(i) { 1.0 } else { v }).collect();
    let query = Arc::new(Planes::new(32, 32, 1, damaged).unwrap());
    let around = |robust: f64| {
        let optimiser = LatentOptimiserKnobs { kind: LatentOptimiserKind::Adam, lr: 0.05, beta1: 0.9, beta2: 0.9 };
        let knobs = InvertKnobs {
            steps: 160,
            plateau: 0,
            start: LatentStart::Random,
            robust,
            optimiser,
            ..InvertKnobs::default()
        };
        let outcome = invert(&networks, &query, &knobs);
        let reconstructed = outcome.reconstruction.values();
        let gap = |inside: bool| -> f32 {
            (0..1024).filter(|&i| square(i) == inside).map(|i| (reconstructed[i] - clean[i]).abs()).sum()
        };
        (gap(false), gap(true))
    };
    let (plain, robust) = (around(0.0), around(1.0));
    // Closer to the undamaged image, both around and under the square.
    assert!(robust.0 < plain.0 && robust.1 < 0.8 * plain.1, "{robust:?} against {plain:?}");
}

#[test]
fn a_job_stops_early_and_continues() {
    let networks = networks(&small());
    let new = || InspectionJob::new(&networks, turned(40, None), short(), &Regions::default()).unwrap();
    let mut job = new();
    // Stopped before the first slice: the initial reconstruction is still generated.
    job.stop();
    while !job.slice(&networks).unwrap() {}
    assert_eq!((job.outcome(None).unwrap().steps, job.frames().len()), (1, 2));
    let before = job.outcome(None).unwrap().scores().get(ScoreKind::L1);
    job.extend(30);
    assert!(job.outcome(None).is_none());
    while !job.slice(&networks).unwrap() {}
    let outcome = job.outcome(None).unwrap();
    assert_eq!((outcome.steps, outcome.records.len()), (31, 31));
    assert!(outcome.scores().get(ScoreKind::L1) < before);

    let mut job = new();
    while job.step() < 5 {
        job.slice(&networks).unwrap();
    }
    job.stop();
    while !job.slice(&networks).unwrap() {}
    assert_eq!(job.outcome(None).unwrap().steps, 5);
}

#[test]
fn a_flat_loss_stops_early_and_the_constraint_holds() {
    let networks = networks(&small());
    let still = LatentOptimiserKnobs { kind: LatentOptimiserKind::Adam, lr: 1e-6, beta1: 0.9, beta2: 0.9 };
    let knobs = InvertKnobs { steps: 200, plateau: 10, robust: 0.0, optimiser: still, ..InvertKnobs::default() };
    let outcome = invert(&networks, &turned(32, None), &knobs);
    assert!(outcome.steps <= 12, "{}", outcome.steps);
    let wild = LatentOptimiserKnobs { kind: LatentOptimiserKind::Adam, lr: 5.0, beta1: 0.9, beta2: 0.9 };
    for (constraint, least, most) in
        [(Constraint::Sphere, 0.999, 1.001), (Constraint::Clip, 0.0, 2.3), (Constraint::None, 3.0, f32::INFINITY)]
    {
        let knobs = InvertKnobs { constraint, optimiser: wild.clone(), ..short() };
        let last = invert(&networks, &turned(32, None), &knobs).records[11].z_norm;
        assert!(last >= least && last <= most, "{constraint:?}: {last}");
    }
}

#[test]
fn scores_cover_the_regions_only() {
    let networks = networks(&small());
    let query = turned(96, Some(DefectType::Scratch));
    let only = |x0: f32, x1: f32| {
        Regions(vec![Region { ignore: false, shape: RegionShape::Rectangle([x0, 0.0], [x1, 96.0]) }])
    };
    let left = finish(&networks, InspectionJob::new(&networks, Arc::clone(&query), short(), &only(0.0, 40.0)).unwrap());
    assert!(left.tiles < invert(&networks, &query, &short()).tiles);
    let beyond = left.difference.iter().enumerate().filter(|(i, _)| i % 96 >= 40);
    assert!(beyond.map(|(_, v)| v.abs()).sum::<f32>() == 0.0);
    let none = InspectionJob::new(&networks, query, short(), &only(200.0, 300.0));
    assert!(none.unwrap_err().to_string().contains("no pixel"));
}

#[test]
fn knobs_out_of_range_are_refused() {
    let networks = networks(&small());
    let knobs = InvertKnobs { steps: 0, ..InvertPreset::Quick.knobs() };
    let refused = InspectionJob::new(&networks, turned(32, None), knobs, &Regions::default()).unwrap_err();
    assert!(refused.to_string().contains("from 1 to 100000"), "{refused}");
}

#[test]
fn only_the_changed_area_of_a_query_is_inspected_again() {
    let networks = networks(&small());
    let clean = turned(128, None);
    let knobs = InvertKnobs { robust: 0.0, ..short() };
    let before = invert(&networks, &clean, &knobs);
    let mut values = clean.values().to_vec();
    for (x, y) in (0..12 * 12).map(|i| (40 + i % 12, 70 + i / 12)) {
        values[y * 128 + x] = 1.0;
    }
    let query = Arc::new(Planes::new(128, 128, 1, values).unwrap());
    let changed = |query| InspectionJob::changed(&networks, query, &before, &Regions::default()).unwrap();
    assert!(changed(Arc::clone(&clean)).is_none());
    let job = changed(Arc::clone(&query)).unwrap();
    let (part, whole) = (finish(&networks, job), invert(&networks, &query, &knobs));
    assert_eq!((part.tiles, part.steps), (whole.tiles, whole.steps));
    for i in 0..128 * 128 {
        let (x, y) = (i % 128, i / 128);
        let at = |o: &Outcome| (o.reconstruction.values()[i], o.feature[i]);
        let (own, all, old) = (at(&part), at(&whole), at(&before));
        if (40..52).contains(&x) && (70..82).contains(&y) {
            // Every tile that covers it was inspected again.
            assert!((own.0 - all.0).abs() < 1e-4 && (own.1 - all.1).abs() < 1e-4, "{x} {y}: {own:?} {all:?}");
        } else if !(0..96).contains(&x) || !(32..120).contains(&y) {
            assert!((own.0 - old.0).abs() < 1e-6 && (own.1 - old.1).abs() < 1e-6, "no tile reaches {x} {y}");
        }
    }
    assert!(part.reconstruction.values() != before.reconstruction.values());
    for kind in [ScoreKind::L1, ScoreKind::WorstSpot, ScoreKind::Feature, ScoreKind::FeatureSpot] {
        let (own, all, old) = (part.scores().get(kind), whole.scores().get(kind), before.scores().get(kind));
        assert!((own - all).abs() <= 0.05 * (all - old).abs() + 1e-6, "{kind:?}: {own} for {all}, {old} before");
    }
}
