//! Evaluation of a model on labelled images: inspection, reuse of earlier results, and the output of the command.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command as Process, Output},
    sync::{Arc, OnceLock},
};

use burn::tensor::Device;
use ganspect::{
    data::{
        BitDepth, Label,
        surface::{SetSize, SurfaceKind, write_set},
    },
    engine::{TrainingRequest, training::TrainingPhase},
    inspect::{
        Evaluation, Evaluator, InspectionJob, InvertKnobs, Model, Planes, Regions, ScoreKind, TestSet,
        evaluation::{EvaluatedMap, EvaluationSummary, PixelCounts, PixelTotals},
    },
};

use crate::harness::{engine, phase, small, until};

/// A folder with the model of a short run and a small data set, built once for all tests.
struct Fixture {
    folder: tempfile::TempDir,
    model: PathBuf,
    set: PathBuf,
}

fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let (run, set) = (folder.path().join("run"), folder.path().join("set"));
        let size = SetSize { train: 40, test_good: 4, test_per_defect: 2, side: 48 };
        write_set(&set, SurfaceKind::Turned, 3, size, &|_, _| true).unwrap();
        let engine = engine();
        let (source, recipe) = (set.to_str().unwrap().parse().unwrap(), small(0.5));
        engine.send(TrainingRequest::Start { source, opened: None, recipe, out: run.clone() });
        until(&engine, "the model", |e| phase(e) == TrainingPhase::Finished);
        let broken = set.join("test/good/broken.png");
        fs::write(broken, &fs::read(set.join("test/good/000.png")).unwrap()[..80]).unwrap();
        Fixture { model: run.join("model.ganspect"), folder, set }
    })
}

fn model() -> Model {
    Model::load(&fixture().model, &Device::flex()).unwrap()
}

fn finish(model: &Model, evaluator: &mut Evaluator) -> Evaluation {
    while !evaluator.slice(model.networks()).unwrap() {}
    evaluator.evaluation()
}

#[test]
fn earlier_results_are_reused() {
    let model = model();
    let file = fixture().folder.path().join("cache/results.json");
    let tests = Arc::new(TestSet::generate(SurfaceKind::Turned, 0, 48, 3, 5));
    let new = |knobs: &InvertKnobs| Evaluator::new(&model, Arc::clone(&tests), knobs.clone(), Some(&file)).unwrap();
    let knobs = InvertKnobs::default();

    // Cancelled after three images.
    let mut first = new(&knobs);
    while first.progress().0 < 3 {
        assert!(!first.slice(model.networks()).unwrap());
    }
    assert!(first.seconds_left().is_some_and(|s| s > 0.0) && first.progress() == (3, 8));
    assert_eq!(first.evaluation().images.len(), 3);
    first.save_cache().unwrap();

    let mut second = new(&knobs);
    let whole = finish(&model, &mut second);
    assert_eq!((second.inspected(), second.is_done(), whole.images.len()), (5, true, 8));
    let mut third = new(&knobs);
    let again = finish(&model, &mut third);
    assert_eq!((third.inspected(), &again), (0, &whole));
    // Other knobs need another evaluation.
    let mut other = new(&InvertKnobs { steps: 3, ..knobs.clone() });
    let other_whole = finish(&model, &mut other);
    assert_eq!(other.inspected(), 8);
    assert!(other_whole.calibration.is_none() && other_whole.rate.is_none());
    assert_eq!(EvaluationSummary::of(&other_whole, None).unwrap().verdict().unwrap().confusion, None);

    // The scores equal those of each image inspected on its own.
    let mut totals = EvaluatedMap::ALL.map(PixelTotals::new);
    for (i, examined) in whole.images.iter().enumerate() {
        let query = Arc::new(Planes::of(&tests.picture(i).unwrap(), 1, 1.0));
        let mut job = InspectionJob::new(model.networks(), query, knobs.clone(), &Regions::default()).unwrap();
        while !job.slice(model.networks()).unwrap() {}
        let outcome = job.outcome(model.calibration(&knobs).zip(model.rate(&knobs))).unwrap();
        assert_eq!((&examined.scores, examined.steps), (outcome.scores(), outcome.steps));
        let mask = tests.mask(i).unwrap().map(|(mask, _)| mask);
        let mask = mask.map(|m| (0..48 * 48).map(|p| m.unit(p % 48, p / 48, 0) > 0.0).collect::<Vec<bool>>());
        for counts in PixelCounts::of(&outcome, mask.as_deref()) {
            totals.iter_mut().for_each(|t| t.add(&counts));
        }
    }
    assert!(!whole.pixels.is_empty());
    for metrics in totals.iter().map(PixelTotals::metrics).filter(|f| f.healthy > 0) {
        assert_eq!(whole.pixel_metrics(metrics.map), Some(&metrics));
    }
    let summary = EvaluationSummary::of(&whole, None).unwrap();
    assert_eq!((summary.healthy, summary.defective, summary.held_out), (3, 5, 20));
    assert_eq!(summary.verdict().unwrap().defect_types.len(), 5);
}

