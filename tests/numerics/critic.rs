//! The critic: trained on synthetic defects alone, it finds the defects of a built-in surface; training is
//! deterministic; and its score keeps the promised false-alarm rate.

use burn::tensor::Device;
use ganspect::{
    data::{
        DataSource, FileHash, surface,
        surface::{DefectType, SurfaceKind},
    },
    inspect::{
        Calibration, InvertKnobs, Planes, Regions, ScoreKind, Scores, Verdict,
        calibration::{HeldOut, MapScale},
        critic::{FrameCritic, NormalStats, StatsFitter, TestTimeAugmentation},
        evaluation::Ranking,
    },
    model::{Critic, FrozenCritic, Generator},
    train::{CriticTrainer, Recipe, critic},
};
use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

fn picture(defect: Option<DefectType>, index: u64) -> Planes {
    Planes::of(&surface::draw(SurfaceKind::Turned, defect, 31, index, 64).picture, 1, 1.0)
}

/// Trains a critic on turned metal for a number of steps.
fn trained(steps: u64) -> (Critic, FrameCritic, Vec<f32>) {
    let mut recipe = Recipe::default();
    for knob in [&format!("critic.steps={steps}"), "critic.batch=8", "critic.crop=64"] {
        recipe.assign(knob).unwrap();
    }
    let device = Device::flex();
    let opened = DataSource::Surface { kind: SurfaceKind::Turned, seed: 3 }.open(&|_, _| true).unwrap();
    let split = opened.split(0.2, 1).unwrap();
    let (training, fitting) = critic::statistics_split(&opened.training_indices(&split));
    let g = Generator::new(&recipe.model, &mut ChaCha8Rng::seed_from_u64(2), &device);
    let held_out = opened.held_out_indices(&split);
    let mut trainer = CriticTrainer::new(&recipe, Some(&g), &opened.store, training, held_out, &device).unwrap();
    let before = trainer.held_out_loss().unwrap().unwrap();
    let losses: Vec<f32> = (0..steps).map(|_| trainer.step().unwrap()).collect();
    // A few steps are not enough to improve it.
    assert!(steps < 50 || trainer.held_out_loss().unwrap().unwrap() < 0.8 * before);
    let mut fitter = StatsFitter::new(
        FrozenCritic::new(trainer.critic()),
        TestTimeAugmentation::of(&recipe),
        fitting.len(),
        &device,
    );
    while fitter.remaining() > 0 {
        let picture = opened.store.get(fitting[fitter.next_index()]).unwrap();
        fitter.add(&Planes::of(&picture, 1, 1.0)).unwrap();
    }
    (trainer.critic().clone(), fitter.finish(), losses)
}

fn score(critic: &FrameCritic, frame: &Planes) -> f64 {
    critic.score(&critic.map(frame).unwrap(), None).logit
}

#[test]
fn training_on_synthetic_defects_detects_the_surface_defects() {
    let (_, critic, _) = trained(120);
    let healthy: Vec<f64> = (0..20).map(|i| score(&critic, &picture(None, i))).collect();
    let kinds = [DefectType::Crack, DefectType::Pit];
    let defective: Vec<f64> = (0..20).map(|i| score(&critic, &picture(Some(kinds[i as usize % 2]), i))).collect();
    let area = Ranking::new(&healthy, &defective).unwrap().auroc().unwrap();
    assert!(area > 0.9, "{area}");
}

#[test]
fn the_same_recipe_gives_the_same_critic() {
    let ((_, one, first), (_, two, second)) = (trained(3), trained(3));
    assert_eq!(first, second);
    assert_eq!(one.stats(), two.stats());
}

#[test]
fn the_promised_rate_is_kept_over_splits_of_healthy_images() {
    // An untrained critic: the promise does not depend on its quality.
    let net = FrozenCritic::new(&Critic::new(1, 24, [0.0, 0.3], &mut ChaCha8Rng::seed_from_u64(5), &Device::flex()));
    let critic =
        FrameCritic::new(net, TestTimeAugmentation::of(&Recipe::default()), NormalStats::default(), &Device::flex());
    let mut all: Vec<f64> = (0..240).map(|i| score(&critic, &picture(None, 1_000 + i))).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let (rate, held_out) = (0.05, 79);
    let of = |value: f64| {
        let mut scores = Scores::default();
        scores.set(ScoreKind::Critic, value);
        scores
    };
    let mut shares = Vec::new();
    for _ in 0..20 {
        all.shuffle(&mut rng);
        let (known, fresh) = all.split_at(held_out);
        let calibration = Calibration {
            knobs: InvertKnobs::default(),
            regions: Regions::default(),
            held_out: known.iter().map(|&v| HeldOut { hash: FileHash::of(&v.to_le_bytes()), scores: of(v) }).collect(),
            size: (64, 64),
            smallest: None,
            scale: MapScale { difference: 1.0, feature: 1.0, critic: 8.0, distance: 8.0 },
            score: ScoreKind::Critic,
            fusion: Vec::new(),
            labelled: None,
            frames: None,
            region_levels: None,
            damaged: Vec::new(),
        };
        let alarm = |v: &&f64| calibration.assess(&of(**v), rate).unwrap().verdict == Verdict::Defective;
        shares.push(fresh.iter().filter(alarm).count() as f64 / fresh.len() as f64);
    }
    // The rate of one split varies with the held-out and the test images, as a beta-binomial does.
    let deviation = (rate * (1.0 - rate) * (1.0 / 161.0 + 1.0 / 80.0)).sqrt();
    assert!(shares.iter().all(|share| (share - rate).abs() < 3.5 * deviation), "{shares:?}");
    let mean = shares.iter().sum::<f64>() / 20.0;
    assert!((mean - rate).abs() < 2.5 * deviation / 20f64.sqrt(), "{mean}");
}
