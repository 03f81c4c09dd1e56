//! Inspection through the engine and the command line, which give the same numbers.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command as Process, Output},
    sync::{Arc, OnceLock},
};

use burn::tensor::Device;
use ganspect::{
    data::{
        Picture, Samples, surface,
        surface::{DefectType, SurfaceKind},
    },
    engine::{
        Engine, Event, InspectionRequest, TrainingRequest,
        inspection::{
            ModelFacts, ModelSource, ModelState, Query, QueryEntry, QueryId, QuerySource, QueryState, QueryView,
        },
        training::TrainingPhase,
    },
    inspect::{
        Assessment, InspectionJob, InvertKnobs, Judged, Model, NoVerdict, Planes, Region, RegionList, RegionSettings,
        RegionShape, Regions, ScoreKind, Scores, Verdict, anomaly_region::MinArea, evaluation::EvaluatedMap,
    },
    train::Recipe,
};

use crate::harness::{engine, small, until};

/// A folder with the model of a short run and images to inspect, created once for all tests.
struct Fixture {
    folder: tempfile::TempDir,
    model: PathBuf,
    good: PathBuf,
    bad: PathBuf,
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let run = folder.path().join("run");
        let engine = engine();
        let (source, recipe) = ("surface:turned".parse().unwrap(), small(0.06));
        engine.send(TrainingRequest::Start { source, opened: None, recipe, out: run.clone() });
        until(&engine, "the model", |e| e.state().training.status.read().phase == TrainingPhase::Finished);
        // The model of a run that has just finished is active at once.
        assert_eq!(facts(&engine).path, Some(run.join("model.ganspect")));
        let save = |name: &str, defect| {
            let picture = surface::draw(SurfaceKind::Turned, defect, 9, 1, 64).picture;
            let Samples::U8(bytes) = picture.samples() else { panic!("8 bits") };
            let path = folder.path().join(name);
            image::GrayImage::from_raw(64, 64, bytes.clone()).unwrap().save(&path).unwrap();
            path
        };
        let (good, bad) = (save("good.png", None), save("bad.png", Some(DefectType::Crack)));
        Fixture { model: run.join("model.ganspect"), folder, good, bad }
    })
}

fn facts(engine: &Engine) -> Arc<ModelFacts> {
    match &engine.state().inspection.status.read().model {
        ModelState::Ready(facts) => Arc::clone(facts),
        other => panic!("no active model: {other:?}"),
    }
}

/// An engine with the model active and few steps.
fn ready(model: &Path, knobs: InvertKnobs) -> Engine {
    let engine = engine();
    send(&engine, InspectionRequest::SetKnobs(Box::new(knobs)));
    send(&engine, InspectionRequest::OpenModel(ModelSource::File(model.into())));
    until(&engine, "the model file", |e| matches!(e.state().inspection.status.read().model, ModelState::Ready(_)));
    engine
}

fn send(engine: &Engine, command: InspectionRequest) {
    assert!(engine.send(command));
}

fn file(path: &Path) -> Query {
    Query { id: QueryId::fresh(), name: "part".into(), source: QuerySource::File(path.into()) }
}

fn entry(engine: &Engine, id: QueryId) -> Arc<QueryEntry> {
    let status = engine.state().inspection.status.read();
    status.entries.iter().find(|e| e.id == id).cloned().unwrap()
}

fn add(engine: &Engine, paths: &[&Path]) -> Vec<QueryId> {
    let queries: Vec<Query> = paths.iter().map(|p| file(p)).collect();
    let ids: Vec<QueryId> = queries.iter().map(|q| q.id).collect();
    let last = queries.last().map(|q| q.id);
    send(engine, InspectionRequest::Add(queries));
    until(engine, "the list", |e| e.state().inspection.status.read().entries.iter().any(|e| Some(e.id) == last));
    ids
}

fn settle(engine: &Engine, id: QueryId) -> Arc<QueryEntry> {
    until(engine, "the query", |e| {
        let status = e.state().inspection.status.read();
        let state = status.entries.iter().find(|e| e.id == id).map(|e| e.state.clone());
        matches!(state, Some(QueryState::Done | QueryState::Stopped | QueryState::Failed(_)))
    });
    entry(engine, id)
}