#[test]
fn images_that_cannot_be_read_are_left_out() {
    let model = model();
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    let size = SetSize { train: 6, test_good: 2, test_per_defect: 1, side: 32 };
    write_set(&set, SurfaceKind::Turned, 8, size, &|_, _| true).unwrap();
    let source = set.to_str().unwrap().parse().unwrap();
    let tests = Arc::new(TestSet::open(&source, &[], None, &|_, _| true).unwrap());
    // Removed and changed between opening and reading.
    fs::remove_file(set.join("test/good/000.png")).unwrap();
    fs::copy(set.join("test/good/001.png"), set.join("test/crack/000.png")).unwrap();
    fs::remove_file(set.join("ground_truth/pit/000_mask.png")).unwrap();
    let knobs = InvertKnobs { steps: 2, ..InvertKnobs::default() };
    let mut evaluator = Evaluator::new(&model, tests, knobs, None).unwrap();
    let evaluation = finish(&model, &mut evaluator);
    assert_eq!((evaluation.images.len(), evaluation.excluded.len()), (5, 3));
    let said: Vec<String> = evaluation.excluded.iter().map(|l| format!("{} {}", l.name, l.reason)).collect();
    let said = said.join("\n");
    assert!(said.contains("000.png") && said.contains("has changed") && said.contains("without its mask"), "{said}");
    assert_eq!(evaluation.pixels[0].regions, evaluation.pixels[1].regions);
    let nothing = Arc::new(TestSet::generate(SurfaceKind::Turned, 0, 32, 0, 0));
    assert!(Evaluator::new(&model, nothing, InvertKnobs::default(), None).is_err());
}

fn ganspect(arguments: &[&str]) -> Output {
    ganspect_in("runs", arguments)
}

/// Like [`ganspect`], with results in a folder of their own, so that none of another test is reused.
fn ganspect_in(runs: &str, arguments: &[&str]) -> Output {
    let runs = fixture().folder.path().join(runs);
    let place = ["--device", "cpu", "--runs", runs.to_str().unwrap()];
    Process::new(env!("CARGO_BIN_EXE_ganspect")).args(place).arg("evaluate").args(arguments).output().unwrap()
}

fn output_text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

fn rows(path: &Path) -> Vec<csv::StringRecord> {
    csv::Reader::from_path(path).unwrap().records().map(Result::unwrap).collect()
}

