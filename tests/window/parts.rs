//! The watched folder and fine-tuning on verdicts in the window.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use egui_kittest::{SnapshotResults, kittest::Queryable};
use ganspect::{
    data::{FileHash, surface, surface::SurfaceKind},
    engine::{
        EngineState, InspectionRequest,
        finetune::{FinetunePhase, FinetuneResult, FinetuneStatus, SavedModel},
        inspection::{ModelSource, ModelState},
        intake::{
            IntakePhase, IntakeSpec, IntakeStatus,
            watch::{WatchCounts, WatchOptions},
        },
        review::RecordState,
        training::BuildProgress,
    },
    inspect::{Model, evaluation::Estimate},
    model::Bundle,
    review::{Comparison, ModelMetrics, OpinionId, Record, Timestamp, record::Quarantined},
    ui::{Action, UiCommand},
};

use rusqlite::Connection;

use crate::harness::{SIZE, TestWindow, facts, open_in, shows};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/turned.ganspect");

fn put(folder: &Path, name: &str, index: u64) {
    let picture = surface::draw(SurfaceKind::Turned, None, 5, index, 64).picture;
    let ganspect::data::Samples::U8(bytes) = picture.samples() else { panic!("8 bits") };
    image::GrayImage::from_raw(64, 64, bytes.clone()).unwrap().save(folder.join(name)).unwrap();
}

fn intake(test: &TestWindow) -> IntakeStatus {
    test.harness.state().state().intake.status.read().clone()
}

fn command(test: &mut TestWindow, command: UiCommand) {
    test.harness.state_mut().apply(Action::Command(command));
    test.harness.run_steps(2);
}

#[test]
fn a_folder_is_watched_stopped_and_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let parts = folder.path().join("parts");
    fs::create_dir(&parts).unwrap();
    put(&parts, "first.png", 1);
    put(&parts, "second.png", 2);
    let mut test = open_in(folder, true, SIZE, |_| {}, |_| {});
    test.harness.state_mut().apply(Action::engine(InspectionRequest::OpenModel(ModelSource::BuiltIn)));
    command(&mut test, UiCommand::GoReview);
    assert!(test.harness.query_by_label("Watch the folder").is_none(), "no folder has been chosen yet");
    test.harness.get_by_label(UiCommand::IntakeFolder.title()).click();
    test.harness.run_steps(3);
    // The dialog sends the chosen path like this.
    test.harness.state_mut().apply(Action::PartsFolder(parts.clone()));
    test.harness.key_press(egui::Key::Escape);
    test.harness.run_steps(3);
    test.harness.get_by_label("Watch the folder").click();
    test.until("both parts", |window| window.state().state().intake.status.read().counts.recorded == 2);
    assert!(test.harness.state().settings().review.intake.watching);
    test.until("the status text", |window| {
        window.query_by_label("Watching: parts are inspected as they arrive.").is_some()
    });
    // New parts appear in the queue automatically.
    put(&parts, "third.png", 3);
    test.until("the third", |window| window.state().state().review.snapshot.read().items.len() == 3);
    command(&mut test, UiCommand::IntakeStop);
    test.until("the end", |window| !window.state().state().intake.status.read().phase.is_active());
    assert!(!test.harness.state().settings().review.intake.watching);
    assert!(matches!(intake(&test).phase, IntakePhase::Ended(text) if text.starts_with("Stopped. 3 parts recorded.")));

    // Left running, it resumes at the next start without a prompt.
    command(&mut test, UiCommand::IntakeWatch);
    let settings = test.harness.state().settings().review.clone();
    let TestWindow { harness, folder } = test;
    drop(harness);
    put(&parts, "fourth.png", 4);
    let mut test = open_in(folder, false, SIZE, |_| {}, |new| new.review = settings);
    test.until("the fourth", |window| {
        let counts = window.state().state().intake.status.read().counts;
        counts.recorded == 1 && counts.known == 3
    });
}

fn metrics(auroc: f64, false_alarms: usize) -> ModelMetrics {
    let auroc = Some(Estimate { value: auroc, low: auroc - 0.04, high: auroc + 0.02 });
    ModelMetrics {
        healthy: 12,
        defective: 5,
        auroc,
        rate: Some(0.05),
        false_alarms: Some(false_alarms),
        caught: Some(5),
    }
}

fn active_model(test: &TestWindow) -> Option<PathBuf> {
    match &test.harness.state().state().inspection.status.read().model {
        ModelState::Ready(facts) => facts.path.clone(),
        _ => None,
    }
}

