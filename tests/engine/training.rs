//! Training runs controlled through the engine.

use std::{
    path::{Path, PathBuf},
    process::{Command as Process, Stdio},
    thread,
    time::Duration,
};

use ganspect::{
    data::DataSource,
    engine::{Engine, Event, Severity, TrainingRequest, Update, training::TrainingPhase},
    tensorboard::RunLog,
    train::{
        Health, History, Metric, Recipe,
        run_folder::{Checkpoint, RunFolder},
    },
};

use crate::harness::{engine, phase, until};

/// A small recipe for tests: 32-pixel crops, batches of 4.
fn tiny(steps: u64, extra: &[&str]) -> Box<Recipe> {
    let mut recipe = Recipe::default();
    let steps = format!("train.steps={steps}");
    let small = [
        "model.size=32",
        "train.batch=4",
        "model.latent_size=8",
        "train.checkpoint_every=5",
        "train.preview_every=5",
        "train.histogram_every=10",
        "train.model_at_end=false",
        steps.as_str(),
    ];
    for assignment in small.iter().chain(extra) {
        recipe.assign(assignment).unwrap();
    }
    Box::new(recipe)
}

fn surface() -> DataSource {
    "surface:turned".parse().unwrap()
}

fn start(engine: &Engine, recipe: Box<Recipe>, out: &Path) {
    assert!(engine.send(TrainingRequest::Start { source: surface(), opened: None, recipe, out: out.into() }));
}

/// Waits for the run to finish and closes it.
fn finish(engine: &Engine) {
    until(engine, "the end of the run", |e| phase(e) == TrainingPhase::Finished);
    engine.send(TrainingRequest::Stop);
    until(engine, "the run to close", |e| {
        std::iter::from_fn(|| e.next_event()).any(|e| matches!(e, Event::Closed { .. }))
    });
}

fn last_checkpoint(run: &Path) -> Checkpoint {
    RunFolder::open(run).unwrap().latest_checkpoint().unwrap().unwrap()
}

/// The curves that must not depend on interruptions of the run.
fn curves(history: &History) -> Vec<Vec<u32>> {
    Metric::ALL
        .into_iter()
        .filter(|m| !matches!(m, Metric::MsPerStep | Metric::ImagesPerSecond))
        .map(|m| history.column(m).iter().map(|v| v.to_bits()).collect())
        .collect()
}

#[test]
fn a_run_is_started_adjusted_paused_stepped_stopped_and_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let engine = engine();
    start(&engine, tiny(100_000, &[]), &run);
    until(&engine, "ten steps", |e| e.state().training.status.read().step >= 10);

    let mut adjusted = (*engine.state().training.status.read().recipe.clone().unwrap()).clone();
    adjusted.assign("train.k_g=3").unwrap();
    adjusted.assign("train.batch=6").unwrap();
    adjusted.assign("model.size=64").unwrap();
    engine.send(TrainingRequest::SetKnobs(Box::new(adjusted)));
    until(&engine, "the knobs", |e| e.state().training.status.read().recipe.as_ref().is_some_and(|r| r.train.k_g == 3));
    let active = engine.state().training.status.read().recipe.clone().unwrap();
    assert_eq!((active.train.batch, active.model.size), (6, 32), "only knobs that may change during a run");
    let mark = engine.state().training.history.read().marks[0].clone();
    assert!(mark.text.contains("G updates per step (k_G): 1 to 3"), "{}", mark.text);

    engine.send(TrainingRequest::Pause);
    until(&engine, "the pause", |e| phase(e) == TrainingPhase::Paused);
    let step = engine.state().training.status.read().step;
    for (update, expected) in [(Update::G, (true, false)), (Update::D, (false, true)), (Update::Both, (true, true))] {
        let before = engine.state().training.status.read().step;
        engine.send(TrainingRequest::Step(update));
        until(&engine, "one step", |e| {
            e.state().training.status.read().step == before + 1 && phase(e) == TrainingPhase::Paused
        });
        let history = engine.state().training.history.read();
        let reported = |m| history.column(m).last().is_some_and(|v| v.is_finite());
        assert_eq!((reported(Metric::GLoss), reported(Metric::DLossReal)), expected, "{update:?}");
    }
    assert_eq!(engine.state().training.status.read().step, step + 3);

    engine.send(TrainingRequest::Walk { from: 0, to: 5, frames: 7 });
    until(&engine, "the walk", |e| e.state().training.walk.lock().is_some());
    let walk = engine.state().training.walk.lock().clone().unwrap();
    let grid = engine.state().training.grids.read().grids().last().cloned().unwrap();
    assert_eq!(walk.frames.image(0), grid.samples.image(0));
    assert_eq!(walk.frames.image(6), grid.samples.image(5));

    engine.send(TrainingRequest::Stop);
    until(&engine, "the stop", |e| phase(e) == TrainingPhase::Idle);
    let before = engine.state().training.history.read().clone();
    assert_eq!(last_checkpoint(&run).step, step + 3);

    engine.send(TrainingRequest::Resume { run: run.clone(), paused: true });
    until(&engine, "the resumed run", |e| phase(e) == TrainingPhase::Paused);
    let status = engine.state().training.status.read().clone();
    assert_eq!((status.step, status.recipe.unwrap().train.k_g), (step + 3, 3));
    let after = engine.state().training.history.read().clone();
    assert_eq!(curves(&after), curves(&before), "the curves are restored from the log");
    assert_eq!(after.marks, before.marks);
    assert!(!engine.state().training.grids.read().grids().is_empty());
    engine.send(TrainingRequest::Play);
    until(&engine, "more steps", |e| e.state().training.status.read().step > step + 6);
}