#[test]
fn the_command_prints_tables_and_writes_a_report() {
    let fixture = fixture();
    let (model, set) = (fixture.model.to_str().unwrap(), fixture.set.to_str().unwrap());
    let out = fixture.folder.path().join("report");
    let first = ganspect(&["--model", model, "--data", set, "--report", out.to_str().unwrap()]);
    let (printed, said) = output_text(&first);
    assert!(first.status.success(), "{said}");
    assert!(said.contains("broken.png") && !said.contains("inspected before"), "{said}");
    assert!(printed.contains("4 healthy and 10 defective"), "{printed}");
    for kind in ScoreKind::ALL.into_iter().filter(|k| printed.contains(&format!("| {}", k.name()))) {
        assert!(printed.lines().any(|l| l.starts_with(&format!("| {}", kind.name())) && l.contains('-')), "{printed}");
    }
    assert!(printed.contains("AUPRO") && printed.contains("| scratch | 2 |") && printed.contains("caught |"));

    // 4 healthy, 10 defective, 1 left out.
    let images = rows(&out.join("images.csv"));
    assert_eq!(images.len(), 15);
    assert!(images.iter().filter(|r| &r[1] == "defective" && !r[2].is_empty()).count() == 10);
    assert!(images.iter().any(|r| r[0].ends_with("broken.png") && r[r.len() - 1].ends_with('.')));
    let header = fs::read_to_string(out.join("images.csv")).unwrap();
    let column = header.lines().next().unwrap().split(',').position(|name| name == "outcome").unwrap();
    let outcome = |row: &csv::StringRecord| row[column].to_owned();
    let defective = images.iter().filter(|r| &r[1] == "defective").map(outcome);
    assert!(defective.clone().all(|outcome| ["missed", "caught"].contains(&outcome.as_str())));
    assert_eq!(images.iter().map(outcome).filter(|outcome| !outcome.is_empty()).count(), 14);
    let missed = defective.filter(|outcome| outcome == "missed").count();
    let text = fs::read_to_string(out.join("metrics.json")).unwrap();
    let summary: EvaluationSummary = serde_json::from_str(&text).unwrap();
    assert_eq!((summary.healthy, summary.defective, summary.held_out), (4, 10, 20));
    assert!(summary.pixels.iter().all(|p| p.auroc.is_some() && p.aupro.is_some() && p.iou.is_some()));
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    let wanted = [
        "<!doctype html>",
        "prefers-color-scheme: dark",
        "class=\"line own\"",
        "class=\"threshold\"",
        "data:image/png;base64,iVBOR",
        "Missed",
        "Borderline",
        "latent_size",
        "Test data hash",
        "1 excluded",
        summary.header.model.hash.as_str(),
        summary.header.data_hash.as_str(),
    ];
    for wanted in wanted {
        assert!(page.contains(wanted), "{wanted}");
    }
    // Each case says how the model did on it, and the defects are outlined.
    let said = |outcome: &str| page.matches(&format!("<strong>{outcome}</strong>, label:")).count();
    let all: usize = ["Missed", "False alarm", "Caught", "Passed"].map(said).iter().sum();
    assert_eq!(all, page.matches("<figure>").count());
    assert_eq!(said("Missed"), missed.min(6));
    assert!(page.contains("The blue line is the outline of the labelled defect."));
    // The page loads nothing from elsewhere, and every tag is closed.
    assert!(!page.contains("http") && !page.contains("<script"));
    for tag in ["svg", "table", "figure", "details", "div", "span", "tr", "ul"] {
        let open = page.matches(&format!("<{tag}>")).count() + page.matches(&format!("<{tag} ")).count();
        assert_eq!(open, page.matches(&format!("</{tag}>")).count(), "{tag}");
    }

    // Another threshold reuses all results.
    let half = ganspect(&["--model", model, "--data", set, "--rate", "0.5", "--json"]);
    let (printed, said) = output_text(&half);
    assert!(said.contains("14 of 14 images were inspected before"), "{said}");
    let strict: EvaluationSummary = serde_json::from_str(&printed).unwrap();
    assert_eq!(strict.rate, Some(0.5));
    assert_eq!(strict.scores[0].metrics, summary.scores[0].metrics);
    assert!(strict.verdict().unwrap().threshold < summary.verdict().unwrap().threshold);
}

