//! The Review workspace in the window: what it shows, and the verdicts that its keys record.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::{Key, Modifiers, accesskit};
use egui_kittest::{
    SnapshotResults,
    kittest::{NodeT, Queryable},
};
use ganspect::{
    data::{
        FileHash, ImageGrid, surface,
        surface::{DefectType, SurfaceKind},
    },
    engine::{
        EngineState, InspectionRequest,
        inspection::{ModelSource, ModelState, NearestNeighbours, QueryView},
        review::{RecordState, ReviewSnapshot, ReviewStatistics},
    },
    inspect::{
        AnomalyRegion, Assessment, Calibration, InvertKnobs, Judged, KeptFrame, Outcome, Planes, RegionList,
        RegionRule, RegionShape, ScoreKind, Scores, Verdict,
        anomaly_region::RegionMeasures,
        calibration::{HeldOut, MapScale},
        critic::CropOrigin,
        evaluation::EvaluatedMap,
    },
    review::{
        Agreement, Facets, Findings, Inspection, InspectionId, Judgement, Part, PartId, Record, ReviewItem,
        ReviewStatus, Timestamp,
        drift::Drift,
        export::ExportFormat,
        record::{NewInspection, NewOpinion, NewPart, Writing},
    },
    ui::{Action, PageId, UiCommand},
};

use crate::{
    harness::{SIZE, TestWindow, Window, facts, open, open_in, point, press, shows, type_text},
    inspected,
};

const SIDE: usize = 96;

/// p-values of the parts; the verdicts follow at a rate of 1 in 20.
const P: [f64; 8] = [0.04, 0.005, 0.06, 0.6, 0.03, 0.9, 0.12, 0.01];

fn verdict(p: f64) -> Verdict {
    match p {
        p if p <= 0.05 => Verdict::Defective,
        p if p <= 0.15 => Verdict::Suspect,
        _ => Verdict::Healthy,
    }
}

fn assessment(p: f64) -> Assessment {
    Assessment { kind: ScoreKind::Fused, score: -p.ln(), p, n: 199, rate: 0.05, verdict: verdict(p), reason: None }
}

fn model_hash() -> FileHash {
    FileHash::of(b"model")
}

/// Saves the image of part `i` in a folder; returns its path.
pub fn image_file(folder: &Path, i: usize) -> PathBuf {
    let defect = (verdict(P[i % P.len()]) != Verdict::Healthy).then_some(DefectType::Scratch);
    let picture = surface::draw(SurfaceKind::Turned, defect, 11, i as u64, SIDE).picture;
    let grey = image::GrayImage::from_fn(SIDE as u32, SIDE as u32, |x, y| {
        image::Luma([((picture.unit(x as usize, y as usize, 0) + 1.0) * 127.5) as u8])
    });
    fs::create_dir_all(folder).unwrap();
    let path = folder.join(format!("part-{:02}.png", i + 1));
    grey.save(&path).unwrap();
    path
}

fn findings(p: f64) -> Findings {
    let region = AnomalyRegion {
        x: 10,
        y: 25,
        width: 36,
        height: 14,
        area: 310,
        peak: 6.2,
        at: [40, 34],
        measures: Some(RegionMeasures {
            mean: 3.9,
            centroid: [27.4, 31.8],
            orientation: Some(164.0),
            length: 38.2,
            breadth: 9.6,
        }),
        micrometres: None,
        more_outlines: Vec::new(),
        outline: vec![
            [10.0, 25.0],
            [34.0, 25.0],
            [34.0, 29.0],
            [46.0, 29.0],
            [46.0, 39.0],
            [30.0, 39.0],
            [30.0, 34.0],
            [10.0, 34.0],
        ],
    };
    let regions = if verdict(p) == Verdict::Healthy { vec![] } else { vec![region] };
    let rule = RegionRule { share: Some(0.05), ..RegionRule::above(EvaluatedMap::Critic, 2.5) };
    Findings::of(Scores::default(), Some(RegionList { rule, regions, left_out: 0 }))
}