#[test]
fn resumed_and_uninterrupted_runs_agree() {
    let dir = tempfile::tempdir().unwrap();
    // All randomness is enabled.
    let extra = ["train.noise=0.2", "train.dropout=0.2", "train.label_flip=0.3", "train.k_d=2", "train.d_gate=0.001"];
    let whole = dir.path().join("whole");
    let one = engine();
    start(&one, tiny(20, &extra), &whole);
    finish(&one);

    let pieces = dir.path().join("pieces");
    start(&one, tiny(8, &extra), &pieces);
    finish(&one);
    drop(one);
    let other = engine();
    other.send(TrainingRequest::Resume { run: pieces.clone(), paused: true });
    until(&other, "the resumed run", |e| phase(e) == TrainingPhase::Finished);
    other.send(TrainingRequest::SetKnobs(tiny(20, &extra)));
    other.send(TrainingRequest::Play);
    until(&other, "the last step", |e| {
        e.state().training.status.read().step == 20 && phase(e) == TrainingPhase::Finished
    });
    finish(&other);

    let (a, b) = (last_checkpoint(&whole), last_checkpoint(&pieces));
    assert_eq!(a.tensors, b.tensors);
    let read = |run: &Path| History::from_log(&RunLog::read(run).unwrap());
    let (a, b) = (read(&whole), read(&pieces));
    assert_eq!(a.steps, b.steps);
    // The interrupted run generates an extra grid after its last step, so its diversity has an additional value.
    let bits = |history: &History, metric| history.column(metric).iter().map(|v: &f32| v.to_bits()).collect::<Vec<_>>();
    for metric in [Metric::DLossReal, Metric::DLossFake, Metric::GLoss, Metric::GradNormG, Metric::GradNormD] {
        assert_eq!(bits(&a, metric), bits(&b, metric), "{}", metric.tag());
    }
}