fn view(engine: &Engine, id: QueryId) -> Arc<QueryView> {
    Arc::clone(&engine.state().inspection.views.read()[&id])
}

fn short() -> InvertKnobs {
    InvertKnobs { steps: 8, plateau: 0, ..InvertKnobs::default() }
}

fn ganspect(arguments: &[&str]) -> Output {
    Process::new(env!("CARGO_BIN_EXE_ganspect")).args(["--device", "cpu"]).args(arguments).output().unwrap()
}

#[test]
fn the_same_image_gives_the_same_numbers_everywhere() {
    let fixture = fixture();
    let engine = ready(&fixture.model, InvertKnobs::default());
    let ids = add(&engine, &[&fixture.good, &fixture.bad]);
    let shown: Vec<_> = ids.iter().map(|&id| settle(&engine, id)).collect();
    assert!(shown.iter().all(|e| e.state == QueryState::Done && e.assessment().is_some()), "{shown:?}");

    // The library without the engine.
    let model = Model::load(&fixture.model, &Device::flex()).unwrap();
    let picture = ganspect::data::decode(&fixture.bad).unwrap();
    let query = Arc::new(Planes::of(&picture, 1, 1.0));
    let mut job = InspectionJob::new(model.networks(), query, InvertKnobs::default(), &Regions::default()).unwrap();
    while !job.slice(model.networks()).unwrap() {}
    let knobs = InvertKnobs::default();
    let alone = job.outcome(model.calibration(&knobs).zip(model.rate(&knobs))).unwrap();
    assert_eq!(shown[1].scores(), Some(alone.scores()));
    let seen = view(&engine, ids[1]);
    assert_eq!(seen.outcome.as_ref().unwrap().reconstruction, alone.reconstruction);
    assert_eq!(seen.frames.last().map(|f| f.step), Some(alone.steps));

    // The command line, twice.
    let (good, bad, model) =
        (fixture.good.to_str().unwrap(), fixture.bad.to_str().unwrap(), fixture.model.to_str().unwrap());
    let run = || ganspect(&["inspect", "--model", model, good, bad, "--json"]);
    let rows = |output: &Output| -> Vec<serde_json::Value> {
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let (first, second) = (run(), run());
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let (first, second) = (rows(&first), rows(&second));
    assert_eq!(first.len(), 2);
    for ((a, b), shown) in first.iter().zip(&second).zip(&shown) {
        let printed: Scores = serde_json::from_value(a["scores"].clone()).unwrap();
        assert_eq!(Some(&printed), shown.scores());
        assert_eq!(a["scores"], b["scores"]);
        assert_eq!(a["p"].as_f64(), shown.assessment().map(|a| a.p));
    }
}

#[test]
fn the_newest_request_goes_first_and_unreadable_files_are_named() {
    let fixture = fixture();
    let text = fixture.folder.path().join("notes.png");
    fs::write(&text, "not an image").unwrap();
    let engine = ready(&fixture.model, InvertKnobs { steps: 60_000, plateau: 0, ..InvertKnobs::default() });
    let slow = add(&engine, &[&fixture.good])[0];
    until(&engine, "its first steps", |e| entry(e, slow).step > 2);
    send(&engine, InspectionRequest::SetKnobs(Box::new(short())));
    let newer = add(&engine, &[&fixture.bad, &text]);
    assert_eq!(settle(&engine, newer[0]).state, QueryState::Done);
    let QueryState::Failed(sentence) = settle(&engine, newer[1]).state.clone() else {
        panic!("the file is not an image")
    };
    assert!(sentence.contains("notes.png"), "{sentence}");
    // The older one was still waiting, and continues.
    let then = entry(&engine, slow).step;
    assert!(then < 60_000);
    until(&engine, "more steps", |e| entry(e, slow).step > then);

    send(&engine, InspectionRequest::Pause(slow));
    until(&engine, "the pause", |e| entry(e, slow).state == QueryState::Paused);
    let paused = entry(&engine, slow).step;
    let other = add(&engine, &[&fixture.bad])[0];
    settle(&engine, other);
    assert_eq!(entry(&engine, slow).step, paused);
    send(&engine, InspectionRequest::Play(slow));
    until(&engine, "the resumption", |e| entry(e, slow).step > paused);
    send(&engine, InspectionRequest::Stop(slow));
    let stopped = settle(&engine, slow);
    assert_eq!(stopped.state, QueryState::Stopped);
    assert!(stopped.scores().is_some() && stopped.step < 60_000 && stopped.assessment().is_none());
    send(&engine, InspectionRequest::Remove(vec![slow]));
    until(&engine, "its removal", |e| e.state().inspection.status.read().entries.iter().all(|e| e.id != slow));
    assert!(!engine.state().inspection.views.read().contains_key(&slow));
}

#[test]
fn a_query_is_continued_and_restarted_from_another_seed() {
    let fixture = fixture();
    let engine = ready(&fixture.model, short());
    let id = add(&engine, &[&fixture.good])[0];
    let first = settle(&engine, id);
    send(&engine, InspectionRequest::AddSteps(id, 12));
    until(&engine, "more steps", |e| entry(e, id).state == QueryState::Done && entry(e, id).step == 20);
    let more = view(&engine, id).outcome.clone().unwrap();
    assert_eq!(more.records.len(), 20);
    assert!(more.scores().get(ScoreKind::L1) <= first.scores().unwrap().get(ScoreKind::L1));
    send(&engine, InspectionRequest::Restart { id, seed: 5, random: true });
    until(&engine, "the restart", |e| entry(e, id).state == QueryState::Done && entry(e, id).step == 8);
    let again = view(&engine, id).outcome.clone().unwrap();
    assert_eq!((again.knobs.seed, again.records.len()), (5, 8));
    assert_ne!(again.scores(), first.scores().unwrap());
}

/// The entry's and the view's verdict are one, and are what the active calibration says of the final scores.
fn check_verdict(engine: &Engine, id: QueryId, after: &str) {
    let (shown, facts) = (entry(engine, id), facts(engine));
    let outcome = view(engine, id).outcome.clone().unwrap();
    assert_eq!(shown.judged.as_ref(), Some(&outcome.judged), "{after}");
    let calibration = &facts.calibrations[0];
    let rate = engine.state().inspection.status.read().rate.unwrap_or(calibration.default_rate());
    let said = calibration.assess(shown.scores().unwrap(), rate).unwrap();
    assert_eq!(shown.assessment(), Some(&said), "{after}");
    assert_eq!(shown.judged.as_ref().unwrap().threshold(), Some(calibration.threshold(rate)), "{after}");
}

#[test]
fn the_verdict_is_never_lost_between_actions() {
    let fixture = fixture();
    let own = fixture.folder.path().join("judged.ganspect");
    fs::copy(&fixture.model, &own).unwrap();
    let engine = ready(&own, InvertKnobs::default());
    let id = add(&engine, &[&fixture.bad])[0];
    settle(&engine, id);
    check_verdict(&engine, id, "the inspection");
    let seed = |e: &Engine| view(e, id).outcome.as_ref().map(|o| o.knobs.seed);
    send(&engine, InspectionRequest::Restart { id, seed: 5, random: true });
    until(&engine, "another seed", |e| entry(e, id).judged.is_some() && seed(e) == Some(5));
    check_verdict(&engine, id, "another seed");
    let rated = |e: &Engine, rate| entry(e, id).assessment().is_some_and(|a| a.rate == rate);
    send(&engine, InspectionRequest::SetRate(0.5));
    until(&engine, "the verdict at the new rate", |e| rated(e, 0.5));
    check_verdict(&engine, id, "another promise");
    let steps = entry(&engine, id).step;
    send(&engine, InspectionRequest::AddSteps(id, 4));
    until(&engine, "more steps", |e| entry(e, id).step > steps && entry(e, id).judged.is_some());
    check_verdict(&engine, id, "more steps");
    // The settings of the next inspection do not touch this one.
    send(&engine, InspectionRequest::SetKnobs(Box::new(short())));
    until(&engine, "the knobs", |e| e.state().inspection.status.read().knobs == short());
    assert!(rated(&engine, 0.5));
    send(&engine, InspectionRequest::SetRate(0.4));
    until(&engine, "the refusal", |e| e.state().inspection.status.read().rate_refused.is_some());
    assert!(rated(&engine, 0.5));
    send(&engine, InspectionRequest::SetKnobs(Box::default()));
    // Another model says why it has no verdict on these scores; the first one gives its verdict again.
    send(&engine, InspectionRequest::OpenModel(ModelSource::BuiltIn));
    until(&engine, "the other model's word", |e| {
        let said = entry(e, id).judged.clone();
        matches!(said, Some(Judged::NoVerdict { reason: NoVerdict::OtherModel(_), .. }))
    });
    send(&engine, InspectionRequest::OpenModel(ModelSource::File(own)));
    until(&engine, "the first model's verdict", |e| entry(e, id).assessment().is_some());
    check_verdict(&engine, id, "the first model again");
    // Stopped before its last step: a reason of its own, and more steps give a verdict.
    let long = InvertKnobs { steps: 60_000, frame_steps: 60_000, plateau: 0, ..InvertKnobs::default() };
    send(&engine, InspectionRequest::SetKnobs(Box::new(long)));
    send(&engine, InspectionRequest::Restart { id, seed: 6, random: false });
    until(&engine, "its first steps", |e| entry(e, id).step > 2 && entry(e, id).state == QueryState::Running);
    assert!(entry(&engine, id).judged.is_none(), "no verdict of earlier scores beside a running inspection");
    send(&engine, InspectionRequest::Stop(id));
    let stopped = settle(&engine, id);
    assert!(matches!(&stopped.judged, Some(Judged::NoVerdict { .. })), "{stopped:?}");
}

#[test]
fn a_cancelled_batch_counts_what_was_done_and_goes_on() {
    let fixture = fixture();
    let engine = ready(&fixture.model, InvertKnobs { steps: 60_000, plateau: 0, ..InvertKnobs::default() });
    let ids = add(&engine, &[&fixture.good, &fixture.bad, &fixture.good]);
    until(&engine, "the first steps", |e| entry(e, ids[0]).step > 2);
    send(&engine, InspectionRequest::StopAll);
    let ended: Vec<_> = ids.iter().map(|&id| settle(&engine, id)).collect();
    assert!(ended.iter().all(|e| e.state == QueryState::Stopped && e.is_cut_short() && !e.is_inspected()));
    assert!(ended[0].scores().is_some() && ended[1].scores().is_none() && ended[2].scores().is_none());
    let said = ended[0].judged.as_ref().unwrap().describe();
    assert!(said.contains("was stopped at step") && !said.contains("calibrated"), "{said}");
    // Those that had not begun take the present settings.
    send(&engine, InspectionRequest::SetKnobs(Box::default()));
    send(&engine, InspectionRequest::Finish(vec![ids[1], ids[2]]));
    until(&engine, "the others", |e| ids[1..].iter().all(|&id| entry(e, id).state == QueryState::Done));
    assert!(ids[1..].iter().all(|&id| entry(&engine, id).is_inspected() && entry(&engine, id).assessment().is_some()));
    assert!(entry(&engine, ids[0]).is_cut_short());
}

#[test]
fn pasted_images_are_inspected_once_a_model_is_open() {
    let fixture = fixture();
    let engine = engine();
    send(&engine, InspectionRequest::SetKnobs(Box::new(short())));
    let picture = Arc::new(Picture::new(40, 36, 3, Samples::U8(vec![90; 40 * 36 * 3])).unwrap());
    let query = Query { id: QueryId::fresh(), name: "pasted".into(), source: QuerySource::Picture(picture) };
    let id = query.id;
    send(&engine, InspectionRequest::Add(vec![query]));
    until(&engine, "the list", |e| e.state().inspection.status.read().entries.len() == 1);
    assert_eq!(entry(&engine, id).state, QueryState::Waiting);
    send(&engine, InspectionRequest::OpenModel(ModelSource::File(fixture.model.clone())));
    let done = settle(&engine, id);
    assert_eq!((done.state.clone(), done.size), (QueryState::Done, Some((40, 36))));
    assert!(done.thumbnail.as_ref().is_some_and(|t| (t.width, t.height) == (40, 36)));
}

#[test]
fn rates_are_limited_by_the_held_out_images_and_saved_in_the_model() {
    let fixture = fixture();
    let own = fixture.folder.path().join("rated.ganspect");
    fs::copy(&fixture.model, &own).unwrap();
    let engine = ready(&own, InvertKnobs::default());
    let held_out = facts(&engine).calibrations[0].held_out.len();
    let id = add(&engine, &[&fixture.bad])[0];
    settle(&engine, id);
    send(&engine, InspectionRequest::SetRate(0.001));
    until(&engine, "the refusal", |e| e.state().inspection.status.read().rate_refused.is_some());
    let refused = engine.state().inspection.status.read().rate_refused.clone().unwrap();
    assert!(refused.contains(&format!("{held_out} held-out")), "{refused}");
    send(&engine, InspectionRequest::SetRate(0.5));
    until(&engine, "the rate", |e| e.state().inspection.status.read().rate == Some(0.5));
    until(&engine, "the new verdict", |e| entry(e, id).assessment().is_some_and(|a| a.rate == 0.5));
    assert_eq!(Model::load(&own, &Device::flex()).unwrap().info().rate, Some(0.5));
}

#[test]
fn regions_are_saved_and_need_their_own_calibration() {
    let fixture = fixture();
    let own = fixture.folder.path().join("regions.ganspect");
    fs::copy(&fixture.model, &own).unwrap();
    let engine = ready(&own, short());
    let left = Region { ignore: true, shape: RegionShape::Rectangle([0.0, 0.0], [20.0, 64.0]) };
    send(&engine, InspectionRequest::SetRegions(Regions(vec![left.clone()])));
    until(&engine, "the regions", |e| facts(e).regions.0.len() == 1);
    let id = add(&engine, &[&fixture.bad])[0];
    let done = settle(&engine, id);
    assert!(done.assessment().is_none(), "not calibrated for these regions and knobs");
    let outcome = view(&engine, id).outcome.clone().unwrap();
    assert!(outcome.inspected.as_ref().is_some_and(|all| !all[0] && all[63]));
    // A cancelled calibration says so, and changes nothing.
    send(&engine, InspectionRequest::Calibrate);
    send(&engine, InspectionRequest::CancelCalibration);
    let cancelled =
        |event| matches!(event, Event::Notice { text, .. } if text.starts_with("The calibration was cancelled"));
    until(&engine, "the cancellation", |e| std::iter::from_fn(|| e.next_event()).any(cancelled));
    assert_eq!(Model::load(&own, &Device::flex()).unwrap().info().calibrations.len(), 1);
    send(&engine, InspectionRequest::Calibrate);
    until(&engine, "the calibration", |e| entry(e, id).assessment().is_some());
    assert!(engine.state().inspection.status.read().calibrating.is_none());
    let kept = Model::load(&own, &Device::flex()).unwrap();
    assert_eq!(kept.info().regions, Regions(vec![left]));
    assert_eq!(kept.info().calibrations.len(), 2);
    assert_eq!(kept.info().calibrations.iter().map(|c| c.regions.0.len()).collect::<Vec<_>>(), [0, 1]);
    assert!(kept.calibration(&short()).is_some());
    assert!(kept.calibration(&InvertKnobs::default()).is_none());
}

#[test]
fn inspection_and_training_share_the_compute_thread() {
    let fixture = fixture();
    let engine = ready(&fixture.model, short());
    let mut recipe = Recipe::default();
    for assignment in ["model.size=32", "model.latent_size=8", "train.batch=4", "train.steps=100000"] {
        recipe.assign(assignment).unwrap();
    }
    let out = fixture.folder.path().join("beside");
    let source = "surface:ground".parse().unwrap();
    engine.send(TrainingRequest::Start { source, opened: None, recipe: Box::new(recipe), out });
    until(&engine, "training", |e| e.state().training.status.read().step > 2);
    let before = engine.state().training.status.read().step;
    let ids = add(&engine, &[&fixture.good, &fixture.bad]);
    assert!(ids.iter().all(|&id| settle(&engine, id).state == QueryState::Done));
    until(&engine, "more training", |e| e.state().training.status.read().step > before);
    // The run's current weights, without a calibration.
    send(&engine, InspectionRequest::OpenModel(ModelSource::Run));
    until(
        &engine,
        "the run's weights",
        |e| matches!(&e.state().inspection.status.read().model, ModelState::Ready(f) if !f.encoder),
    );
    let id = add(&engine, &[&fixture.good])[0];
    let done = settle(&engine, id);
    assert!(done.state == QueryState::Done && done.assessment().is_none());
}

#[test]
fn a_model_that_cannot_be_opened_leaves_the_previous_one_active() {
    let fixture = fixture();
    let engine = ready(&fixture.model, short());
    let before = facts(&engine).hash.clone();
    let foreign = fixture.folder.path().join("foreign.ganspect");
    fs::write(&foreign, vec![7; 4_000]).unwrap();
    send(&engine, InspectionRequest::OpenModel(ModelSource::File(foreign)));
    let mut said = String::new();
    until(&engine, "the refusal", |e| {
        while let Some(event) = e.next_event() {
            if let Event::Notice { text, .. } = event {
                said = text;
            }
        }
        said.contains("foreign.ganspect")
    });
    until(&engine, "the previous model", |e| matches!(e.state().inspection.status.read().model, ModelState::Ready(_)));
    assert_eq!(facts(&engine).hash, before);
}

#[test]
fn the_built_in_model_separates_healthy_from_defective() {
    let engine = engine();
    send(&engine, InspectionRequest::OpenModel(ModelSource::BuiltIn));
    until(&engine, "the model", |e| {
        !matches!(e.state().inspection.status.read().model, ModelState::None | ModelState::Loading(_))
    });
    let model = facts(&engine);
    assert!(model.encoder && !model.calibrations.is_empty());
    let draw = |defect, index| {
        // The size of the images it is calibrated on.
        let picture = Arc::new(surface::draw(SurfaceKind::Turned, defect, 40, index, 256).picture);
        Query { id: QueryId::fresh(), name: "drawn".into(), source: QuerySource::Picture(picture) }
    };
    let good: Vec<Query> = (0..6).map(|i| draw(None, i)).collect();
    let bad: Vec<Query> = (0..2).map(|i| draw(Some(DefectType::Scratch), i)).collect();
    let [good_ids, bad_ids] = [&good, &bad].map(|all| all.iter().map(|q| q.id).collect::<Vec<_>>());
    send(&engine, InspectionRequest::Add(good.into_iter().chain(bad).collect()));
    let found = |ids: Vec<QueryId>| -> Vec<Assessment> {
        ids.into_iter().map(|id| settle(&engine, id).assessment().cloned().unwrap()).collect()
    };
    let (good, bad) = (found(good_ids), found(bad_ids));
    let flagged = |all: &[Assessment]| all.iter().filter(|a| a.verdict == Verdict::Defective).count();
    // One healthy part in twenty may be flagged, and sometimes one of these six is.
    assert!(flagged(&good) <= 1 && flagged(&bad) == bad.len(), "{good:?} {bad:?}");
    assert!(good.iter().all(|g| bad.iter().all(|b| b.score > 3.0 * g.score.max(0.0))), "{good:?} {bad:?}");
}

#[test]
fn exit_codes_and_files_of_the_command_line() {
    let fixture = fixture();
    let (model, good) = (fixture.model.to_str().unwrap(), fixture.good.to_str().unwrap());
    let out = fixture.folder.path().join("out");
    let broken = fixture.folder.path().join("broken.png");
    fs::write(&broken, &fs::read(&fixture.good).unwrap()[..60]).unwrap();
    let both = ganspect(&["inspect", "--model", model, broken.to_str().unwrap(), good, "--out", out.to_str().unwrap()]);
    assert_eq!(both.status.code(), Some(2));
    let (rows, said) = (String::from_utf8_lossy(&both.stdout), String::from_utf8_lossy(&both.stderr));
    assert!(said.contains("broken.png") && rows.contains("good.png"), "{rows}{said}");
    let mut files: Vec<String> =
        fs::read_dir(&out).unwrap().map(|f| f.unwrap().file_name().to_string_lossy().into_owned()).collect();
    files.sort();
    // The names carry the folder of the image.
    let folder = fixture.folder.path().file_name().unwrap().to_string_lossy().trim_start_matches('.').to_owned();
    let suffixes = ["-convergence.png", "-difference.tiff", "-regions.csv", "-steps.csv", "-triptych.png", ".json"];
    assert_eq!(files, suffixes.map(|suffix| format!("{folder}-good{suffix}")));
    // A second export replaces nothing.
    let again = ganspect(&["inspect", "--model", model, good, "--out", out.to_str().unwrap()]);
    assert!(again.status.success() && fs::read_dir(&out).unwrap().count() == 2 * files.len());

    let csv = ganspect(&["inspect", "--model", model, good, "--csv"]);
    let csv = String::from_utf8_lossy(&csv.stdout).into_owned();
    assert!(csv.starts_with("file,verdict,p,") && csv.lines().count() == 2, "{csv}");

    // At a rate of one half, half of the healthy parts are called defective; one of the two is.
    let bad = fixture.bad.to_str().unwrap();
    let strict = ["inspect", "--model", model, good, bad, "--rate", "0.5", "--csv"];
    let flagged = String::from_utf8_lossy(&ganspect(&strict).stdout).contains(",defective,");
    let failing = ganspect(&[&strict[..], &["--fail-on-defect"]].concat());
    assert_eq!(failing.status.code(), Some(i32::from(flagged)));
    assert_eq!(ganspect(&strict).status.code(), Some(0));

    let refused = ganspect(&["inspect", "--model", model, good, "--rate", "0.0001"]);
    assert_eq!(refused.status.code(), Some(2));
    let talk = ganspect(&["inspect", "--model", model, good, "--preset", "talk", "--rate", "0.5"]);
    assert!(String::from_utf8_lossy(&talk.stderr).contains("not calibrated"));
    let none = ganspect(&["inspect", "--model", "nowhere.ganspect", good]);
    assert_eq!(none.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&none.stderr).contains("nowhere.ganspect"));
}