/// Creates a record of all parts in `folder`, as a watched folder does.
fn record(folder: &Path) -> Record {
    let mut record = Record::open(&folder.join("review.sqlite")).unwrap();
    for (i, p) in P.into_iter().enumerate() {
        let path = image_file(&folder.join("parts"), i);
        file(&mut record, &path, p, i);
    }
    for kind in ["scratch", "dent"] {
        record.add_defect_type(kind, Timestamp(1)).unwrap();
    }
    record
}

pub fn file(record: &mut Record, path: &Path, p: f64, i: usize) {
    file_as(record, path, p, i, model_hash());
}

/// Adds a part to the record, inspected by this model.
fn file_as(record: &mut Record, path: &Path, p: f64, i: usize, model: FileHash) {
    let bytes = fs::read(path).unwrap();
    let part = NewPart {
        path: path.to_owned(),
        hash: FileHash::of(&bytes),
        bytes: bytes.len() as u64,
        width: SIDE,
        height: SIDE,
    };
    let inspection = NewInspection {
        model,
        model_name: "turned".into(),
        assessment: assessment(p),
        threshold: Some(3.0),
        findings: findings(p),
        seconds: 0.6,
        time: Timestamp::from_seconds(1_773_300_000 + i as u64),
    };
    // As the watch does with a file of which the record has an unfinished state.
    let earlier = record.earlier_parts(path, part.hash).unwrap();
    let supersedes = earlier.iter().filter(|part| part.is_finished_by(&bytes)).map(|part| part.id).collect();
    record.insert_written(&part, &inspection, &Writing { unwritten: None, supersedes }).unwrap();
}

/// Opens the Review page on a record, with the reviewer ada.
pub fn reviewing(double_blind: bool) -> (TestWindow, Record) {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path());
    let mut test = open_in(
        folder,
        true,
        SIZE,
        |_| {},
        |settings| {
            settings.review.reviewer = "ada".into();
            settings.review.double_blind = double_blind;
        },
    );
    show(&mut test);
    test.until("the record", |window| shows(window, "1 of 6"));
    (test, record)
}

fn show(test: &mut TestWindow) {
    test.harness.state_mut().apply(Action::Command(UiCommand::GoReview));
    test.harness.run_steps(3);
}

fn tap(test: &mut TestWindow, key: Key) {
    press(test, Modifiers::NONE, key);
}

/// Returns the name of the current part in the filmstrip.
fn current(window: &Window) -> Option<String> {
    let mut rows = window.query_all_by_role(accesskit::Role::ListBoxOption);
    let row = rows.find(|node| node.accesskit_node().toggled() == Some(accesskit::Toggled::True))?;
    row.accesskit_node().label().map(|label| label.split(',').next().unwrap_or_default().to_owned())
}

fn cells(window: &Window) -> usize {
    window.query_all_by_role(accesskit::Role::ListBoxOption).count()
}

/// Returns the part of this file from the record.
fn item(record: &Record, name: &str) -> ReviewItem {
    record.queue().unwrap().into_iter().find(|item| item.part.name() == name).unwrap()
}

fn until_saved(test: &mut TestWindow) {
    test.until("the verdict to be saved", |window| !shows(window, "saving"));
}

