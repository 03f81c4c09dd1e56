//! This program's half of the comparison in `benches/peers/run`: times each case and prints JSON.
//!
//! `--export DIR` writes the networks and reference results for the other half to check; `--cases A,B` times only these;
//! `--roof` measures the peak throughput of the machine.

#![allow(clippy::expect_used, clippy::disallowed_methods)] // a benchmark cannot run if its setup fails
#![allow(clippy::disallowed_macros)] // prints for the other half

mod work;

use std::{
    collections::BTreeMap,
    hint::black_box,
    path::Path,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use ganspect::{
    data::{CropSampler, DataSource, Loader, Opened},
    inspect::{FrozenNetworks, InspectionJob, InversionBatch, InvertKnobs, InvertPreset, Planes, Regions},
    kernels,
    model::{Critic, Discriminator, FrozenCritic, Generator, Latent, ModelKnobs, layers::Pass, weights},
    train::{CriticTrainer, Preset, Recipe, Trainer, Update},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde_json::{Value, json};
use work::Work;

const PRESETS: [(&str, Preset); 2] = [("laptop", Preset::Laptop), ("workbench", Preset::Workbench)];
/// Side of a whole frame.
const FRAME: usize = 512;
/// Steps of z for a whole frame.
const FRAME_STEPS: usize = 20;
/// Mean and standard deviation of the critic's input.
const BRIGHTNESS: [f32; 2] = [0.1, 0.3];

fn recipe(preset: Preset, batch: usize) -> Recipe {
    let mut recipe = preset.recipe();
    recipe.train.batch = batch;
    recipe
}

fn rng() -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(1)
}

fn networks(model: &ModelKnobs, device: &Device) -> (Generator, Discriminator) {
    let mut rng = rng();
    (Generator::new(model, &mut rng, device), Discriminator::new(model, &mut rng, device))
}

fn noise(n: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    (0..n).map(|_| rng.random_range(-0.5..0.5)).collect()
}

/// The built-in turned surface, generated once and decoded.
fn surface() -> &'static Opened {
    static OPENED: OnceLock<Opened> = OnceLock::new();
    OPENED.get_or_init(|| {
        let source: DataSource = "surface:turned".parse().expect("a source");
        let opened = source.open(&|_, _| true).expect("a surface");
        let sampler = crops(&opened, &Preset::Laptop.recipe());
        (0..16).for_each(|i| drop(sampler.batch(1, i, 64)));
        opened
    })
}

fn images(opened: &Opened) -> Vec<usize> {
    (0..opened.dataset.items.len()).collect()
}

fn crops(opened: &Opened, recipe: &Recipe) -> CropSampler {
    CropSampler::new(Arc::clone(&opened.store), images(opened), recipe.crop_spec()).expect("crops")
}

/// A case and its amount of work.
struct Case {
    name: String,
    work: Work,
    /// Sets the case up and returns a function that runs it once.
    begin: Box<dyn Fn() -> Box<dyn FnMut()>>,
}

fn case(name: String, work: Work, begin: impl Fn() -> Box<dyn FnMut()> + 'static) -> Case {
    Case { name, work, begin: Box::new(begin) }
}

fn train(name: &str, preset: Preset, batch: usize) -> Case {
    let work = work::train(&preset.recipe().model, batch);
    case(format!("train {name} {batch}"), work, move || {
        let recipe = recipe(preset, batch);
        let loader = Loader::new(crops(surface(), &recipe), 1).expect("a loader");
        let mut trainer = Trainer::new(recipe, &Device::flex(), loader, 1);
        Box::new(move || {
            black_box(trainer.step(Update::Both).expect("a step"));
        })
    })
}

fn invert(name: &str, preset: Preset, rows: usize) -> Case {
    let model = preset.recipe().model;
    let work = work::invert(&model, rows);
    case(format!("z {name} {rows}"), work, move || {
        let device = Device::flex();
        let (g, d) = networks(&model, &device);
        let networks = FrozenNetworks::new(&g, &d, None, &device);
        let knobs = InvertPreset::Talk2017.knobs();
        let crops = networks.upload(noise(rows * model.channels.count() * model.size * model.size), rows);
        let mut batch = InversionBatch::new(networks.start(&crops, 0, &knobs), &knobs);
        let target = networks.target(crops, &knobs);
        Box::new(move || {
            black_box(batch.step(&networks, &target, None, &knobs).expect("a step"));
        })
    })
}

