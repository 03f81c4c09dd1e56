//! Intake of parts by the engine: during training, across interruptions and across models.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    thread,
    time::Duration,
};

use ganspect::{
    data::{FileHash, Samples, surface, surface::SurfaceKind},
    device::DeviceChoice,
    engine::{
        Engine, InspectionRequest, IntakeRequest, TrainingRequest,
        inspection::{ModelSource, ModelState, Query, QueryId, QuerySource, QueryState},
        intake::{
            IntakePhase, IntakeSpec, IntakeStatus,
            watch::{Timing, WatchOptions},
        },
    },
    inspect::{InvertKnobs, Verdict},
    model::Bundle,
    review::{Judgement, KeptPictures, Record, ReviewItem, record::NewOpinion},
    train::Recipe,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{camera, harness::until};

const SETTLE: Duration = Duration::from_millis(100);

/// Longer than any test: no file is given up.
const FOREVER: Duration = Duration::from_secs(3_600);

/// A PNG of a different part for each number.
fn png(number: u64) -> Vec<u8> {
    let picture = surface::draw(SurfaceKind::Turned, None, 5, number, 64).picture;
    let Samples::U8(bytes) = picture.samples() else { panic!("8 bits") };
    let image = image::GrayImage::from_raw(64, 64, bytes.clone()).unwrap();
    let mut out = std::io::Cursor::new(Vec::new());
    image.write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

/// One step, so that hundreds of parts are fast.
fn knobs() -> InvertKnobs {
    InvertKnobs { steps: 1, ..InvertKnobs::default() }
}

fn status(engine: &Engine) -> IntakeStatus {
    engine.state().intake.status.read().clone()
}

fn open_model(engine: &Engine, model: &Path) {
    assert!(engine.send(InspectionRequest::OpenModel(ModelSource::File(model.into()))));
    until(engine, "the model", |e| match &e.state().inspection.status.read().model {
        ModelState::Ready(facts) => facts.path.as_deref() == Some(model),
        ModelState::Failed(text) => panic!("{text}"),
        _ => false,
    });
}

/// An engine with this model active and one step per inspection.
fn engine(model: &Path) -> Engine {
    let engine = Engine::start(DeviceChoice::Cpu, || {}).unwrap();
    engine.send(InspectionRequest::SetKnobs(Box::new(knobs())));
    open_model(&engine, model);
    engine
}

/// Returns the built-in model, calibrated for one step.
fn model() -> &'static Path {
    static MODEL: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = MODEL.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("one step.ganspect");
        let engine = Engine::start(DeviceChoice::Cpu, || {}).unwrap();
        engine.send(InspectionRequest::OpenModel(ModelSource::BuiltIn));
        engine.send(InspectionRequest::SetKnobs(Box::new(knobs())));
        engine.send(InspectionRequest::Calibrate);
        until(&engine, "the calibration", |e| match &e.state().inspection.status.read().model {
            ModelState::Ready(facts) => facts.calibration(&knobs()).is_some(),
            _ => false,
        });
        engine.send(InspectionRequest::SaveModel(path.clone()));
        until(&engine, "the file", |_| path.exists());
        drop(engine);
        (folder, path)
    });
    path
}

/// A folder of parts and its record.
struct Fixture {
    root: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("parts")).unwrap();
        Self { root }
    }

    fn parts(&self) -> PathBuf {
        self.root.path().join("parts")
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.parts().join(name), bytes).unwrap();
    }

    fn spec(&self, patience: Duration, once: bool) -> IntakeSpec {
        let options = WatchOptions { timing: Timing { settle: SETTLE, patience }, once, ..WatchOptions::default() };
        IntakeSpec { folder: self.parts(), options, record: self.root.path().join("review.sqlite") }
    }

    fn begin(&self, engine: &Engine, spec: IntakeSpec) {
        assert!(engine.send(IntakeRequest::Begin(spec.clone())));
        until(engine, "the beginning", |e| status(e).spec.as_ref() == Some(&spec));
    }

    fn record(&self) -> Record {
        Record::open(&self.root.path().join("review.sqlite")).unwrap()
    }

    /// Checks that exactly these files are on record, each once.
    fn assert_recorded(&self, wanted: &BTreeMap<String, Vec<u8>>) -> Vec<ReviewItem> {
        let items = self.record().queue().unwrap();
        let recorded: Vec<(String, FileHash)> = items.iter().map(|item| (item.part.name(), item.part.hash)).collect();
        let as_map: BTreeMap<String, FileHash> = recorded.iter().cloned().collect();
        assert_eq!(recorded.len(), as_map.len(), "a part is on record more than once");
        let wanted: BTreeMap<String, FileHash> =
            wanted.iter().map(|(name, bytes)| (name.clone(), FileHash::of(bytes))).collect();
        assert!(as_map == wanted, "{} on record, {} wanted", as_map.len(), wanted.len());
        items
    }
}