#[test]
fn one_key_records_the_verdict_and_shows_the_next_part() {
    let (mut test, record) = reviewing(false);
    // Flagged parts, borderline parts first.
    assert_eq!(current(&test.harness).as_deref(), Some("part-03.png"));
    assert!(shows(&test.harness, "SUSPECT") && shows(&test.harness, "1 in 17 healthy parts would score this high"));
    assert!(shows(&test.harness, "6 left · 0 done"));
    tap(&mut test, Key::A);
    assert_eq!(current(&test.harness).as_deref(), Some("part-01.png"), "the key shows the next part");
    until_saved(&mut test);
    let said = item(&record, "part-03.png");
    assert_eq!((said.opinions.len(), said.status(Some("ada"))), (1, ReviewStatus::Agreed));
    tap(&mut test, Key::H);
    tap(&mut test, Key::U);
    tap(&mut test, Key::Space);
    until_saved(&mut test);
    assert_eq!(item(&record, "part-01.png").status(None), ReviewStatus::Overruled);
    assert!(shows(&test.harness, "3 left · 3 done · 1 agreed · 1 overruled"));
    // Undo returns to each part, one by one.
    for back in ["part-07.png", "part-05.png", "part-01.png", "part-03.png"] {
        press(&mut test, Modifiers::COMMAND, Key::Z);
        test.until(back, |window| current(window).as_deref() == Some(back));
    }
    test.until("every verdict undone", |window| shows(window, "6 left · 0 done"));
    assert!(record.queue().unwrap().iter().all(|item| item.opinions.is_empty()));
    press(&mut test, Modifiers::COMMAND, Key::Z);
    assert_eq!(current(&test.harness).as_deref(), Some("part-03.png"), "there is nothing more to undo");
    assert!(test.harness.state().notices().any(|t| t == "Undone: the verdict 'agree' on part-03.png."));
}

#[test]
fn the_finished_file_takes_the_place_of_the_part_on_show() {
    let (mut test, mut record) = reviewing(false);
    assert_eq!(current(&test.harness).as_deref(), Some("part-03.png"));
    let early = item(&record, "part-03.png");
    record.add_opinion(&NewOpinion::new(early.inspection.id, "bob", Judgement::Healthy)).unwrap();
    // The writer appends to the file, which is inspected again.
    let path = early.part.path.clone();
    fs::write(&path, [fs::read(&path).unwrap(), b"more".to_vec()].concat()).unwrap();
    file(&mut record, &path, 0.005, 99);
    test.until("the finished file", |window| shows(window, "Unfinished file"));
    assert_eq!(current(&test.harness).as_deref(), Some("part-03.png"), "the page stays with the file");
    assert!(shows(&test.harness, "bob, unfinished file") && shows(&test.harness, "DEFECTIVE"));
    assert!(shows(&test.harness, "6 left · 0 done"), "one part, which nobody has judged");
    let finished = item(&record, "part-03.png");
    assert!(finished.part.id != early.part.id && finished.opinions.is_empty() && finished.earlier.len() == 1);
}

#[test]
fn a_verdict_given_just_before_the_window_closes_is_saved() {
    let (mut test, record) = reviewing(false);
    test.harness.key_press(Key::H);
    test.harness.step();
    let TestWindow { harness, folder } = test;
    drop(harness);
    assert_eq!(item(&record, "part-03.png").status(Some("ada")), ReviewStatus::Agreed);
    drop(folder);
}

#[test]
fn a_digit_sets_the_defect_type_and_the_last_type_is_the_default() {
    let (mut test, record) = reviewing(false);
    tap(&mut test, Key::D);
    until_saved(&mut test);
    assert!(shows(&test.harness, "part-03.png is defective: type not set."));
    tap(&mut test, Key::Num2);
    until_saved(&mut test);
    test.until("the defect type", |_| item(&record, "part-03.png").defect_type() == Some("dent"));
    assert_eq!(current(&test.harness).as_deref(), Some("part-01.png"), "the choice does not block");
    tap(&mut test, Key::D);
    until_saved(&mut test);
    test.until("the same defect type", |_| item(&record, "part-01.png").defect_type() == Some("dent"));
    assert_eq!(test.harness.state().settings().review.defect_type.as_deref(), Some("dent"));
}

#[test]
fn a_note_is_saved_with_the_verdict() {
    let (mut test, record) = reviewing(false);
    tap(&mut test, Key::N);
    type_text(&mut test, "burr at the edge");
    tap(&mut test, Key::Enter);
    assert_eq!(current(&test.harness).as_deref(), Some("part-03.png"));
    assert!(shows(&test.harness, "Saved with your verdict."));
    tap(&mut test, Key::H);
    until_saved(&mut test);
    test.until("the note", |_| item(&record, "part-03.png").opinions.iter().any(|o| o.note == "burr at the edge"));
    // After a verdict, a changed note is saved at once with it.
    tap(&mut test, Key::ArrowLeft);
    assert_eq!(current(&test.harness).as_deref(), Some("part-03.png"));
    tap(&mut test, Key::N);
    type_text(&mut test, ", seen twice");
    tap(&mut test, Key::Enter);
    test.until("the longer note", |_| {
        let item = item(&record, "part-03.png");
        item.opinions.iter().any(|o| o.note == "burr at the edge, seen twice" && o.judgement == Judgement::Healthy)
    });
}