/// The regions of a finished query.
fn anomalies(engine: &Engine, id: QueryId) -> RegionList {
    let view = view(engine, id);
    view.regions.as_ref().unwrap().as_ref().clone().unwrap()
}

#[test]
fn regions_have_a_calibrated_threshold_and_their_settings_apply_at_once() {
    let fixture = fixture();
    let own = fixture.folder.path().join("measured.ganspect");
    fs::copy(&fixture.model, &own).unwrap();
    let engine = ready(&own, InvertKnobs::default());
    let calibration = facts(&engine).calibrations[0].clone();
    let levels = calibration.region_levels.as_ref().unwrap();
    assert_eq!(levels.maps.len(), EvaluatedMap::ALL.len(), "every map has its own threshold");
    assert!(levels.maps.values().all(|map| map.len() == calibration.held_out.len()));
    let id = add(&engine, &[&fixture.bad])[0];
    let judged = settle(&engine, id);
    let found = anomalies(&engine, id);
    assert_eq!(found.rule.share, judged.assessment().map(|a| a.rate));
    assert!(levels.maps[found.rule.map.name()].contains(&found.rule.level), "{:?}", found.rule);
    assert!(found.rule.edge <= found.rule.level && found.regions.iter().all(|r| r.peak > found.rule.level));
    // A higher rate promises less: its threshold is lower, and follows at once.
    send(&engine, InspectionRequest::SetRate(0.5));
    until(&engine, "the new threshold", |e| anomalies(e, id).rule.share == Some(0.5));
    assert!(anomalies(&engine, id).rule.level <= found.rule.level);

    let settings = RegionSettings { micrometres_per_pixel: Some(12.5), min_area: MinArea::SquareMicrometres(2_500.0) };
    send(&engine, InspectionRequest::SetRegionSettings(settings));
    until(&engine, "the settings", |e| facts(e).region_settings == settings);
    until(&engine, "the regions", |e| anomalies(e, id).rule.min_area == 16);
    let regions = anomalies(&engine, id).regions;
    assert!(regions.iter().all(|region| region.area >= 16 && region.micrometres.is_some()), "{regions:?}");
    assert_eq!(Model::load(&own, &Device::flex()).unwrap().info().region_settings, settings);
    // Settings that mean nothing are refused in words.
    let unknown = RegionSettings { micrometres_per_pixel: None, ..settings };
    send(&engine, InspectionRequest::SetRegionSettings(unknown));
    let refused = |event| matches!(event, Event::Notice { text, .. } if text.contains("needs the size of a pixel"));
    until(&engine, "the refusal", |e| std::iter::from_fn(|| e.next_event()).any(refused));
    assert_eq!(facts(&engine).region_settings, settings);
}