fn parts(numbers: std::ops::Range<u64>) -> BTreeMap<String, Vec<u8>> {
    numbers.map(|n| (format!("part {n}.png"), png(n))).collect()
}

fn ended(engine: &Engine) -> String {
    until(engine, "the end", |e| !status(e).phase.is_active());
    match status(engine).phase {
        IntakePhase::Ended(text) | IntakePhase::Failed(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn five_hundred_parts_are_inspected_once_each_during_training() {
    let fixture = Fixture::new();
    let engine = engine(model());
    let mut recipe = Recipe::default();
    let tiny = ["model.size=32", "train.batch=4", "model.latent_size=8", "train.steps=1000000"];
    tiny.iter().for_each(|assignment| recipe.assign(assignment).unwrap());
    let (source, out) = ("surface:turned".parse().unwrap(), fixture.root.path().join("run"));
    engine.send(TrainingRequest::Start { source, opened: None, recipe: Box::new(recipe), out });
    let step = |e: &Engine| e.state().training.status.read().step;
    until(&engine, "the run", |e| step(e) >= 2);

    let wanted = parts(0..500);
    let (written, folder) = (wanted.clone(), fixture.parts());
    fixture.begin(&engine, fixture.spec(FOREVER, false));
    let camera = camera::write(folder, written, 0.9, 21);
    until(&engine, "some parts", |e| status(e).counts.recorded >= 50);
    let before = step(&engine);
    // An image that the user adds is inspected before the parts of the folder.
    let source = QuerySource::File(fixture.parts().join("part 0.png"));
    let query = Query { id: QueryId::fresh(), name: "single".into(), source };
    engine.send(InspectionRequest::Add(vec![query]));
    until(&engine, "the image", |e| {
        let entries = e.state().inspection.status.read().entries.clone();
        entries.first().is_some_and(|entry| entry.state == QueryState::Done)
    });
    until(&engine, "all parts", |e| status(e).counts.recorded == 500);
    camera.join().unwrap();
    assert!(step(&engine) > before, "training made no progress");
    let running = status(&engine);
    assert_eq!((running.phase.clone(), running.progress()), (IntakePhase::Running, (500, 500)));
    assert!(running.per_minute.is_some_and(|n| n > 0.0) && running.seconds_left.is_none());
    let items = fixture.assert_recorded(&wanted);
    assert!(items.iter().all(|item| item.inspection.threshold.is_some_and(f64::is_finite)));

    // A broken file is quarantined after the patience; a second intake records nothing twice.
    fixture.begin(&engine, fixture.spec(SETTLE * 4, false));
    fixture.put("cut.png", &png(500)[..200]);
    fixture.put("note.png", b"Dear colleague, the camera is broken.");
    until(&engine, "the quarantine", |e| status(e).quarantined.len() == 2 && status(e).counts.known == 500);
    let reasons: Vec<String> = status(&engine).quarantined.iter().map(|q| q.reason.clone()).collect();
    assert!(reasons.iter().any(|r| r.contains("truncated")), "{reasons:?}");
    assert!(reasons.iter().any(|r| r.contains("not an image")), "{reasons:?}");
    engine.send(IntakeRequest::Stop);
    assert!(ended(&engine).starts_with("Stopped. 0 parts recorded, 2 in quarantine, 500 already on record."));
    fixture.assert_recorded(&wanted);
}

#[test]
fn an_engine_dropped_midway_loses_nothing_and_inspects_nothing_twice() {
    let fixture = Fixture::new();
    let wanted = parts(0..81);
    let mut coming = wanted.iter();
    let (partial, whole) = coming.next().unwrap();
    // While one part is half written, intake is not finished, however fast the machine.
    fixture.put(partial, &whole[..whole.len() / 2]);
    let mut rng = ChaCha8Rng::seed_from_u64(22);
    let mut recorded = 0;
    for _ in 0..4 {
        coming.by_ref().take(20).for_each(|(name, bytes)| fixture.put(name, bytes));
        let engine = engine(model());
        fixture.begin(&engine, fixture.spec(FOREVER, false));
        let enough = rng.random_range(3..12);
        until(&engine, "some parts", |e| status(e).counts.recorded >= enough);
        thread::sleep(Duration::from_millis(rng.random_range(0..30)));
        let seen = status(&engine).counts.recorded;
        drop(engine);
        // Inspected parts were recorded before the engine ended.
        let now = fixture.record().queue().unwrap().len();
        assert!(now >= recorded + seen, "{now} on record, {recorded} before and {seen} since");
        recorded = now;
    }
    fixture.put(partial, whole);
    let engine = engine(model());
    fixture.begin(&engine, fixture.spec(FOREVER, true));
    let said = ended(&engine);
    assert!(said.contains("are recorded.") && said.contains("already on record"), "{said}");
    let counts = status(&engine).counts;
    assert_eq!((counts.known, counts.recorded, counts.waiting), (recorded, wanted.len() - recorded, 0));
    fixture.assert_recorded(&wanted);
}

#[test]
fn a_watched_folder_continues_with_the_next_model_and_skips_recorded_parts() {
    let fixture = Fixture::new();
    let other = fixture.root.path().join("other.ganspect");
    let mut bundle = Bundle::read(model()).unwrap();
    bundle.tensors[0].values[0] += 0.001;
    bundle.write(&other).unwrap();

    // Intake waits for a model.
    let engine = Engine::start(DeviceChoice::Cpu, || {}).unwrap();
    engine.send(InspectionRequest::SetKnobs(Box::new(knobs())));
    fixture.begin(&engine, fixture.spec(FOREVER, false));
    until(&engine, "the wait", |e| matches!(status(e).phase, IntakePhase::Waiting(_)));
    let IntakePhase::Waiting(said) = status(&engine).phase else { panic!("the intake is not waiting") };
    assert!(said.starts_with("No model is open."), "{said}");
    open_model(&engine, model());
    let wanted = parts(0..12);
    wanted.iter().take(6).for_each(|(name, bytes)| fixture.put(name, bytes));
    until(&engine, "the first parts", |e| status(e).counts.recorded == 6);
    // Knobs changed for a single image do not apply to the folder.
    engine.send(InspectionRequest::SetKnobs(Box::new(InvertKnobs { steps: 2, ..knobs() })));
    open_model(&engine, &other);
    wanted.iter().skip(6).for_each(|(name, bytes)| fixture.put(name, bytes));
    until(&engine, "the other parts", |e| status(e).counts.recorded == 12);
    assert!(status(&engine).notice.is_some_and(|notice| notice.text.contains("inspects the parts from now on")));
    let models = |items: &[ReviewItem]| {
        let mut models: Vec<FileHash> = items.iter().map(|item| item.inspection.model).collect();
        models.sort_unstable();
        models.dedup();
        models.len()
    };
    assert_eq!(models(&fixture.assert_recorded(&wanted)), 2);

    // With a model that is not calibrated, the parts wait and none is lost.
    engine.send(InspectionRequest::OpenModel(ModelSource::BuiltIn));
    engine.send(InspectionRequest::SetKnobs(Box::new(knobs())));
    until(&engine, "the wait", |e| matches!(status(e).phase, IntakePhase::Waiting(_)));
    fixture.put("late.png", &png(99));
    open_model(&engine, &other);
    until(&engine, "the late part", |e| status(e).counts.recorded == 13);

    // A folder inspected once is inspected by the active model.
    fixture.begin(&engine, fixture.spec(FOREVER, true));
    assert!(ended(&engine).contains("6 parts recorded, 7 already on record"));
    assert_eq!(models(&fixture.record().queue().unwrap()), 1);
}

#[test]
fn an_intake_that_cannot_record_ends_with_a_message() {
    let fixture = Fixture::new();
    let engine = engine(model());
    fixture.begin(&engine, IntakeSpec { folder: fixture.root.path().join("absent"), ..fixture.spec(FOREVER, false) });
    assert!(ended(&engine).contains("check the spelling"), "{}", ended(&engine));
    let foreign = fixture.root.path().join("foreign.sqlite");
    fs::write(&foreign, "not a record, and longer than the header of an SQLite file ".repeat(40)).unwrap();
    fixture.begin(&engine, IntakeSpec { record: foreign, ..fixture.spec(FOREVER, false) });
    assert!(ended(&engine).contains("not an SQLite file; choose another file"), "{}", ended(&engine));
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let name = std::ffi::OsStr::from_bytes(b"part \xff.png");
        fs::write(fixture.parts().join(name), png(1)).unwrap();
        fixture.begin(&engine, fixture.spec(FOREVER, false));
        until(&engine, "the part", |e| status(e).counts.recorded == 1);
        let items = fixture.record().queue().unwrap();
        assert_eq!(
            (items[0].part.path.as_path(), items[0].part.name().as_str()),
            (&*fixture.parts().join(name), "part \\xff.png")
        );
    }
    fixture.put("good.png", &png(2));
    fixture.begin(&engine, fixture.spec(FOREVER, true));
    let known = if cfg!(unix) { ", 1 already on record" } else { "" };
    let said = ended(&engine);
    assert!(said.ends_with(&format!("are recorded. 1 part recorded{known}.")), "{said}");
}

#[test]
fn parts_wait_for_a_locked_record_and_are_filed_when_it_is_free() {
    let fixture = Fixture::new();
    let engine = engine(model());
    drop(fixture.record());
    let lock = rusqlite::Connection::open(fixture.root.path().join("review.sqlite")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let wanted = parts(0..9);
    wanted.iter().for_each(|(name, bytes)| fixture.put(name, bytes));
    let stalled = |e: &Engine| match status(e).phase {
        IntakePhase::Stalled(text) => text.contains("it is locked by another program"),
        _ => false,
    };
    // A stop during the wait ends, whatever is queued.
    fixture.begin(&engine, fixture.spec(FOREVER, false));
    until(&engine, "the wait", stalled);
    engine.send(IntakeRequest::Stop);
    let said = ended(&engine);
    assert!(said.starts_with("Stopped. 0 parts recorded.") && said.contains("could not be recorded"), "{said}");
    // The next watch goes on by itself when the record is free.
    fixture.begin(&engine, fixture.spec(FOREVER, false));
    until(&engine, "the wait", stalled);
    lock.execute_batch("COMMIT").unwrap();
    until(&engine, "the parts", |e| status(e).counts.recorded == wanted.len());
    until(&engine, "the watch", |e| status(e).phase == IntakePhase::Running);
    fixture.assert_recorded(&wanted);
    let notices: Vec<String> = std::iter::from_fn(|| engine.next_event())
        .filter_map(|event| match event {
            ganspect::engine::Event::Notice { text, .. } => Some(text),
            _ => None,
        })
        .collect();
    let count = |part: &str| notices.iter().filter(|text| text.contains(part)).count();
    assert_eq!((count("Parts wait"), count("can be written again")), (2, 1), "{notices:?}");
    // The same while a watch is opened, and a record that another program destroys ends it once.
    engine.send(IntakeRequest::Stop);
    ended(&engine);
}

#[test]
fn the_record_keeps_a_picture_of_what_was_judged() {
    let keep = |keep: KeptPictures| {
        let fixture = Fixture::new();
        for n in 0..6 {
            fixture.put(&format!("part {n}.png"), &png(n));
        }
        let engine = engine(model());
        *engine.state().intake.keep.write() = keep;
        fixture.begin(&engine, fixture.spec(FOREVER, true));
        ended(&engine);
        // The station overwrites its files.
        for n in 0..6 {
            fixture.put(&format!("part {n}.png"), &png(n + 100));
        }
        let record = fixture.record();
        let items = record.queue().unwrap();
        assert_eq!(items.len(), 6);
        for item in &items {
            let copy = record.kept_picture(item.part.id).unwrap();
            let flagged = item.inspection.assessment.verdict != Verdict::Healthy;
            let wanted = match keep {
                KeptPictures::All => true,
                KeptPictures::Flagged => flagged,
                KeptPictures::None => false,
            };
            assert_eq!(copy.is_some(), wanted, "{keep:?}, {}", item.part.name());
            let Some(copy) = copy else { continue };
            let copy = image::load_from_memory(&copy).unwrap().into_luma8();
            let number: u64 = item.part.name()[5..6].parse().unwrap();
            let difference = |bytes: &[u8]| {
                let other = image::load_from_memory(bytes).unwrap().into_luma8();
                assert_eq!(other.dimensions(), copy.dimensions());
                let pixels = other.pixels().zip(copy.pixels());
                pixels.map(|(a, b)| f64::from(a.0[0].abs_diff(b.0[0]))).sum::<f64>() / f64::from(copy.width().pow(2))
            };
            let (own, other) = (difference(&png(number)), difference(&png(number + 100)));
            assert!(2.0 * own < other, "{}: {own} against {other}", item.part.name());
        }
    };
    keep(KeptPictures::All);
    keep(KeptPictures::Flagged);
    keep(KeptPictures::None);
}

/// A part as an uncompressed file.
fn bmp(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::load_from_memory(&png(number)).unwrap();
    picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Bmp).unwrap();
    bytes
}

#[test]
fn a_file_recorded_before_its_writer_had_finished_is_replaced() {
    let fixture = Fixture::new();
    let engine = engine(model());
    fixture.begin(&engine, fixture.spec(SETTLE * 3, false));
    // The writer reserves space, and pauses for longer than the watch waits.
    let (whole, other) = (bmp(1), bmp(2));
    let mut early = whole.clone();
    early[whole.len() * 3 / 5..].fill(0);
    fixture.put("part.bmp", &early);
    fixture.put("last.bmp", &other);
    until(&engine, "the early state", |e| status(e).counts.recorded == 2);
    let items = fixture.record().queue().unwrap();
    let first = items.iter().find(|item| item.part.name() == "part.bmp").unwrap();
    assert_eq!(first.part.hash, FileHash::of(&early));
    fixture.record().add_opinion(&NewOpinion::new(first.inspection.id, "ada", Judgement::Defective)).unwrap();
    // It goes on; meanwhile a camera uses a name again for the next part.
    fixture.put("part.bmp", &whole);
    fixture.put("last.bmp", &bmp(3));
    until(&engine, "both states", |e| status(e).counts.recorded == 4);
    engine.send(IntakeRequest::Stop);
    ended(&engine);
    let items = fixture.record().queue().unwrap();
    let of = |name: &str| items.iter().filter(|item| item.part.name() == name).collect::<Vec<_>>();
    let (parts, lasts) = (of("part.bmp"), of("last.bmp"));
    let ([finished], [before, after]) = (&parts[..], &lasts[..]) else { panic!("{items:?}") };
    assert_eq!(finished.part.hash, FileHash::of(&whole));
    assert!(finished.opinions.is_empty());
    let [earlier] = &finished.earlier[..] else { panic!("{:?}", finished.earlier) };
    assert_eq!((earlier.part.hash, earlier.opinions.len()), (FileHash::of(&early), 1));
    assert_eq!((before.part.hash, after.part.hash), (FileHash::of(&other), FileHash::of(&bmp(3))));
    assert!(before.earlier.is_empty() && after.earlier.is_empty());
}