#[test]
fn a_killed_run_resumes_from_its_last_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let mut process = Process::new(env!("CARGO_BIN_EXE_ganspect"))
        .args(["train", "--device", "cpu", "--data", "surface:ground", "--steps", "100000", "--out"])
        .arg(&run)
        .args(["--set", "model.size=32", "--set", "train.batch=4", "--set", "train.checkpoint_every=3"])
        .args(["--set", "train.preview_every=2"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let has_checkpoint =
        || RunFolder::open(&run).ok().and_then(|f| f.latest_checkpoint().ok().flatten()).is_some_and(|c| c.step >= 6);
    while !has_checkpoint() {
        assert!(process.try_wait().unwrap().is_none(), "the run ended by itself");
        thread::sleep(Duration::from_millis(20));
    }
    process.kill().unwrap();
    process.wait().unwrap();
    let checkpoint = last_checkpoint(&run);

    let engine = engine();
    engine.send(TrainingRequest::Resume { run: run.clone(), paused: true });
    until(&engine, "the resumed run", |e| phase(e) == TrainingPhase::Paused);
    assert_eq!(engine.state().training.status.read().step, checkpoint.step);
    assert_eq!(engine.state().training.history.read().steps.last(), Some(&checkpoint.step));
    engine.send(TrainingRequest::Play);
    until(&engine, "more steps", |e| e.state().training.status.read().step >= checkpoint.step + 4);
    engine.send(TrainingRequest::Stop);
    until(&engine, "the stop", |e| phase(e) == TrainingPhase::Idle);
    // The steps after the checkpoint were logged twice; only the second log counts.
    let steps = History::from_log(&RunLog::read(&run).unwrap()).steps;
    assert!(steps.windows(2).all(|w| w[1] == w[0] + 1));
}

#[test]
fn a_non_finite_value_pauses_the_run_and_restores_the_last_good_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let engine = engine();
    start(&engine, tiny(100_000, &[]), &dir.path().join("run"));
    until(&engine, "a checkpoint", |e| e.state().training.status.read().checkpoint.is_some());
    let mut wild = (*engine.state().training.status.read().recipe.clone().unwrap()).clone();
    for assignment in ["d.kind=sgd", "d.lr=0.1", "d.beta1=0.999", "g.kind=sgd", "g.lr=0.1", "g.beta1=0.999"] {
        wild.assign(assignment).unwrap();
    }
    engine.send(TrainingRequest::SetKnobs(Box::new(wild)));
    until(&engine, "the fault", |e| e.state().training.status.read().health == Health::NotFinite);
    let status = engine.state().training.status.read().clone();
    assert_eq!(status.phase, TrainingPhase::Paused);
    assert_eq!(Some(status.step), status.checkpoint.or(Some(0)));
    assert_eq!(engine.state().training.history.read().steps.last().copied(), Some(status.step));
    let told = std::iter::from_fn(|| engine.next_event()).any(|event| {
        matches!(&event, Event::Notice { severity: Severity::Error, text, .. } if text.contains("Lower the learning rates"))
    });
    assert!(told);
    // All values of the restored run are finite, and it continues with lower learning rates.
    let mut calm = (*status.recipe.unwrap()).clone();
    for assignment in ["d.lr=1e-5", "g.lr=1e-5", "d.beta1=0", "g.beta1=0"] {
        calm.assign(assignment).unwrap();
    }
    engine.send(TrainingRequest::SetKnobs(Box::new(calm)));
    engine.send(TrainingRequest::Play);
    until(&engine, "more steps", |e| e.state().training.status.read().step >= status.step + 3);
}

#[test]
fn a_failed_write_pauses_the_run_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let engine = engine();
    start(&engine, tiny(100_000, &["train.checkpoint_every=100000"]), &run);
    until(&engine, "three steps", |e| e.state().training.status.read().step >= 3);
    // A file in place of the checkpoint folder: no checkpoint can be written.
    let checkpoints = run.join("checkpoints");
    let _ = std::fs::remove_dir_all(&checkpoints);
    std::fs::File::create(&checkpoints).unwrap();
    engine.send(TrainingRequest::Checkpoint);
    until(&engine, "the pause", |e| phase(e) == TrainingPhase::Paused);
    let notice = std::iter::from_fn(|| engine.next_event()).find_map(|event| match event {
        Event::Notice { severity: Severity::Error, text, .. } => Some(text),
        _ => None,
    });
    let notice = notice.unwrap();
    assert!(notice.contains("checkpoints") && notice.contains("paused"), "{notice}");
    std::fs::remove_file(&checkpoints).unwrap();
    std::fs::create_dir(&checkpoints).unwrap();
    let step = engine.state().training.status.read().step;
    engine.send(TrainingRequest::Play);
    until(&engine, "more steps", |e| e.state().training.status.read().step > step);
    engine.send(TrainingRequest::Stop);
    until(&engine, "the stop", |e| phase(e) == TrainingPhase::Idle);
    assert!(last_checkpoint(&run).step > step);
}