#[test]
fn two_models_are_compared() {
    let fixture = fixture();
    let (model, out) = (fixture.model.to_str().unwrap(), fixture.folder.path().join("both"));
    let both = ganspect(&[
        "--model",
        model,
        "--compare",
        "built-in",
        "--data",
        "surface:turned",
        "--images",
        "1",
        "--report",
        out.to_str().unwrap(),
    ]);
    let (printed, said) = output_text(&both);
    assert!(both.status.success(), "{said}");
    assert!(printed.contains("1 healthy and 1 defective") && printed.contains(": AUROC |"), "{printed}");
    let models: Vec<EvaluationSummary> =
        serde_json::from_str(&fs::read_to_string(out.join("metrics.json")).unwrap()).unwrap();
    assert_eq!(models.len(), 2);
    assert_eq!(models[0].header.data_hash, models[1].header.data_hash);
    assert_ne!(models[0].header.model.hash, models[1].header.model.hash);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("dashed lines") && page.contains("Comparison") && page.contains("class=\"line other\""));
    assert_eq!(rows(&out.join("images.csv")).len(), 4);
}

#[test]
fn invalid_arguments_are_refused_before_anything_is_inspected() {
    let fixture = fixture();
    let (model, set) = (fixture.model.to_str().unwrap(), fixture.set.to_str().unwrap());
    let refused = |arguments: &[&str]| {
        let output = ganspect(&[&["--model", model, "--data", set][..], arguments].concat());
        assert_eq!(output.status.code(), Some(2));
        output_text(&output).1
    };
    assert!(refused(&["--rate", "0.001"]).contains("20 held-out"));
    assert!(refused(&["--rate", "0.1", "--preset", "talk"]).contains("not calibrated"));
    assert!(refused(&["--set", "steps=0"]).contains("steps"));
    let seen = fixture.set.join("train");
    let none = ganspect(&["--model", model, "--data", seen.to_str().unwrap()]);
    assert!(output_text(&none).1.contains("no test images in"), "{}", output_text(&none).1);
    let tests = TestSet::open(&set.parse().unwrap(), &[], None, &|_, _| true).unwrap();
    assert!(tests.items.iter().all(|i| i.label != Label::Defective("good".into())));
}

#[test]
fn the_decision_score_changes_without_another_inspection() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cache.json");
    let mut model = model();
    let knobs = InvertKnobs::default();
    let tests = Arc::new(TestSet::generate(SurfaceKind::Turned, 0, 48, 6, 12));
    let test = |model: &Model| {
        let mut evaluator = Evaluator::new(model, Arc::clone(&tests), knobs.clone(), Some(&file)).unwrap();
        let evaluation = finish(model, &mut evaluator);
        (evaluation, evaluator.inspected())
    };
    let (first, inspected) = test(&model);
    assert_eq!((inspected, first.score), (18, ScoreKind::Fused));
    let alarms = |e: &Evaluation| {
        let calibration = e.calibration.as_ref().unwrap();
        let threshold = calibration.threshold(e.rate.unwrap());
        calibration.held_out.iter().filter(|h| h.scores.get(e.score) > threshold).count()
    };
    let promised = alarms(&first);

    model.set_decision_score(ScoreKind::Critic, &knobs).unwrap();
    let (second, inspected) = test(&model);
    assert_eq!((inspected, second.score, alarms(&second)), (0, ScoreKind::Critic, promised));
    let judged = first.rejudged(model.calibration(&knobs).unwrap(), model.rate(&knobs));
    assert_eq!(judged, second);
    assert!(second.images.iter().all(|e| second.assess(e, 0.2).unwrap().kind == ScoreKind::Critic));

    model.reweight(&first.defective(), "drawn", &knobs).unwrap();
    model.promise(0.25, &knobs).unwrap();
    let path = folder.path().join("reweighted.ganspect");
    model.save(&path).unwrap();
    let read = Model::load(&path, &Device::flex()).unwrap();
    let promise = read.info().promise.clone().unwrap();
    assert_eq!((promise.rate, promise.score), (0.25, Some(ScoreKind::Fused)));
    let (third, inspected) = test(&read);
    assert_eq!((inspected, third.score, third.rate), (0, ScoreKind::Fused, Some(0.25)));
    let said = EvaluationSummary::of(&third, None).unwrap().caution.unwrap();
    assert!(said.contains("12 labelled defects of drawn"), "{said}");

    // After removing the weights, everything is as before.
    assert!(model.remove_labels(&knobs).unwrap());
    model.set_decision_score(ScoreKind::Fused, &knobs).unwrap();
    assert_eq!(model.calibration(&knobs).unwrap(), first.calibration.as_ref().unwrap());
    let unknown = model.set_decision_score(ScoreKind::Critic, &InvertKnobs { steps: 3, ..knobs }).unwrap_err();
    assert!(unknown.to_string().contains("not calibrated"));
}