#[test]
fn a_region_is_drawn_around_the_defect() {
    let (mut test, record) = reviewing(false);
    test.until("the image", |window| window.query_by_label("Draw a rectangle").is_some());
    let is_query = |label: Option<String>| label.is_some_and(|label| label.starts_with("Image"));
    let mut images = test.harness.query_all_by_role(accesskit::Role::Image);
    let query = images.find(|node| is_query(node.accesskit_node().label())).unwrap().rect();
    drop(images);
    tap(&mut test, Key::R);
    let at = |share: f32| query.center() + query.size() * share;
    point(&mut test, at(-0.2), Some(true));
    point(&mut test, at(0.0), None);
    point(&mut test, at(0.2), None);
    point(&mut test, at(0.2), Some(false));
    test.harness.run_steps(2);
    assert!(shows(&test.harness, "The drawn region is saved with your verdict."));
    tap(&mut test, Key::D);
    until_saved(&mut test);
    test.until("the region", |_| {
        matches!(item(&record, "part-03.png").drawn(), Some(RegionShape::Rectangle([x0, y0], [x1, y1])) if x1 > x0 && y1 > y0)
    });
}

#[test]
fn filters_and_search_define_the_queue() {
    let (mut test, _record) = reviewing(false);
    assert_eq!(cells(&test.harness), 6, "parts that the model flags");
    test.choose("Model verdict", "Healthy");
    assert_eq!(cells(&test.harness), 2);
    test.choose("Model verdict", "All verdicts");
    test.choose("Queue order", "Worst first");
    assert_eq!(cells(&test.harness), 8);
    press(&mut test, Modifiers::COMMAND, Key::F);
    type_text(&mut test, "part-07");
    assert_eq!((cells(&test.harness), current(&test.harness).as_deref()), (1, Some("part-07.png")));
    tap(&mut test, Key::Escape);
    test.harness.run_steps(2);
    assert_eq!(cells(&test.harness), 8);
    tap(&mut test, Key::A);
    until_saved(&mut test);
    test.choose("Review status", "Done");
    assert_eq!((cells(&test.harness), current(&test.harness).as_deref()), (1, Some("part-07.png")));
    test.choose("Review status", "Overruled");
    assert!(shows(&test.harness, "No parts in this queue"));
    test.harness.get_by_label("Show all parts").click();
    test.harness.run_steps(4);
    assert_eq!(cells(&test.harness), 8);
}

#[test]
fn two_blind_reviews_disagree_and_a_third_verdict_decides() {
    let (mut test, mut record) = reviewing(true);
    let part = item(&record, "part-03.png");
    test.harness.state().state().review.maps.write().insert(part.inspection.id, Ok(Arc::new(inspected_view(2))));
    let bob = NewOpinion { blind: true, ..NewOpinion::new(part.inspection.id, "bob", Judgement::Defective) };
    record.add_opinion(&bob).unwrap();
    test.harness.run_steps(3);
    for hidden in ["SUSPECT", "1 in 17", "bob, blind", "Most similar healthy crops"] {
        assert!(!shows(&test.harness, hidden), "{hidden}");
    }
    assert!(shows(&test.harness, "What do you see?"));
    tap(&mut test, Key::A);
    assert_eq!(current(&test.harness).as_deref(), Some("part-03.png"), "there is nothing to agree with");
    tap(&mut test, Key::H);
    until_saved(&mut test);
    test.until("ada's blind verdict", |_| item(&record, "part-03.png").blind.len() == 2);
    // The statistics are updated a moment later.
    test.until("the disagreement", |window| shows(window, "1 part is disputed"));
    test.choose("Review status", "Disagreements");
    assert_eq!((cells(&test.harness), current(&test.harness).as_deref()), (1, Some("part-03.png")));
    assert!(shows(&test.harness, "SUSPECT") && shows(&test.harness, "bob, blind"));
    assert!(shows(&test.harness, "Most similar healthy crops"));
    tap(&mut test, Key::D);
    test.until("the ruling", |_| item(&record, "part-03.png").defective() == Some(true));
    assert_eq!(item(&record, "part-03.png").blind.len(), 2, "earlier verdicts stay on record");
    test.until("an empty queue", |window| shows(window, "No parts in this queue"));
}