/// A whole inspection of a square query, as run for the window.
fn inspect(name: &str, side: usize, steps: usize) -> Case {
    let model = Preset::Laptop.recipe().model;
    let tiles = ganspect::inspect::Tiling::new(side, side, model.size).len();
    let work = work::invert(&model, tiles) * steps as f64;
    case(name.to_owned(), work, move || {
        let device = Device::flex();
        let (g, d) = networks(&model, &device);
        let networks = FrozenNetworks::new(&g, &d, None, &device);
        let query = Arc::new(Planes::new(side, side, 1, noise(side * side)).expect("a query"));
        let knobs = InvertKnobs { steps, frame_steps: steps, ..InvertPreset::Talk2017.knobs() };
        Box::new(move || {
            let job = InspectionJob::new(&networks, Arc::clone(&query), knobs.clone(), &Regions::default());
            let mut job = job.expect("an inspection");
            while !job.slice(&networks).expect("a slice") {}
            black_box(job.outcome(None));
        })
    })
}

fn critic(device: &Device) -> Critic {
    Critic::new(1, Preset::Laptop.recipe().critic.width, BRIGHTNESS, &mut rng(), device)
}

fn critic_frame() -> Case {
    case(format!("critic frame {FRAME}"), work::frame(1, &Preset::Laptop.recipe().critic, [FRAME; 2]), || {
        let device = Device::flex();
        let critic = FrozenCritic::new(&critic(&device));
        let frame = TensorData::new(noise(FRAME * FRAME), [1, 1, FRAME, FRAME]);
        let frame = Tensor::<4>::from_data(frame, &device);
        Box::new(move || {
            let (logits, features) = critic.forward(frame.clone());
            black_box((logits.into_data(), features.into_data()));
        })
    })
}

fn critic_train() -> Case {
    let recipe = Preset::Laptop.recipe();
    case("critic train".into(), work::critic_train(recipe.model.channels.count(), &recipe.critic), move || {
        let device = Device::flex();
        let (g, _) = networks(&recipe.model, &device);
        let opened = surface();
        let trainer = CriticTrainer::new(&recipe, Some(&g), &opened.store, images(opened), Vec::new(), &device);
        let mut trainer = trainer.expect("a critic");
        Box::new(move || {
            black_box(trainer.step().expect("a step"));
        })
    })
}

fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for (name, preset) in PRESETS {
        all.extend([16, 64].map(|batch| train(name, preset, batch)));
        all.extend([1, 16, 64].map(|rows| invert(name, preset, rows)));
    }
    all.push(inspect("inspect 64", 64, 500));
    all.push(inspect(&format!("inspect {FRAME}"), FRAME, FRAME_STEPS));
    all.extend([critic_frame(), critic_train()]);
    all
}