#[test]
fn the_command_line_measures_regions_in_pixels_and_micrometres() {
    let fixture = fixture();
    let own = fixture.folder.path().join("camera.ganspect");
    fs::copy(&fixture.model, &own).unwrap();
    let (model, bad) = (own.to_str().unwrap(), fixture.bad.to_str().unwrap());
    let said = |output: Output, code: i32| {
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{text}");
        text
    };
    let inspect = |more: &[&str]| -> serde_json::Value {
        let arguments = [&["inspect", "--model", model, bad, "--json", "--rate", "0.5"], more].concat();
        let output = ganspect(&arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let plain = inspect(&["--min-area", "1"]);
    let regions = plain["regions"].as_array().unwrap();
    assert!(!regions.is_empty(), "half of the healthy images show a region, and so does a crack: {plain}");
    let keys = ["x", "y", "width", "height", "area", "peak", "at", "mean", "centroid", "length", "breadth", "outline"];
    assert!(regions.iter().all(|region| keys.iter().all(|key| !region[*key].is_null())), "{plain}");
    assert!(regions.iter().all(|region| region["area_um2"].is_null()));
    assert!(plain["region_rule"]["share"].is_null(), "nothing is promised of regions of a pixel");
    let um = inspect(&["--pixel-size", "2", "--min-area", "1"]);
    for (region, plain) in um["regions"].as_array().unwrap().iter().zip(regions) {
        assert_eq!(region["area_um2"].as_f64().unwrap(), 4.0 * plain["area"].as_f64().unwrap());
        assert_eq!(region["area"], plain["area"]);
    }
    assert!(inspect(&["--min-area", "100000"])["regions"].as_array().unwrap().is_empty());

    let set = |more: &[&str]| ganspect(&[&["model", "regions", model], more].concat());
    assert!(said(set(&["--min-area", "50um2"]), 2).contains("needs the size of a pixel"));
    for (option, wrong, word) in [
        ("--pixel-size", "wide", "12.5"),
        ("--pixel-size", "-1", "range"),
        ("--min-area", "0", "whole number of pixels"),
        ("--min-area", "3 mm", "500um2"),
    ] {
        let text = said(set(&[option, wrong]), 2);
        assert!(text.contains(word), "{option} {wrong}: {text}");
    }
    let shown = said(set(&["--pixel-size", "2.5", "--min-area", "50um2"]), 0);
    assert!(shown.contains("2.5 µm") && shown.contains("50 µm²"), "{shown}");
    assert_eq!(said(set(&[]), 0), shown);
    let stored = inspect(&[]);
    assert_eq!(stored["region_rule"]["micrometres_per_pixel"], 2.5);
    assert_eq!(stored["region_rule"]["min_area"], 8);

    let out = fixture.folder.path().join("measured");
    said(ganspect(&["inspect", "--model", model, bad, "--out", out.to_str().unwrap(), "--rate", "0.5"]), 0);
    let table = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
    let table = table.filter(|path| path.to_string_lossy().ends_with("-regions.csv")).collect::<Vec<_>>();
    let mut reader = csv::Reader::from_path(&table[0]).unwrap();
    assert_eq!(reader.headers().unwrap().get(1), Some("region"));
    assert_eq!(reader.records().count(), stored["regions"].as_array().unwrap().len());
}