#[test]
fn new_parts_appear_and_a_part_without_its_image_can_be_judged() {
    let (mut test, mut record) = reviewing(false);
    let path = image_file(&test.path("parts"), 8);
    file(&mut record, &path, 0.051, 8);
    fs::remove_file(&path).unwrap();
    test.until("the new part", |window| shows(window, "of 7"));
    test.choose("Queue order", "Newest first");
    while current(&test.harness).as_deref() != Some("part-09.png") {
        tap(&mut test, Key::ArrowLeft);
    }
    test.until("the reason", |window| shows(window, "Image not available"));
    assert!(shows(&test.harness, "was moved or deleted"));
    tap(&mut test, Key::H);
    until_saved(&mut test);
    test.until("the verdict", |_| item(&record, "part-09.png").opinions.len() == 1);
}

#[test]
fn without_a_name_nothing_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path());
    let mut test = open_in(folder, true, SIZE, |_| {}, |_| {});
    show(&mut test);
    test.until("the record", |window| shows(window, "1 of 6"));
    tap(&mut test, Key::D);
    assert!(record.queue().unwrap().iter().all(|item| item.opinions.is_empty()));
    test.harness.get_by_label("Your name").focus();
    test.harness.run_steps(2);
    type_text(&mut test, "eve");
    tap(&mut test, Key::Enter);
    test.harness.run_steps(3);
    assert_eq!(test.harness.state().settings().review.reviewer, "eve");
    tap(&mut test, Key::D);
    until_saved(&mut test);
    test.until("eve's verdict", |_| {
        item(&record, "part-03.png").opinions.iter().any(|o| o.reviewer == "eve" && o.defective() == Some(true))
    });
}

#[test]
fn exports_cover_the_whole_record_unless_the_queue_is_chosen() {
    let (mut test, _record) = reviewing(false);
    let out = test.path("out");
    test.choose("Model verdict", "Healthy");
    assert!(
        shows(&test.harness, "Healthy: 2 left") && shows(&test.harness, "Exports cover the whole record, 8 parts.")
    );
    let export = |test: &mut TestWindow, format, count: usize| {
        test.harness.state_mut().apply(Action::ExportReview(format, out.clone()));
        test.until("the export", |window| {
            window.state().notices().filter(|text| text.starts_with("Exported")).count() == count
        });
    };
    export(&mut test, ExportFormat::Csv, 1);
    export(&mut test, ExportFormat::Pdf, 2);
    let text = |name: &str| String::from_utf8_lossy(&fs::read(out.join(name)).unwrap()).into_owned();
    let lines = |name: &str| text(name).lines().count();
    assert_eq!(lines("review.csv"), 9, "eight parts");
    assert!(text("review.csv").contains("part-03.png"));
    assert!(text("shift.pdf").contains("8 parts") && text("shift.pdf").contains("Verdicts of the model"));
    // The queue is a choice, and everything names its filter.
    test.harness.get_by_label("Export only this queue").click();
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "Exports cover only the queue (healthy), 2 of 8 parts."));
    export(&mut test, ExportFormat::Csv, 3);
    export(&mut test, ExportFormat::Pdf, 4);
    assert_eq!(lines("review-healthy.csv"), 3);
    assert!(text("review-healthy.csv").lines().all(|line| line.ends_with("filter") || line.ends_with("healthy")));
    let report = text("shift-healthy.pdf");
    assert!(report.contains("Shift report: only healthy") && report.contains("2 of 8 parts"));
    assert!(!report.contains("false-alarm rate (") && !report.contains("Verdicts of the model"));
    assert!(test.harness.state().notices().any(|text| text.contains("(only healthy, of 8 in the record)")));
    assert_eq!(lines("review.csv"), 9, "the export of the whole record is still there");
}