#[test]
fn a_run_that_cannot_start_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let empty = dir.path().join("empty");
    std::fs::create_dir(&empty).unwrap();
    let occupied = dir.path().join("occupied");
    std::fs::create_dir(&occupied).unwrap();
    std::fs::File::create(occupied.join("thesis.docx")).unwrap();
    let engine = engine();
    let failure = |command: TrainingRequest| {
        engine.send(command);
        until(&engine, "the refusal", |e| {
            std::iter::from_fn(|| e.next_event()).any(|e| matches!(e, Event::Notice { .. }))
        });
        match phase(&engine) {
            TrainingPhase::Failed(sentence) => sentence,
            other => panic!("{other:?}"),
        }
    };
    let out = |name: &str| -> PathBuf { dir.path().join(name) };
    let from = |path: &Path| DataSource::Folder(path.into());
    let message =
        failure(TrainingRequest::Start { source: from(&empty), opened: None, recipe: tiny(5, &[]), out: out("a") });
    assert!(message.contains("empty"), "{message}");
    let message = failure(TrainingRequest::Start {
        source: from(&out("missing")),
        opened: None,
        recipe: tiny(5, &[]),
        out: out("b"),
    });
    assert!(message.contains("missing"), "{message}");
    let message = failure(TrainingRequest::Start {
        source: surface(),
        opened: None,
        recipe: tiny(5, &[]),
        out: occupied.clone(),
    });
    assert!(message.contains("occupied"), "{message}");
    assert!(occupied.join("thesis.docx").exists());
    let message = failure(TrainingRequest::Resume { run: empty.clone(), paused: true });
    assert!(message.contains("empty"), "{message}");
}

#[test]
fn ctrl_c_writes_a_checkpoint_and_says_how_to_resume() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let process = Process::new(env!("CARGO_BIN_EXE_ganspect"))
        .args(["train", "--device", "cpu", "--data", "surface:milled", "--steps", "100000", "--out"])
        .arg(&run)
        .args([
            "--set",
            "model.size=32",
            "--set",
            "train.batch=4",
            "--set",
            "train.checkpoint_every=3",
            "--set",
            "critic.steps=2",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while RunFolder::open(&run).ok().and_then(|f| f.latest_checkpoint().ok().flatten()).is_none() {
        thread::sleep(Duration::from_millis(20));
    }
    let sent = Process::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains(&format!("ganspect train --resume {}", run.display())), "{text}");
    let step: u64 = text.lines().find_map(|l| l.strip_prefix("step    ")).unwrap().parse().unwrap();
    assert_eq!(last_checkpoint(&run).step, step);

    let resumed = Process::new(env!("CARGO_BIN_EXE_ganspect"))
        .args(["train", "--device", "cpu", "--resume"])
        .arg(&run)
        .args(["--steps", &(step + 2).to_string()])
        .output()
        .unwrap();
    assert_eq!(resumed.status.code(), Some(0));
    assert_eq!(last_checkpoint(&run).step, step + 2);
}

#[test]
fn a_run_whose_folder_is_removed_stops_and_leaves_nothing_there() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let process = Process::new(env!("CARGO_BIN_EXE_ganspect"))
        .args(["train", "--device", "cpu", "--data", "surface:turned", "--steps", "100000", "--out"])
        .arg(&run)
        .args(["--set", "model.size=32", "--set", "train.batch=4", "--set", "train.checkpoint_every=5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while RunFolder::open(&run).ok().and_then(|f| f.latest_checkpoint().ok().flatten()).is_none() {
        thread::sleep(Duration::from_millis(20));
    }
    // At once, so that no checkpoint is written in between.
    std::fs::rename(&run, dir.path().join("gone")).unwrap();
    std::fs::remove_dir_all(dir.path().join("gone")).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(!run.exists(), "it is not created again");
    assert_eq!(output.status.code(), Some(2));
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(errors.contains("was removed") && errors.contains("run"), "{errors}");
    assert!(!text.contains("--resume"), "it cannot be resumed: {text}");
}