/// Copies the test images of a set as 16-bit files whose samples lie in the low 12 bits.
fn of_twelve_bits(set: &Path, copy: &Path) {
    for (kind, count) in [("good", 4), ("crack", 2)] {
        fs::create_dir_all(copy.join("test").join(kind)).unwrap();
        for i in 0..count {
            let name = format!("test/{kind}/{i:03}.png");
            let image = image::open(set.join(&name)).unwrap().into_luma8();
            let low: Vec<u16> = image.iter().map(|&v| (u32::from(v) * 4_095 / 255) as u16).collect();
            let deep = image::ImageBuffer::<image::Luma<u16>, _>::from_raw(image.width(), image.height(), low).unwrap();
            deep.save(copy.join(&name)).unwrap();
        }
    }
}

#[test]
fn samples_of_twelve_bits_are_read_as_the_model_or_the_user_says() {
    let fixture = fixture();
    let (model, copy) = (fixture.model.to_str().unwrap(), fixture.folder.path().join("twelve"));
    of_twelve_bits(&fixture.set, &copy);
    let data = copy.to_str().unwrap();
    let evaluated = |more: &[&str]| {
        let output =
            ganspect_in("runs of twelve bits", &[&["--model", model, "--data", data, "--json"][..], more].concat());
        let (printed, said) = output_text(&output);
        assert!(output.status.success(), "{said}");
        serde_json::from_str::<EvaluationSummary>(&printed).unwrap()
    };
    let reading = |summary: &EvaluationSummary| {
        summary.header.about.iter().find(|line| line.starts_with("16-bit samples are read as ")).cloned()
    };
    let plain = TestSet::open(&fixture.set.to_str().unwrap().parse().unwrap(), &[], None, &|_, _| true).unwrap();
    assert_eq!((plain.reading(BitDepth::Auto), plain.reading(BitDepth::Twelve)), (None, None));
    // The model, trained on 8 bits, does not say: the images do. The flag says the same, and otherwise decides.
    let (auto, twelve, all) = (evaluated(&[]), evaluated(&["--bit-depth", "12"]), evaluated(&["--bit-depth", "16"]));
    assert!(reading(&auto).unwrap().contains("12 bits (0 to 4095), because the largest of all is"));
    assert_eq!(reading(&twelve).unwrap(), "16-bit samples are read as 12 bits (0 to 4095)");
    assert!(reading(&all).unwrap().contains("16 bits (0 to 65535), although the largest of all is"));
    assert_eq!(auto.scores, twelve.scores);
    assert_ne!(auto.scores, all.scores);
    // A model that keeps a depth reads the images likewise.
    let mut kept = Model::load(&fixture.model, &Device::flex()).unwrap();
    let tests = Arc::new(TestSet::open(&data.parse().unwrap(), &[], None, &|_, _| true).unwrap());
    assert!(!tests.about.iter().any(|line| line.contains("16-bit")), "{:?}", tests.about);
    let scores = |model: &Model| {
        let mut evaluator = Evaluator::new(model, Arc::clone(&tests), InvertKnobs::default(), None).unwrap();
        let evaluation = finish(model, &mut evaluator);
        (evaluation.images.iter().map(|e| e.scores.clone()).collect::<Vec<_>>(), evaluation.header.about)
    };
    let before = scores(&kept);
    kept.read_at(BitDepth::Sixteen);
    let after = scores(&kept);
    assert_ne!(before.0, after.0);
    assert!(after.1.iter().any(|line| line.starts_with("16-bit samples are read as 16 bits")), "{:?}", after.1);
    let refused = ganspect(&["--model", model, "--data", data, "--bit-depth", "12", "--weigh"]);
    assert_eq!(refused.status.code(), Some(2), "the weights would not suit how the model reads");
}