#[test]
fn the_end_of_a_queue_says_what_is_next() {
    let (mut test, _record) = reviewing(false);
    for _ in 0..6 {
        assert!(!shows(&test.harness, "are done."));
        tap(&mut test, Key::A);
        until_saved(&mut test);
    }
    test.until("the end", |window| shows(window, "All 6 parts of this queue (flagged) are done."));
    assert!(shows(&test.harness, "Fine-tune on"));
    test.harness.get_by_label("Review the other 2 parts").click();
    test.harness.run_steps(4);
    assert!(shows(&test.harness, "of 8") && shows(&test.harness, "HEALTHY"));
    for _ in 0..2 {
        tap(&mut test, Key::A);
        until_saved(&mut test);
    }
    test.until("the end", |window| shows(window, "All 8 parts of this queue are done. Every part of the record"));
    // A queue that its last verdict empties says the same.
    test.choose("Review status", "To do");
    assert!(shows(&test.harness, "This queue is done") && !shows(&test.harness, "No parts in this queue"));
}

#[test]
fn a_file_that_is_no_record_is_reported_by_name() {
    let mut test = open(true, SIZE, |_| {});
    let path = test.path("notes.txt");
    fs::write(&path, "not a record").unwrap();
    test.harness.state_mut().apply(Action::OpenRecord(path));
    test.until("the reason", |window| {
        window.state().notices().any(|text| text.contains("notes.txt as a record") && text.ends_with('.'))
    });
    assert_eq!(test.harness.state().page(), PageId::Review);
    assert!(shows(&test.harness, "Is the model right?"));
}

/// Returns parts as a record lists them, with images in `folder`.
pub fn items(folder: &Path, count: usize) -> Vec<ReviewItem> {
    let item = |i: usize| {
        let id = i as i64 + 1;
        let p = P[i % P.len()];
        let path = folder.join(format!("part-{:02}.png", i + 1));
        // Where there is a file, it is the one that was judged.
        let bytes = fs::read(&path).unwrap_or_else(|_| id.to_le_bytes().to_vec());
        ReviewItem {
            part: Part {
                id: PartId(id),
                path,
                hash: FileHash::of(&bytes),
                bytes: bytes.len() as u64,
                width: SIDE,
                height: SIDE,
                first_seen: Timestamp::from_seconds(1_773_300_000),
            },
            inspection: Inspection {
                id: InspectionId(id),
                model: model_hash(),
                model_name: "turned".into(),
                assessment: assessment(p),
                threshold: Some(3.0),
                seconds: 0.6,
                time: Timestamp::from_seconds(1_773_300_000 + i as u64),
            },
            opinions: Vec::new(),
            blind: Vec::new(),
            earlier: Vec::new(),
        }
    };
    (0..count).map(item).collect()
}

/// Shows these parts as those of an open record.
pub fn put(state: &EngineState, items: Vec<ReviewItem>) {
    let facets = Arc::new(Facets::of(&items));
    let figures = ReviewStatistics { drift: Some(Drift::of(&items)), agreement: Agreement::of(&items), disputed: 0 };
    let snapshot = ReviewSnapshot {
        path: Some("/parts/review.sqlite".into()),
        state: RecordState::Open,
        items: Arc::new(items),
        revision: 1,
        defect_types: Arc::new(vec!["scratch".into(), "dent".into()]),
        facets,
        statistics: Arc::new(figures),
        ..ReviewSnapshot::default()
    };
    *state.review.snapshot.write() = Arc::new(snapshot);
}

