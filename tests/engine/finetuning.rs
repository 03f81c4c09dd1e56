//! Fine-tuning on verdicts: the training labels, the comparison and the lineage.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::Command as Process,
    thread,
    time::Duration,
};

use burn::tensor::Device;
use ganspect::{
    data::{
        FileHash, Samples, surface,
        surface::{DefectType, SurfaceKind},
    },
    device::DeviceChoice,
    engine::{
        Engine, FinetuneRequest, InspectionRequest, IntakeRequest,
        finetune::{FinetunePhase, FinetuneSpec, FinetuneStatus},
        inspection::{ModelFacts, ModelSource, ModelState},
        intake::{
            IntakePhase, IntakeSpec,
            watch::{Timing, WatchOptions},
        },
    },
    inspect::{InvertKnobs, Lineage, Model, lineage::Role},
    model::Bundle,
    review::{Judgement, Record, ReviewItem, Timestamp, TrainingLabels, record::NewOpinion},
    train::Recipe,
};

/// One step, so that an inspection is fast.
fn knobs() -> InvertKnobs {
    InvertKnobs { steps: 1, ..InvertKnobs::default() }
}

/// Waits until `done` returns a value; the limit only turns a hang into a failure.
fn until<T>(engine: &Engine, what: &str, mut done: impl FnMut(&Engine) -> Option<T>) -> T {
    for _ in 0..24_000 {
        if let Some(value) = done(engine) {
            return value;
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("timed out waiting for {what}: {:?}", status(engine));
}

fn status(engine: &Engine) -> FinetuneStatus {
    engine.state().finetune.status.read().clone()
}

fn facts(engine: &Engine) -> Option<std::sync::Arc<ModelFacts>> {
    match &engine.state().inspection.status.read().model {
        ModelState::Ready(facts) => Some(facts.clone()),
        _ => None,
    }
}

fn open_model(engine: &Engine, path: &Path) {
    engine.send(InspectionRequest::OpenModel(ModelSource::File(path.into())));
    until(engine, "the model", |e| facts(e).filter(|facts| facts.path.as_deref() == Some(path)));
}

/// A record of 20 healthy and 4 defective parts, each inspected and reviewed.
struct Fixture {
    root: tempfile::TempDir,
    engine: Engine,
}

impl Fixture {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let engine = Engine::start(DeviceChoice::Cpu, || {}).unwrap();
        let fixture = Self { root, engine };
        // The built-in model with a recipe whose critic is trained quickly.
        let mut bundle =
            Bundle::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/turned.ganspect"))).unwrap();
        let mut recipe = Recipe::from_record(&bundle.meta["recipe"]).unwrap();
        for knob in ["critic.steps=6", "critic.batch=2", "encoder.steps=2", "train.steps=20", "train.batch=2"] {
            recipe.assign(knob).unwrap();
        }
        bundle.meta.insert("recipe".into(), recipe.to_toml());
        bundle.write(&fixture.at("parent.ganspect")).unwrap();
        fixture.engine.send(InspectionRequest::SetKnobs(Box::new(knobs())));
        open_model(&fixture.engine, &fixture.at("parent.ganspect"));
        fixture.engine.send(InspectionRequest::Calibrate);
        until(&fixture.engine, "the calibration", |e| facts(e).filter(|f| f.calibration(&knobs()).is_some()));
        fs::create_dir(fixture.at("parts")).unwrap();
        for n in 0..24 {
            fixture.put(n, (n % 6 == 5).then_some(DefectType::Scratch));
        }
        fixture.inspect_parts(24);
        fixture
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn put(&self, n: u64, defect: Option<DefectType>) {
        let picture = surface::draw(SurfaceKind::Turned, defect, 5, n, 64).picture;
        let Samples::U8(bytes) = picture.samples() else { panic!("8 bits") };
        let name = if defect.is_some() { format!("parts/bad {n}.png") } else { format!("parts/good {n}.png") };
        image::GrayImage::from_raw(64, 64, bytes.clone()).unwrap().save(self.at(&name)).unwrap();
    }

    /// Inspects all `parts` and adds a verdict by file name for those without one.
    fn inspect_parts(&self, parts: usize) {
        let timing = Timing { settle: Duration::from_millis(50), patience: Duration::from_secs(3_600) };
        let options = WatchOptions { timing, once: true, ..WatchOptions::default() };
        let spec = IntakeSpec { folder: self.at("parts"), options, record: self.at("review.sqlite") };
        self.engine.send(IntakeRequest::Begin(spec));
        until(&self.engine, "the parts", |e| {
            let status = e.state().intake.status.read().clone();
            (matches!(status.phase, IntakePhase::Ended(_)) && status.counts.recorded == parts).then_some(())
        });
        let mut record = Record::open(&self.at("review.sqlite")).unwrap();
        for item in record.queue().unwrap().iter().filter(|item| item.opinions.is_empty()) {
            let bad = item.part.name().starts_with("bad");
            let judgement = if bad { Judgement::Defective } else { Judgement::Healthy };
            record.add_opinion(&NewOpinion::new(item.inspection.id, "ada", judgement)).unwrap();
        }
    }

    fn items(&self) -> Vec<ReviewItem> {
        Record::open(&self.at("review.sqlite")).unwrap().queue().unwrap()
    }

    /// The training labels of the record for the active model.
    fn labels(&self) -> TrainingLabels {
        let facts = facts(&self.engine).unwrap();
        let lineage = facts.lineage.as_deref().cloned().unwrap_or_default();
        TrainingLabels::of(&self.items(), &lineage.before(&facts.split), &HashSet::new())
    }

    fn begin(&self, out: &str, generator: bool) {
        let spec = FinetuneSpec { record: self.at("review.sqlite"), generator, out: self.at(out) };
        assert!(self.engine.send(FinetuneRequest::Begin(spec)));
    }

    fn result(&self, out: &str) -> std::sync::Arc<ganspect::engine::finetune::FinetuneResult> {
        until(&self.engine, "the model", |e| match status(e).phase {
            FinetunePhase::Done => status(e).result.filter(|result| result.model.path == self.at(out)),
            FinetunePhase::Failed(text) => panic!("{text}"),
            _ => None,
        })
    }
}

fn hashes_with_role(lineage: &Lineage, role: Role) -> HashSet<FileHash> {
    lineage.parts.iter().filter(|part| part.role == role).map(|part| part.hash).collect()
}

#[test]
fn a_model_is_fine_tuned_and_records_its_lineage() {
    let fixture = Fixture::new();
    let labels = fixture.labels();
    assert_eq!((labels.parts.len(), labels.new_verdicts(None)), (24, (20, 4)));
    let counts = [Role::Train, Role::Calibrate, Role::Compare].map(|role| labels.count(role));
    assert!(counts.iter().all(|n| *n > 0) && counts[2] > 4, "{counts:?}");

    // Cancelled midway, it leaves no file.
    fixture.begin("models/first.ganspect", false);
    until(&fixture.engine, "the build", |e| matches!(status(e).phase, FinetunePhase::Building(_)).then_some(()));
    fixture.engine.send(FinetuneRequest::Cancel);
    until(&fixture.engine, "the end", |e| (status(e).phase == FinetunePhase::Stopped).then_some(()));
    let said = status(&fixture.engine).cancelled.unwrap();
    assert!(said.starts_with("Cancelled while ") && said.contains(" %. No model was saved"), "{said}");
    assert!(!fixture.at("models").exists());

    fixture.begin("models/first.ganspect", false);
    let first = fixture.result("models/first.ganspect");
    let parent = facts(&fixture.engine).unwrap();
    assert_eq!(parent.path, Some(fixture.at("parent.ganspect")), "the new model is not opened automatically");
    assert_eq!((first.parent.hash.to_string(), first.missing, first.opinions.len()), (parent.hash.clone(), 0, 24));
    let comparison = first.comparison.as_ref().unwrap();
    assert_eq!((comparison.parts, comparison.before.defective, comparison.after.defective), (counts[2], 4, 4));
    assert!(comparison.before.auroc.is_some() && comparison.after.false_alarms.is_some());
    assert!(comparison.changed() <= comparison.parts);

    // The split is fixed, and no part of the comparison was used for training or calibration.
    let model = Model::load(&fixture.at("models/first.ganspect"), &Device::flex()).unwrap();
    let about = model.info();
    let lineage = about.lineage.clone().unwrap();
    assert_eq!(lineage.parts, labels.parts);
    assert_eq!(lineage.ancestors, [first.parent.hash]);
    let (train, held): (HashSet<_>, HashSet<_>) =
        (about.split.train.iter().copied().collect(), about.split.held_out.iter().copied().collect());
    assert!(train.is_disjoint(&held));
    assert!(
        hashes_with_role(&lineage, Role::Train).is_subset(&train)
            && hashes_with_role(&lineage, Role::Calibrate).is_subset(&held)
    );
    assert!(hashes_with_role(&lineage, Role::Compare).iter().all(|hash| !train.contains(hash) && !held.contains(hash)));
    assert_eq!(train.len(), parent.split.train.len() + counts[0]);
    let calibration = model.calibration(&knobs()).unwrap();
    assert_eq!(calibration.held_out.len(), parent.split.held_out.len() + counts[1]);
    assert!(about.name.ends_with(", fine-tuned on 24 verdicts"), "{}", about.name);

    // Both adoptions are on record.
    let mut record = Record::open(&fixture.at("review.sqlite")).unwrap();
    let adoption = first.adoption("ada", Timestamp::now());
    record.adopt(&adoption).unwrap();
    record.adopt(&adoption.back("bob", Timestamp::now()).unwrap()).unwrap();
    let adoptions: Vec<_> = record.adoptions().unwrap().into_iter().map(|a| a.adopted).collect();
    assert_eq!((adoptions[0].model, adoptions[0].parent), (first.parent.hash, Some(first.model.hash)));
    assert_eq!((adoptions[1].model, adoptions[1].verdicts.len()), (first.model.hash, 24));
    assert_eq!((&adoptions[0].before, &adoptions[0].path), (&adoptions[1].after, &first.parent.path));

    // A second fine-tuning includes the labels of the first, without an overruled verdict.
    open_model(&fixture.engine, &fixture.at("models/first.ganspect"));
    let inherited = fixture.labels();
    assert_eq!((inherited.parts.clone(), inherited.new_verdicts(Some(&lineage))), (labels.parts.clone(), (0, 0)));
    let trained = labels.parts.iter().find(|part| part.role == Role::Train).unwrap();
    let item = fixture.items().into_iter().find(|item| item.part.hash == trained.hash).unwrap();
    record.add_opinion(&NewOpinion::new(item.inspection.id, "bob", Judgement::Defective)).unwrap();
    fixture.put(100, None);
    fixture.inspect_parts(25);
    assert_eq!(fixture.labels().new_verdicts(Some(&lineage)), (1, 1));
    fixture.begin("models/second.ganspect", true);
    let second = fixture.result("models/second.ganspect");
    let about = Model::load(&second.model.path, &Device::flex()).unwrap().info().clone();
    let lineage = about.lineage.unwrap();
    assert_eq!(lineage.ancestors, [first.model.hash, first.parent.hash]);
    assert!(
        !about.split.train.contains(&trained.hash) && hashes_with_role(&lineage, Role::Compare).contains(&trained.hash)
    );
    assert_eq!(about.step, parent.step + 2, "a tenth of the generator's steps");

    let shown = Process::new(env!("CARGO_BIN_EXE_ganspect")).args(["model", "show"]).arg(&second.model.path).output();
    let shown = String::from_utf8(shown.unwrap().stdout).unwrap();
    assert!(shown.contains(&format!("parent        {}", first.model.hash)), "{shown}");
    assert!(
        shown.contains(&format!("its parent    {}", first.parent.hash)) && shown.contains("fine-tuned on 25 verdicts")
    );
    assert!(lineage.parts.iter().all(|part| shown.contains(&part.hash.to_string())));
}

#[test]
fn the_command_fine_tunes_a_copy_and_prints_the_comparison() {
    let fixture = Fixture::new();
    let (db, model, out) = (fixture.at("review.sqlite"), fixture.at("parent.ganspect"), fixture.at("tuned.ganspect"));
    drop(fixture.engine);
    let run = |db: &Path| {
        let mut process = Process::new(env!("CARGO_BIN_EXE_ganspect"));
        process.args(["--device", "cpu", "review", "learn", "--set", "steps=1"]);
        process.arg("--db").arg(db).arg("--model").arg(&model).arg("--out").arg(&out).output().unwrap()
    };
    let output = run(&fixture.root.path().join("absent.sqlite"));
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("there is no record at"));
    let output = run(&db);
    let (rows, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(rows.contains("verdicts 20 healthy and 4 defective are new to the model"), "{rows}");
    assert!(rows.contains("AUROC") && rows.contains("False alarms") && rows.contains("tuned.ganspect"), "{rows}");
    let about = Model::load(&out, &Device::flex()).unwrap().info().clone();
    assert_eq!(about.lineage.unwrap().parts.len(), 24);
}

#[test]
fn fine_tuning_without_usable_verdicts_is_refused() {
    let engine = Engine::start(DeviceChoice::Cpu, || {}).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (record, out) = (folder.path().join("review.sqlite"), folder.path().join("never.ganspect"));
    Record::open(&record).unwrap();
    let refused = || {
        engine.send(FinetuneRequest::Begin(FinetuneSpec {
            record: record.clone(),
            generator: false,
            out: out.clone(),
        }));
        until(&engine, "the refusal", |e| match status(e).phase {
            FinetunePhase::Failed(text) => Some(text),
            _ => None,
        })
    };
    assert!(refused().contains("no model is open; open a .ganspect file first."));
    engine.send(InspectionRequest::OpenModel(ModelSource::BuiltIn));
    until(&engine, "the model", facts);
    engine.send(FinetuneRequest::Cancel);
    assert!(
        until(&engine, "the refusal", |_| {
            let text = refused();
            text.contains("review more parts").then_some(text)
        })
        .starts_with("Fine-tuning failed: no verdict of a healthy part")
    );
    assert!(!out.exists());
}
