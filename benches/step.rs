//! The generator's forward pass and update, folded and plain; a whole training step and inversion step at Laptop and Workbench
//! width; smoothing of long curves; loading of a model; and the time from a command until training or inspection has stopped:
//! `cargo bench --bench step`

use std::{
    hint::black_box,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use burn::{
    module::Module,
    tensor::{Device, Tensor, TensorData},
};
use criterion::{Criterion, criterion_group, criterion_main};
use ganspect::{
    data::{CropSampler, DataSource, Loader, surface, surface::SurfaceKind},
    device::DeviceChoice,
    engine::{
        Engine, EngineCommand, InspectionRequest, TrainingRequest,
        inspection::{ModelSource, Query, QueryId, QuerySource, QueryState},
        training::TrainingPhase,
    },
    inspect::{FrozenNetworks, InspectionJob, InversionBatch, InvertPreset, Model, Planes, Regions},
    model::{Discriminator, Generator, Latent, layers::Pass},
    train::{Metric, Preset, Trainer, Update},
    ui::{Curve, smooth_all},
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const PRESETS: [(&str, Preset); 2] = [("laptop", Preset::Laptop), ("workbench", Preset::Workbench)];

fn generator(c: &mut Criterion) {
    let device = Device::flex();
    let mut group = c.benchmark_group("generator forward, 16 crops");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    for (name, preset) in PRESETS {
        let knobs = preset.recipe().model;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let g = Generator::new(&knobs, &mut rng, &device);
        let z = Latent::new(&knobs).sample(16, &mut rng);
        let z = Tensor::<2>::from_data(TensorData::new(z, [16, knobs.latent_size]), &device);
        group.bench_function(format!("{name}, folded"), |b| {
            b.iter(|| black_box(g.forward(z.clone(), &mut Pass::Evaluate).into_data()));
        });
        group.bench_function(format!("{name}, plain"), |b| {
            b.iter(|| black_box(g.forward_reference(z.clone(), &mut Pass::Evaluate).into_data()));
        });
    }
    group.finish();
}

/// Forward and backward pass through G and D, as in an update of G, without the optimiser.
fn update(c: &mut Criterion) {
    let device = Device::flex();
    let tracked = device.clone().autodiff();
    let mut group = c.benchmark_group("generator update, batch 16");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    for (name, preset) in PRESETS {
        let knobs = preset.recipe().model;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let g = Generator::new(&knobs, &mut rng, &tracked);
        let d = Discriminator::new(&knobs, &mut rng, &tracked).no_grad();
        let z = Latent::new(&knobs).sample(16, &mut rng);
        let z = Tensor::<2>::from_data(TensorData::new(z, [16, knobs.latent_size]), &device);
        let mut run = |way: &str, generate: fn(&Generator, Tensor<2>, &mut Pass<'_>) -> Tensor<4>| {
            group.bench_function(format!("{name}, {way}"), |b| {
                b.iter(|| {
                    let crops = generate(&g, z.clone(), &mut Pass::Train(&mut Vec::new()));
                    let logits = d.forward(crops, &mut Pass::Train(&mut Vec::new()), |x| x);
                    black_box(logits.mean().backward());
                });
            });
        };
        run("folded", Generator::forward);
        run("plain", Generator::forward_reference);
    }
    group.finish();
}

fn step(c: &mut Criterion) {
    let mut group = c.benchmark_group("training step, batch 16");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    for (name, preset) in PRESETS {
        let mut recipe = preset.recipe();
        recipe.train.batch = 16;
        let Ok(source) = "surface:turned".parse::<DataSource>() else { continue };
        let Ok(opened) = source.open(&|_, _| true) else { continue };
        let indices = (0..opened.dataset.items.len()).collect();
        let Ok(sampler) = CropSampler::new(Arc::clone(&opened.store), indices, recipe.crop_spec()) else { continue };
        let Ok(loader) = Loader::new(sampler, 1) else { continue };
        let mut trainer = Trainer::new(recipe, &Device::flex(), loader, 1);
        group.bench_function(name, |b| b.iter(|| black_box(trainer.step(Update::Both).is_ok())));
    }
    group.finish();
}

/// One inversion step for a number of crops; an inspection takes 500 of them with the talk's settings.
fn inversion(c: &mut Criterion) {
    let device = Device::flex();
    let mut group = c.benchmark_group("inversion step");
    group.sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    for (name, preset) in PRESETS {
        let model = preset.recipe().model;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let g = Generator::new(&model, &mut rng, &device);
        let d = Discriminator::new(&model, &mut rng, &device);
        let networks = FrozenNetworks::new(&g, &d, None, &device);
        for rows in [1, 16] {
            let knobs = InvertPreset::Talk2017.knobs();
            let crops = networks.upload(vec![0.1; rows * model.channels.count() * model.size * model.size], rows);
            let mut batch = InversionBatch::new(networks.start(&crops, 0, &knobs), &knobs);
            let target = networks.target(crops, &knobs);
            group.bench_function(format!("{name}, batch {rows}"), |b| {
                b.iter(|| black_box(batch.step(&networks, &target, None, &knobs).is_ok()));
            });
        }
    }
    group.finish();
}

/// The talk's 500 steps on a 64x64 query as in an inspection, including the frames for the window.
fn inspection(c: &mut Criterion) {
    let device = Device::flex();
    let mut group = c.benchmark_group("500 steps, one 64x64 query");
    group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(15));
    let model = Preset::Laptop.recipe().model;
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let g = Generator::new(&model, &mut rng, &device);
    let d = Discriminator::new(&model, &mut rng, &device);
    let networks = FrozenNetworks::new(&g, &d, None, &device);
    let Some(query) = Planes::new(64, 64, 1, vec![0.1; 64 * 64]) else { return };
    let query = Arc::new(query);
    group.bench_function("laptop", |b| {
        b.iter(|| {
            let knobs = InvertPreset::Talk2017.knobs();
            let job = InspectionJob::new(&networks, Arc::clone(&query), knobs, &Regions::default());
            if let Ok(mut job) = job {
                while let Ok(false) = job.slice(&networks) {}
                black_box(job.outcome(None));
            }
        });
    });
    group.finish();
}

/// A change of the smoothing: all curves of a long run are smoothed again over their full length.
fn smoothing(c: &mut Criterion) {
    const ROWS: usize = 200_000;
    let mut group = c.benchmark_group("smoothing 200,000 rows");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    let mut curve = Curve::new(0.5);
    (0..ROWS).for_each(|row| curve.push(row, (row as f32 * 0.37).sin()));
    let mut curves = vec![curve; Metric::ALL.len()];
    let mut weights = [0.9, 0.91].into_iter().cycle();
    group.bench_function("all metrics", |b| {
        b.iter(|| smooth_all(black_box(&mut curves), weights.next().unwrap_or_default()));
    });
    group.finish();
}

/// Loading a model file for inspection.
fn loading(c: &mut Criterion) {
    let device = Device::flex();
    let mut group = c.benchmark_group("model file");
    group.sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/turned.ganspect");
    group.bench_function("the built-in one", |b| b.iter(|| black_box(Model::load(&path, &device).is_ok())));
    group.finish();
}

/// Interval at which the state of the compute thread is polled.
const POLL: Duration = Duration::from_micros(100);

fn wait(engine: &Engine, arrived: &dyn Fn() -> bool) {
    while !arrived() && !engine.is_over() {
        thread::sleep(POLL);
    }
}

/// Sends a command and times the wait for its effect, then sends the opposite command and waits for that.
fn there_and_back<R: Clone + Into<EngineCommand>>(
    engine: &Engine,
    times: u64,
    [there, back]: [(R, &dyn Fn() -> bool); 2],
) -> Duration {
    let go = |(command, arrived): &(R, &dyn Fn() -> bool)| {
        let began = Instant::now();
        engine.send(command.clone());
        wait(engine, *arrived);
        began.elapsed()
    };
    (0..times)
        .map(|i| {
            // At a different point within a step each time.
            thread::sleep(Duration::from_millis(40 + i * 37 % 100));
            let took = go(&there);
            go(&back);
            took
        })
        .sum()
}

/// Time from the command until computation has stopped: pausing a run, and stopping an inspection of 512x512 pixels, including
/// its outcome so far.
fn pausing(c: &mut Criterion) {
    let mut group = c.benchmark_group("time to stop");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(5));
    for (name, preset) in PRESETS {
        let Ok(folder) = tempfile::tempdir() else { continue };
        let Ok(engine) = Engine::start(DeviceChoice::Cpu, || {}) else { continue };
        let Ok(source) = "surface:turned".parse() else { continue };
        let (recipe, out) = (Box::new(preset.recipe()), folder.path().join("run"));
        engine.send(TrainingRequest::Start { source, opened: None, recipe, out });
        let phase = |wanted: TrainingPhase| engine.state().training.status.read().phase == wanted;
        let paused = || phase(TrainingPhase::Paused);
        let running = || phase(TrainingPhase::Running);
        wait(&engine, &running);
        group.bench_function(format!("run, {name}"), |b| {
            b.iter_custom(|times| {
                there_and_back(&engine, times, [(TrainingRequest::Pause, &paused), (TrainingRequest::Play, &running)])
            });
        });
    }
    let Ok(engine) = Engine::start(DeviceChoice::Cpu, || {}) else { return };
    engine.send(InspectionRequest::OpenModel(ModelSource::BuiltIn));
    let source = QuerySource::Picture(Arc::new(surface::draw(SurfaceKind::Turned, None, 1, 1, 512).picture));
    let id = QueryId::fresh();
    engine.send(InspectionRequest::Add(vec![Query { id, name: "part".into(), source }]));
    let state = |wanted: &[QueryState]| {
        engine.state().inspection.status.read().entries.iter().any(|e| e.id == id && wanted.contains(&e.state))
    };
    let stopped = || state(&[QueryState::Stopped, QueryState::Done]);
    let running = || state(&[QueryState::Running]);
    wait(&engine, &running);
    let (stop, more) = (InspectionRequest::Stop(id), InspectionRequest::AddSteps(id, 1_000));
    group.bench_function("inspection, 512x512", |b| {
        b.iter_custom(|times| there_and_back(&engine, times, [(stop.clone(), &stopped), (more.clone(), &running)]));
    });
    group.finish();
}

criterion_group!(benches, generator, update, step, inversion, inspection, smoothing, loading, pausing);
criterion_main!(benches);