fn calibration() -> Calibration {
    let held_out = (0..39_u32).map(|i| HeldOut { hash: FileHash::of(&i.to_le_bytes()), scores: Scores::default() });
    Calibration { held_out: held_out.collect(), size: (SIDE, SIDE), ..inspected::calibration() }
}

/// Sets the active model and its result for part `i`.
pub fn model_and_map(state: &EngineState, i: usize) {
    state.inspection.status.write().model =
        ModelState::Ready(Arc::new(facts(model_hash().to_string(), vec![calibration()])));
    let inspection = InspectionId(i as i64 + 1);
    state.review.maps.write().insert(inspection, Ok(Arc::new(inspected_view(i))));
    state.review.findings.write().insert(inspection, Arc::new(findings(0.04)));
}

/// Returns the result of an inspection of part `i`.
fn inspected_view(i: usize) -> QueryView {
    let picture = surface::draw(SurfaceKind::Turned, Some(DefectType::Scratch), 11, i as u64, SIDE).picture;
    let query = Arc::new(Planes::of(&picture, 1, 1.0));
    // The tool marks are vertical, so a column's mean is the column without the scratch.
    let mean = |x: usize| (0..SIDE).map(|y| query.at(x, y, 0)).sum::<f32>() / SIDE as f32;
    let row: Vec<f32> = (0..SIDE).map(mean).collect();
    let end = Planes::new(SIDE, SIDE, 1, row.repeat(SIDE)).unwrap();
    let difference: Vec<f32> = query.values().iter().zip(end.values()).map(|(q, e)| q - e).collect();
    let pixels = end.values().iter().map(|v| ((v.clamp(-1.0, 1.0) + 1.0) * 32_767.5).round() as u16).collect();
    let kept = KeptFrame { step: 60, pixels };
    let outcome = Outcome {
        exposure: None,
        critic: None,
        query: Arc::clone(&query),
        reconstruction: end,
        feature: difference.iter().map(|d| d.abs()).collect(),
        difference,
        inspected: None,
        judged: Judged::Verdict {
            scores: Scores::default(),
            assessment: assessment(0.04),
            threshold: 3.0,
            scale: MapScale { difference: 0.4, feature: 1.2, critic: 8.0, distance: 8.0 },
            other_start: false,
        },
        knobs: InvertKnobs::default(),
        records: Vec::new(),
        steps: 60,
        tiles: 1,
        seconds: 0.6,
    };
    let (outcome, neighbours) = (Some(Arc::new(outcome)), Some(Arc::new(neighbours(i))));
    QueryView { query, frames: vec![kept], records: Arc::default(), outcome, neighbours, regions: None }
}

/// Returns a crop of part `i` with three neighbours.
fn neighbours(i: usize) -> NearestNeighbours {
    let crop = |defect, index: u64| {
        let picture = surface::draw(SurfaceKind::Turned, defect, 11, index, SIDE).picture;
        (0..64 * 64).map(move |i| ((picture.unit(16 + i % 64, 16 + i / 64, 0) + 1.0) * 127.5) as u8)
    };
    let mut pixels: Vec<u8> = crop(Some(DefectType::Scratch), i as u64).collect();
    (4..7).for_each(|index| pixels.extend(crop(None, index)));
    let origin = |i: usize| CropOrigin { image: format!("good-{i}.png"), x: 8 * i, y: 16 };
    NearestNeighbours {
        images: ImageGrid { count: 4, side: 64, channels: 1, pixels },
        corner: (16, 16),
        neighbours: (1..4).map(|i| (origin(i), 0.25 * i as f32)).collect(),
    }
}

#[test]
fn only_the_visible_parts_of_five_thousand_are_drawn() {
    let mut test = open(true, SIZE, |state| put(state, items(Path::new("/parts"), 5_000)));
    show(&mut test);
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "1 of 3,750"));
    let seen = cells(&test.harness);
    assert!((8..=20).contains(&seen), "{seen} thumbnails");
    for _ in 0..40 {
        tap(&mut test, Key::ArrowRight);
    }
    assert!(shows(&test.harness, "41 of 3,750"));
    let seen = cells(&test.harness);
    assert!((8..=20).contains(&seen), "{seen} thumbnails");
    assert!(current(&test.harness).is_some(), "the filmstrip follows the current part");
}