/// Returns the median time of a call in milliseconds, of as many calls as fit into `budget` and at least three.
fn median(mut run: Box<dyn FnMut()>, budget: Duration) -> f64 {
    let began = Instant::now();
    let mut once = || {
        let began = Instant::now();
        run();
        began.elapsed().as_secs_f64() * 1e3
    };
    let first = once();
    if first < 500.0 {
        // Warms up caches, threads and the allocator.
        for _ in 0..3 {
            once();
        }
    }
    let mut times = Vec::new();
    while times.len() < 3 || (began.elapsed() < budget && times.len() < 2_000) {
        times.push(once());
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Returns the shortest time of several calls, in seconds.
fn best(times: usize, mut run: impl FnMut()) -> f64 {
    let once = |_| {
        let began = Instant::now();
        run();
        began.elapsed().as_secs_f64()
    };
    (0..times).map(once).fold(f64::INFINITY, f64::min)
}

/// Measures operations per second of a large matrix product, and bytes per second of a large copy (read and written).
fn roof() -> Value {
    const N: usize = 1536;
    const FLOATS: usize = 1 << 26;
    let device = Device::flex();
    let matrix = Tensor::<2>::from_data(TensorData::new(noise(N * N), [N, N]), &device);
    let product = best(12, || drop(black_box(matrix.clone().matmul(matrix.clone()).into_data())));
    let (from, mut to) = (vec![1.0f32; FLOATS], vec![0.0f32; FLOATS]);
    let copy = best(8, || {
        let part = FLOATS / rayon::current_num_threads();
        to.par_chunks_mut(part).zip(from.par_chunks(part)).for_each(|(to, from)| to.copy_from_slice(from));
        black_box(&to);
    });
    json!({ "flops": 2.0 * (N * N * N) as f64 / product, "bytes": 8.0 * FLOATS as f64 / copy })
}

fn write(dir: &Path, name: &str, values: &[f32]) {
    std::fs::write(dir.join(format!("{name}.f32")), bytemuck::cast_slice(values)).expect("a file");
}

/// Writes the values of all parameters to one file, and returns their names and shapes.
fn dump<M: Module>(dir: &Path, name: &str, network: &M) -> Value {
    let all = weights::read(network).expect("weights");
    let values: Vec<f32> = all.iter().flat_map(|w| w.values.iter().copied()).collect();
    write(dir, name, &values);
    let list: Vec<Value> = all.iter().map(|w| json!([w.name, w.shape])).collect();
    json!({ "weights": list, "numbers": network.num_params() })
}

fn numbers<const D: usize>(dir: &Path, name: &str, tensor: Tensor<D>) -> Vec<usize> {
    let (shape, values) = weights::host(tensor).expect("values");
    write(dir, name, &values);
    shape
}

/// Exports networks with non-trivial running statistics, and their results on fixed inputs.
fn export(dir: &Path) {
    std::fs::create_dir_all(dir).expect("a folder");
    let device = Device::flex();
    let mut all = BTreeMap::new();
    for (name, preset) in PRESETS {
        let model = preset.recipe().model;
        let (mut g, mut d) = networks(&model, &device);
        let z = Latent::new(&model).sample(8, &mut rng());
        let z = Tensor::<2>::from_data(TensorData::new(z, [8, model.latent_size]), &device);
        for _ in 0..4 {
            let (mut of_g, mut of_d) = (Vec::new(), Vec::new());
            let crops = g.forward(z.clone(), &mut Pass::Train(&mut of_g));
            let _ = d.forward(crops, &mut Pass::Train(&mut of_d), |x| x);
            g.absorb(of_g);
            d.absorb(of_d);
        }
        let crops = g.forward(z.clone(), &mut Pass::Evaluate);
        let logits = d.forward(crops.clone(), &mut Pass::Evaluate, |x| x);
        let targets = noise(8 * model.channels.count() * model.size * model.size);
        write(dir, &format!("{name} targets"), &targets);
        // The losses after twenty inversion steps, which depend on every rule that both halves implement.
        let frozen = FrozenNetworks::new(&g, &d, None, &device);
        let knobs = InvertPreset::Talk2017.knobs();
        let mut batch = InversionBatch::new(z.clone(), &knobs);
        let target = frozen.target(frozen.upload(targets, 8), &knobs);
        let mut losses = Vec::new();
        for _ in 0..20 {
            losses = batch.step(&frozen, &target, None, &knobs).expect("a step").0.total;
        }
        all.insert(
            name.to_owned(),
            json!({
                "g": dump(dir, &format!("{name} g"), &g),
                "d": dump(dir, &format!("{name} d"), &d),
                "z": numbers(dir, &format!("{name} z"), z),
                "crops": numbers(dir, &format!("{name} crops"), crops),
                "logits": numbers(dir, &format!("{name} logits"), logits),
                "losses": losses,
                "filters": model.filters(),
            }),
        );
        let sampler = self::crops(surface(), &recipe(preset, 64));
        let crops: Vec<f32> = (0..4).flat_map(|i| sampler.batch(1, i, 64).expect("crops")).collect();
        write(dir, &format!("{name} real"), &crops);
    }
    let mut critic = critic(&device);
    let frame = Tensor::<4>::from_data(TensorData::new(noise(96 * 96), [1, 1, 96, 96]), &device);
    for _ in 0..4 {
        let mut stats = Vec::new();
        let _ = critic.forward(frame.clone(), &mut Pass::Train(&mut stats));
        critic.absorb(stats);
    }
    let (logits, features) = FrozenCritic::new(&critic).forward(frame.clone());
    let knobs = Preset::Laptop.recipe().critic;
    all.insert(
        "critic".into(),
        json!({
            "c": dump(dir, "critic c", &critic),
            "frame": numbers(dir, "critic frame", frame),
            "logits": numbers(dir, "critic logits", logits),
            "features": numbers(dir, "critic features", features),
            "batch": knobs.batch,
            "crop": knobs.crop,
            "positive_weight": knobs.positive_weight,
        }),
    );
    let text = serde_json::to_string_pretty(&all).expect("JSON");
    std::fs::write(dir.join("export.json"), text).expect("a file");
}

fn main() {
    // As on the engine's compute thread.
    kernels::join_thread_pool();
    let arguments: Vec<String> = std::env::args().collect();
    let after = |flag: &str| arguments.iter().position(|a| a == flag).and_then(|i| arguments.get(i + 1));
    if let Some(dir) = after("--export") {
        export(Path::new(dir));
        return;
    }
    let wanted: Option<Vec<&str>> = after("--cases").map(|list| list.split(',').collect());
    let seconds = after("--seconds").and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let mut found = BTreeMap::new();
    for Case { name, work, begin } in cases() {
        if wanted.as_ref().is_none_or(|wanted| wanted.contains(&name.as_str())) {
            let ms = median(begin(), Duration::from_secs_f64(seconds));
            found.insert(name, json!({ "ms": ms, "flops": work.flops, "bytes": work.bytes }));
        }
    }
    let roof = arguments.iter().any(|a| a == "--roof").then(roof);
    println!("{}", json!({ "threads": rayon::current_num_threads(), "cases": found, "roof": roof }));
}