#[test]
fn a_fine_tuned_model_is_adopted_or_declined() {
    let folder = tempfile::tempdir().unwrap();
    let [old, new] = ["old.ganspect", "new.ganspect"].map(|name| folder.path().join(name));
    fs::copy(MODEL, &old).unwrap();
    let mut bundle = Bundle::read(&old).unwrap();
    bundle.tensors[0].values[0] += 0.001;
    bundle.write(&new).unwrap();
    let saved_model = |path: &Path, name: &str| {
        let hash = Model::load(path, &burn::tensor::Device::flex()).unwrap().hash().parse().unwrap();
        SavedModel { name: name.into(), hash, path: path.into() }
    };
    let comparison =
        Comparison { before: metrics(0.9, 3), after: metrics(0.95, 1), parts: 17, corrected: 2, worsened: 0 };
    let tuned = FinetuneResult {
        model: saved_model(&new, "turned, fine-tuned on 20 verdicts"),
        parent: saved_model(&old, "turned"),
        opinions: vec![OpinionId(1), OpinionId(2)],
        comparison: Some(comparison),
        missing: 0,
        outliers: None,
    };
    drop(Record::open(&folder.path().join("review.sqlite")).unwrap());
    let last_model = old.clone();
    let mut test = open_in(
        folder,
        true,
        SIZE,
        |_| {},
        |settings| {
            settings.review.reviewer = "ada".into();
            settings.last_model = Some(last_model);
        },
    );
    test.until("the old model", |w| matches!(w.state().state().inspection.status.read().model, ModelState::Ready(_)));
    let done = |tuned: &FinetuneResult| FinetuneStatus {
        phase: FinetunePhase::Done,
        seconds_left: None,
        labels: None,
        result: Some(Arc::new(tuned.clone())),
        cancelled: None,
    };
    let show = |test: &mut TestWindow| {
        *test.harness.state().state().finetune.status.write() = done(&tuned);
        command(test, UiCommand::GoReview);
    };
    show(&mut test);
    for text in [
        "before",
        "after",
        "AUROC",
        "0.900",
        "0.860 to 0.920",
        "3 of 12",
        "1 of 12",
        "2 verdicts change on the 17 parts compared: 2 for the better, 0 for the worse.",
        "The difference may be due to chance: keep the active model, or judge more parts to tell them apart.",
    ] {
        assert!(test.harness.query_all_by_label(text).next().is_some(), "{text}");
    }
    // What is safe comes first.
    let left = |test: &TestWindow, c: UiCommand| test.harness.get_by_label(c.title()).rect().left();
    assert!(left(&test, UiCommand::FinetuneKeep) <= left(&test, UiCommand::FinetuneAdopt));
    command(&mut test, UiCommand::FinetuneKeep);
    test.until("the decision", |w| w.state().state().finetune.status.read().phase == FinetunePhase::Idle);
    assert_eq!(active_model(&test), Some(old.clone()));

    // The change waits for a record that is locked, says so, and is made as soon as that is free.
    show(&mut test);
    let lock = Connection::open(test.path("review.sqlite")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    command(&mut test, UiCommand::FinetuneAdopt);
    test.until("the notice", |w| shows(w, "The change of the model waits: ") && shows(w, "locked by another program"));
    assert_eq!(active_model(&test), Some(old.clone()));
    lock.execute_batch("COMMIT").unwrap();
    let path = new.clone();
    test.until("the new model", |w| match &w.state().state().inspection.status.read().model {
        ModelState::Ready(facts) => facts.path.as_ref() == Some(&path),
        _ => false,
    });
    test.until("the revert button", |w| w.query_by_label(UiCommand::FinetuneRevert.title()).is_some());
    command(&mut test, UiCommand::FinetuneRevert);
    let path = old.clone();
    test.until("the old model", |w| match &w.state().state().inspection.status.read().model {
        ModelState::Ready(facts) => facts.path.as_ref() == Some(&path),
        _ => false,
    });
    let adoptions = Record::open(&test.path("review.sqlite")).unwrap().adoptions().unwrap();
    let of: Vec<_> = adoptions.iter().map(|a| (a.adopted.model, a.adopted.adopted_by.as_str())).collect();
    assert_eq!(of, [(tuned.parent.hash, "ada"), (tuned.model.hash, "ada")]);
    assert_eq!(adoptions[1].adopted.verdicts, [OpinionId(1), OpinionId(2)]);
    assert!(old.is_file() && new.is_file());
}

/// Sets the states of an intake, and of a fine-tuning that is running or done.
pub fn states(state: &EngineState, tuned: bool) {
    state.inspection.status.write().model =
        ModelState::Ready(Arc::new(facts(FileHash::of(b"old").to_string(), Vec::new())));
    let spec =
        IntakeSpec { folder: "/line/3/camera".into(), options: WatchOptions::default(), record: "/r.sqlite".into() };
    let quarantined_file = |name: &str, reason: &str| Quarantined {
        path: Path::new("/line/3/camera").join(name),
        hash: None,
        reason: reason.into(),
        time: Timestamp::from_seconds(1_772_000_000),
    };
    *state.intake.status.write() = IntakeStatus {
        phase: IntakePhase::Running,
        spec: Some(spec),
        model: None,
        counts: WatchCounts { recorded: 1_204, known: 310, quarantined: 2, deleted: 1, waiting: 96, listed: true },
        per_minute: Some(41.7),
        seconds_left: Some(138.0),
        notice: None,
        quarantined: Arc::new(vec![
            quarantined_file("part 00817.png", "the file is truncated; copy it again"),
            quarantined_file(
                "note.png",
                "it is not an image; remove it or save it as PNG, JPEG, TIFF, BMP, PNM, GIF or WebP",
            ),
        ]),
    };
    let saved_model = |name: &str| SavedModel {
        name: name.into(),
        hash: FileHash::of(name.as_bytes()),
        path: Path::new("/models").join(name),
    };
    let comparison =
        Comparison { before: metrics(0.9, 3), after: metrics(0.95, 1), parts: 17, corrected: 2, worsened: 0 };
    let progress = BuildProgress { share: 0.4, ..BuildProgress::default() };
    *state.finetune.status.write() = FinetuneStatus {
        phase: if tuned { FinetunePhase::Done } else { FinetunePhase::Building(progress) },
        seconds_left: (!tuned).then_some(312.0),
        labels: None,
        result: tuned.then(|| {
            Arc::new(FinetuneResult {
                model: saved_model("turned, fine-tuned on 20 verdicts"),
                parent: saved_model("turned"),
                opinions: vec![OpinionId(1)],
                comparison: Some(comparison),
                missing: 2,
                outliers: None,
            })
        }),
        cancelled: None,
    };
}

/// A window tall enough for all sections, with an intake and a fine-tuning that is running or done.
fn sections(dark: bool, tuned: bool) -> TestWindow {
    let prepare = move |state: &EngineState| states(state, tuned);
    let folder = tempfile::tempdir().unwrap();
    let mut test = open_in(folder, dark, [SIZE[0], 1_240.0], prepare, |settings| {
        settings.review.intake.folder = Some("/line/3/camera".into());
        settings.review.record = Some("/r.sqlite".into());
    });
    command(&mut test, UiCommand::GoReview);
    test.until("the record status", |w| w.state().state().review.snapshot.read().state == RecordState::Absent);
    if tuned {
        test.harness.get_by_label("2 quarantined").click();
    }
    test.harness.run_steps(8);
    test
}

#[test]
fn the_sections_match_their_snapshots() {
    let mut results = SnapshotResults::new();
    for (dark, tuned, name) in [(true, false, "running"), (false, true, "finetuned")] {
        let mut test = sections(dark, tuned);
        assert!(test.harness.query_by_label("1,206 of 1,302 parts").is_some());
        test.snapshot(&format!("review_parts_{name}"), &mut results);
    }
}

#[test]
fn what_was_cancelled_says_how_far_it_came_and_goes_on_in_one_click() {
    let mut test = sections(true, false);
    let engine = Arc::clone(test.harness.state().state());
    {
        let mut status = engine.intake.status.write();
        let text = "Stopped. 77 parts recorded. 67 were not inspected; they are inspected next time.";
        status.phase = IntakePhase::Ended(text.into());
        status.spec.as_mut().unwrap().options.once = true;
        (status.counts.recorded, status.counts.waiting) = (77, 67);
    }
    {
        let mut status = engine.finetune.status.write();
        status.phase = FinetunePhase::Stopped;
        status.cancelled = Some("Cancelled while comparing both models, after 12 of 40 parts.".into());
    }
    test.harness.run_steps(3);
    for words in ["67 were not inspected", "Inspect the other 67", "after 12 of 40 parts"] {
        assert!(shows(&test.harness, words), "{words}");
    }
    assert!(!shows(&test.harness, "Inspect once"));
    // A folder that was watched goes on with the watch.
    engine.intake.status.write().spec.as_mut().unwrap().options.once = false;
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "Inspect once") && !shows(&test.harness, "Inspect the other"));
}