#[test]
fn the_page_matches_its_snapshot() {
    let mut results = SnapshotResults::new();
    for (dark, name) in [(true, ""), (false, "_light")] {
        let folder = tempfile::tempdir().unwrap();
        (0..P.len()).for_each(|i| drop(image_file(folder.path(), i)));
        let parts = items(folder.path(), P.len());
        let prepare = move |state: &EngineState| {
            put(state, parts);
            model_and_map(state, 2);
        };
        let mut test = open_in(folder, dark, SIZE, prepare, |settings| settings.review.reviewer = "ada".into());
        show(&mut test);
        let thumbnails = |window: &Window| {
            let textures = window.ctx.tex_manager();
            let textures = textures.read();
            textures.allocated().filter(|(_, meta)| meta.name == "review-thumbnail").count()
        };
        test.until("the thumbnails", |window| thumbnails(window) >= 6);
        test.until("the regions", |window| shows(window, "Anomaly regions"));
        test.snapshot(&format!("review_parts{name}"), &mut results);
    }
}

#[test]
fn the_empty_page_offers_ways_to_start() {
    let mut results = SnapshotResults::new();
    for (dark, name) in [(true, ""), (false, "_light")] {
        let mut test = open(dark, SIZE, |state| put(state, Vec::new()));
        show(&mut test);
        assert!(shows(&test.harness, "Is the model right?") && shows(&test.harness, "Open a record…"));
        test.snapshot(&format!("review_empty{name}"), &mut results);
    }
}

#[test]
fn the_active_model_reconstructs_the_parts_that_it_inspected() {
    let mut test = open(true, SIZE, |_| {});
    let built_in = InspectionRequest::OpenModel(ModelSource::BuiltIn);
    test.harness.state_mut().apply(Action::engine(built_in));
    let hash = |window: &Window| match &window.state().state().inspection.status.read().model {
        ModelState::Ready(facts) => Some(facts.hash.clone()),
        _ => None,
    };
    test.until("the model", |window| hash(window).is_some());
    let hash: FileHash = hash(&test.harness).unwrap().parse().unwrap();
    let folder = test.path("records");
    let mut record = Record::open(&folder.join("review.sqlite")).unwrap();
    file_as(&mut record, &image_file(&folder, 0), 0.04, 0, hash);
    file_as(&mut record, &image_file(&folder, 1), 0.005, 1, model_hash());
    test.harness.state_mut().apply(Action::OpenRecord(folder.join("review.sqlite")));
    test.until("the part", |window| shows(window, "1 of 2"));
    test.until("the reconstruction", |window| {
        let maps = window.state().state().review.maps.read();
        maps.values().any(Result::is_ok)
    });
    test.harness.run_steps(3);
    assert!(shows(&test.harness, "Reconstruction · step") && !shows(&test.harness, "Reconstruction · step –"));
    tap(&mut test, Key::ArrowRight);
    test.until("the other part", |window| shows(window, "another model is active, so there is no map"));
    assert!(!shows(&test.harness, "Reconstruction · step"), "the image fills the area");
    assert_eq!(test.harness.state().state().review.maps.read().len(), 1, "parts of another model have no map");
}

#[test]
fn it_fits_the_smallest_window() {
    let mut test = open_in(
        tempfile::tempdir().unwrap(),
        true,
        [1024.0, 640.0],
        |state| {
            put(state, items(Path::new("/parts"), 8));
            model_and_map(state, 2);
        },
        |settings| settings.review.reviewer = "ada".into(),
    );
    show(&mut test);
    test.harness.run_steps(3);
    let window = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1024.0, 640.0));
    for button in ["Agree", "Healthy", "Defective", "Unsure", "Skip", "Undo verdict", "Note", "Next part"] {
        let rect = test.harness.get_by_role_and_label(accesskit::Role::Button, button).rect();
        assert!(window.contains_rect(rect), "{button} at {rect:?}");
    }
}