#[test]
fn damaged_checkpoints_are_named_and_a_run_with_no_other_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let first = engine();
    start(&first, tiny(15, &[]), &run);
    finish(&first);
    drop(first);
    let files = RunFolder::open(&run).unwrap().checkpoints().unwrap();
    let steps: Vec<u64> = files.iter().map(|file| file.step).collect();
    assert_eq!(steps, [15, 10, 5]);
    for file in &files[..2] {
        std::fs::File::options().write(true).open(&file.path).unwrap().set_len(file.bytes / 2).unwrap();
    }
    let resume = || {
        Process::new(env!("CARGO_BIN_EXE_ganspect"))
            .args(["train", "--device", "cpu", "--steps", "6", "--resume"])
            .arg(&run)
            .output()
            .unwrap()
    };
    let output = resume();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{errors}");
    for name in ["step-00000015.safetensors", "step-00000010.safetensors"] {
        assert!(errors.contains(name), "{errors}");
    }
    let files = RunFolder::open(&run).unwrap().checkpoints().unwrap();
    for file in &files {
        std::fs::File::options().write(true).open(&file.path).unwrap().set_len(file.bytes / 3).unwrap();
    }
    let listing = || {
        let mut all: Vec<(PathBuf, u64)> = Vec::new();
        for folder in [run.clone(), run.join("checkpoints")] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let entry = entry.unwrap();
                all.push((entry.path(), entry.metadata().unwrap().len()));
            }
        }
        all.sort();
        all
    };
    let before = listing();
    let output = resume();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(files.iter().all(|file| errors.contains(file.path.file_name().unwrap().to_str().unwrap())), "{errors}");
    assert!(errors.contains("backup") && errors.contains("--out"), "{errors}");
    let sizes = |all: &[(PathBuf, u64)]| all.iter().filter(|f| !f.0.ends_with("run.lock")).cloned().collect::<Vec<_>>();
    assert_eq!(sizes(&listing()), sizes(&before), "nothing is written");
}

/// Below a window, the compute thread yields to it; a command computes like other programs, unless it is asked to yield.
#[cfg(target_os = "linux")]
#[test]
fn a_command_computes_at_normal_priority_unless_it_is_to_be_polite() {
    let dir = tempfile::tempdir().unwrap();
    let own = std::fs::read_to_string("/proc/self/stat").unwrap();
    let nice =
        |stat: &str| stat.rsplit(')').next().unwrap().split_whitespace().nth(16).unwrap().parse::<i32>().unwrap();
    for (extra, yields) in [(&[][..], false), (&["--polite"][..], true)] {
        let mut process = Process::new(env!("CARGO_BIN_EXE_ganspect"))
            .args(["train", "--device", "cpu", "--data", "surface:turned", "--steps", "100000"])
            .args(["--set", "model.size=32", "--set", "train.batch=4", "--out"])
            .arg(dir.path().join(extra.len().to_string()))
            .args(extra)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let compute = loop {
            assert!(process.try_wait().unwrap().is_none(), "the run ended by itself");
            let tasks = std::fs::read_dir(format!("/proc/{}/task", process.id())).into_iter().flatten().flatten();
            let stats = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("stat")).ok());
            // The loader is started by the compute thread, after that has set its priority.
            let all: Vec<String> = stats.collect();
            if all.iter().any(|stat| stat.contains("(ganspect-loader")) {
                break all.into_iter().find(|stat| stat.contains("(ganspect-comput")).unwrap();
            }
            thread::sleep(Duration::from_millis(10));
        };
        process.kill().unwrap();
        process.wait().unwrap();
        let yielding = nice(&compute) > nice(&own);
        assert_eq!(yielding, yields, "{compute}");
    }
}
