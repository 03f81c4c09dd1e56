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
        surface::{DefectKind, SurfaceKind},
    },
    engine::{
        EngineState, InspectionRequest,
        inspection::{ModelSource, ModelState, NearestNeighbours, QueryView},
        review::{RecordState, ReviewSnapshot, ReviewStatistics},
    },
    inspect::{
        Assessment, Calibration, InvertKnobs, KeptFrame, Outcome, Planes, ScoreKind, Scores, Verdict,
        calibration::HeldOut, critic::neighbours::CropOrigin, regions::RegionShape,
    },
    review::{
        AnomalyRegion, Findings, Inspection, InspectionId, Judgement, Part, PartId, Record, ReviewItem, ReviewStatus,
        Timestamp,
        agreement::Agreement,
        drift::Drift,
        facets::Facets,
        record::{NewInspection, NewOpinion, NewPart},
    },
    ui::{Action, PageId, UiCommand},
};

use crate::{
    harness::{SIZE, Stage, Window, facts, open, open_in, point, press, shows},
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
    Assessment { kind: ScoreKind::Fused, score: -p.ln(), p, n: 199, rate: 0.05, verdict: verdict(p) }
}

fn model_hash() -> FileHash {
    FileHash::of(b"model")
}

/// Saves the image of part `i` in a folder; returns its path.
fn picture_file(folder: &Path, i: usize) -> PathBuf {
    let defect = (verdict(P[i % P.len()]) != Verdict::Healthy).then_some(DefectKind::Scratch);
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
    Findings { scores: Scores::default(), regions: if verdict(p) == Verdict::Healthy { vec![] } else { vec![region] } }
}

/// Creates a record of all parts in `folder`, as a watched folder does.
fn record(folder: &Path) -> Record {
    let mut record = Record::open(&folder.join("review.sqlite")).unwrap();
    for (i, p) in P.into_iter().enumerate() {
        let path = picture_file(&folder.join("parts"), i);
        file(&mut record, &path, p, i);
    }
    for kind in ["scratch", "dent"] {
        record.add_defect_type(kind, Timestamp(1)).unwrap();
    }
    record
}

fn file(record: &mut Record, path: &Path, p: f64, i: usize) {
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
    record.insert_inspection(&part, &inspection).unwrap();
}

/// Opens the Review page on a record, with the reviewer ada.
fn reviewing(double_blind: bool) -> (Stage, Record) {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path());
    let mut stage = open_in(
        folder,
        true,
        SIZE,
        |_| {},
        |settings| {
            settings.review.reviewer = "ada".into();
            settings.review.double_blind = double_blind;
        },
    );
    show(&mut stage);
    stage.until("the record", |window| shows(window, "1 of 6"));
    (stage, record)
}

fn show(stage: &mut Stage) {
    stage.harness.state_mut().apply(Action::Command(UiCommand::GoReview));
    stage.harness.run_steps(3);
}

fn tap(stage: &mut Stage, key: Key) {
    press(stage, Modifiers::NONE, key);
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

fn until_saved(stage: &mut Stage) {
    stage.until("the verdict to be saved", |window| !shows(window, "saving"));
}

fn type_text(stage: &mut Stage, text: &str) {
    stage.harness.event(egui::Event::Text(text.into()));
    stage.harness.run_steps(2);
}

#[test]
fn one_key_records_the_verdict_and_shows_the_next_part() {
    let (mut stage, record) = reviewing(false);
    // Flagged parts, borderline parts first.
    assert_eq!(current(&stage.harness).as_deref(), Some("part-03.png"));
    assert!(shows(&stage.harness, "SUSPECT") && shows(&stage.harness, "1 in 17 healthy parts would score this high"));
    assert!(shows(&stage.harness, "6 left · 0 done"));
    tap(&mut stage, Key::A);
    assert_eq!(current(&stage.harness).as_deref(), Some("part-01.png"), "the key shows the next part");
    until_saved(&mut stage);
    let said = item(&record, "part-03.png");
    assert_eq!((said.opinions.len(), said.status(Some("ada"))), (1, ReviewStatus::Agreed));
    tap(&mut stage, Key::H);
    tap(&mut stage, Key::U);
    tap(&mut stage, Key::Space);
    until_saved(&mut stage);
    assert_eq!(item(&record, "part-01.png").status(None), ReviewStatus::Overruled);
    assert!(shows(&stage.harness, "3 left · 3 done · 1 agreed · 1 overruled"));
    // Undo returns to each part, one by one.
    for back in ["part-07.png", "part-05.png", "part-01.png", "part-03.png"] {
        press(&mut stage, Modifiers::COMMAND, Key::Z);
        stage.until(back, |window| current(window).as_deref() == Some(back));
    }
    stage.until("every verdict undone", |window| shows(window, "6 left · 0 done"));
    assert!(record.queue().unwrap().iter().all(|item| item.opinions.is_empty()));
    press(&mut stage, Modifiers::COMMAND, Key::Z);
    assert_eq!(current(&stage.harness).as_deref(), Some("part-03.png"), "there is nothing more to undo");
}

#[test]
fn a_verdict_given_just_before_the_window_closes_is_kept() {
    let (mut stage, record) = reviewing(false);
    stage.harness.key_press(Key::H);
    stage.harness.step();
    let Stage { harness, folder } = stage;
    drop(harness);
    assert_eq!(item(&record, "part-03.png").status(Some("ada")), ReviewStatus::Agreed);
    drop(folder);
}

#[test]
fn a_digit_sets_the_defect_type_and_the_last_type_is_the_default() {
    let (mut stage, record) = reviewing(false);
    tap(&mut stage, Key::D);
    until_saved(&mut stage);
    assert!(shows(&stage.harness, "part-03.png is defective: type not set."));
    tap(&mut stage, Key::Num2);
    until_saved(&mut stage);
    stage.until("the kind", |_| item(&record, "part-03.png").defect_type() == Some("dent"));
    assert_eq!(current(&stage.harness).as_deref(), Some("part-01.png"), "the choice does not block");
    tap(&mut stage, Key::D);
    until_saved(&mut stage);
    stage.until("the same kind", |_| item(&record, "part-01.png").defect_type() == Some("dent"));
    assert_eq!(stage.harness.state().settings().review.defect_type.as_deref(), Some("dent"));
}

#[test]
fn a_note_is_kept_with_the_verdict() {
    let (mut stage, record) = reviewing(false);
    tap(&mut stage, Key::N);
    type_text(&mut stage, "burr at the edge");
    tap(&mut stage, Key::Enter);
    assert_eq!(current(&stage.harness).as_deref(), Some("part-03.png"));
    assert!(shows(&stage.harness, "Saved with your verdict."));
    tap(&mut stage, Key::H);
    until_saved(&mut stage);
    stage.until("the note", |_| item(&record, "part-03.png").opinions.iter().any(|o| o.note == "burr at the edge"));
    // After a verdict, a changed note is saved at once with it.
    tap(&mut stage, Key::ArrowLeft);
    assert_eq!(current(&stage.harness).as_deref(), Some("part-03.png"));
    tap(&mut stage, Key::N);
    type_text(&mut stage, ", seen twice");
    tap(&mut stage, Key::Enter);
    stage.until("the longer note", |_| {
        let item = item(&record, "part-03.png");
        item.opinions.iter().any(|o| o.note == "burr at the edge, seen twice" && o.judgement == Judgement::Healthy)
    });
}

#[test]
fn a_region_is_drawn_round_the_defect() {
    let (mut stage, record) = reviewing(false);
    stage.until("the image", |window| window.query_by_label("Draw a rectangle").is_some());
    let is_query = |label: Option<String>| label.is_some_and(|label| label.starts_with("Image"));
    let mut images = stage.harness.query_all_by_role(accesskit::Role::Image);
    let query = images.find(|node| is_query(node.accesskit_node().label())).unwrap().rect();
    drop(images);
    tap(&mut stage, Key::R);
    let at = |share: f32| query.center() + query.size() * share;
    point(&mut stage, at(-0.2), Some(true));
    point(&mut stage, at(0.0), None);
    point(&mut stage, at(0.2), None);
    point(&mut stage, at(0.2), Some(false));
    stage.harness.run_steps(2);
    assert!(shows(&stage.harness, "The drawn region is saved with your verdict."));
    tap(&mut stage, Key::D);
    until_saved(&mut stage);
    stage.until("the region", |_| {
        matches!(item(&record, "part-03.png").drawn(), Some(RegionShape::Rectangle([x0, y0], [x1, y1])) if x1 > x0 && y1 > y0)
    });
}

#[test]
fn filters_and_search_choose_the_queue() {
    let (mut stage, _record) = reviewing(false);
    assert_eq!(cells(&stage.harness), 6, "parts that the model flags");
    stage.choose("Model verdict", "Healthy");
    assert_eq!(cells(&stage.harness), 2);
    stage.choose("Model verdict", "All verdicts");
    stage.choose("Queue order", "Worst first");
    assert_eq!(cells(&stage.harness), 8);
    press(&mut stage, Modifiers::COMMAND, Key::F);
    type_text(&mut stage, "part-07");
    assert_eq!((cells(&stage.harness), current(&stage.harness).as_deref()), (1, Some("part-07.png")));
    tap(&mut stage, Key::Escape);
    stage.harness.run_steps(2);
    assert_eq!(cells(&stage.harness), 8);
    tap(&mut stage, Key::A);
    until_saved(&mut stage);
    stage.choose("Review status", "Done");
    assert_eq!((cells(&stage.harness), current(&stage.harness).as_deref()), (1, Some("part-07.png")));
    stage.choose("Review status", "Overruled");
    assert!(shows(&stage.harness, "No parts in this queue"));
    stage.harness.get_by_label("Show all parts").click();
    stage.harness.run_steps(4);
    assert_eq!(cells(&stage.harness), 8);
}

#[test]
fn two_reviewers_judge_blind_and_a_third_verdict_decides() {
    let (mut stage, mut record) = reviewing(true);
    let part = item(&record, "part-03.png");
    stage.harness.state().state().review.maps.write().insert(part.inspection.id, Ok(Arc::new(inspected_view(2))));
    let bob = NewOpinion { blind: true, ..NewOpinion::new(part.inspection.id, "bob", Judgement::Defective) };
    record.add_opinion(&bob).unwrap();
    stage.harness.run_steps(3);
    for hidden in ["SUSPECT", "1 in 17", "bob, blind", "Most similar healthy crops"] {
        assert!(!shows(&stage.harness, hidden), "{hidden}");
    }
    assert!(shows(&stage.harness, "What do you see?"));
    tap(&mut stage, Key::A);
    assert_eq!(current(&stage.harness).as_deref(), Some("part-03.png"), "there is nothing to agree with");
    tap(&mut stage, Key::H);
    until_saved(&mut stage);
    stage.until("ada's blind verdict", |_| item(&record, "part-03.png").blind.len() == 2);
    // The statistics are updated a moment later.
    stage.until("the disagreement", |window| shows(window, "1 part is disputed"));
    stage.choose("Review status", "Disagreements");
    assert_eq!((cells(&stage.harness), current(&stage.harness).as_deref()), (1, Some("part-03.png")));
    assert!(shows(&stage.harness, "SUSPECT") && shows(&stage.harness, "bob, blind"));
    assert!(shows(&stage.harness, "Most similar healthy crops"));
    tap(&mut stage, Key::D);
    stage.until("the ruling", |_| item(&record, "part-03.png").defective() == Some(true));
    assert_eq!(item(&record, "part-03.png").blind.len(), 2, "earlier verdicts stay on record");
    stage.until("an empty queue", |window| shows(window, "No parts in this queue"));
}

#[test]
fn new_parts_appear_and_a_part_without_its_image_can_be_judged() {
    let (mut stage, mut record) = reviewing(false);
    let path = picture_file(&stage.path("parts"), 8);
    file(&mut record, &path, 0.051, 8);
    fs::remove_file(&path).unwrap();
    stage.until("the new part", |window| shows(window, "of 7"));
    stage.choose("Queue order", "Newest first");
    while current(&stage.harness).as_deref() != Some("part-09.png") {
        tap(&mut stage, Key::ArrowLeft);
    }
    stage.until("the reason", |window| shows(window, "Image not available"));
    assert!(shows(&stage.harness, "was moved or deleted"));
    tap(&mut stage, Key::H);
    until_saved(&mut stage);
    stage.until("the verdict", |_| item(&record, "part-09.png").opinions.len() == 1);
}

#[test]
fn without_a_name_nothing_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let record = record(folder.path());
    let mut stage = open_in(folder, true, SIZE, |_| {}, |_| {});
    show(&mut stage);
    stage.until("the record", |window| shows(window, "1 of 6"));
    tap(&mut stage, Key::D);
    assert!(record.queue().unwrap().iter().all(|item| item.opinions.is_empty()));
    stage.harness.get_by_label("Your name").focus();
    stage.harness.run_steps(2);
    type_text(&mut stage, "eve");
    tap(&mut stage, Key::Enter);
    stage.harness.run_steps(3);
    assert_eq!(stage.harness.state().settings().review.reviewer, "eve");
    tap(&mut stage, Key::D);
    until_saved(&mut stage);
    stage.until("eve's verdict", |_| {
        item(&record, "part-03.png").opinions.iter().any(|o| o.reviewer == "eve" && o.defective() == Some(true))
    });
}

#[test]
fn the_queue_is_written_as_a_table() {
    let (mut stage, _record) = reviewing(false);
    let out = stage.path("out");
    stage.harness.state_mut().apply(Action::ExportReview(ganspect::review::export::ExportFormat::Csv, out.clone()));
    stage.until("the table", |window| window.state().notices().any(|text| text.contains("from 6 parts")));
    assert!(fs::read_to_string(out.join("review.csv")).unwrap().contains("part-03.png"));
}

#[test]
fn a_file_that_is_no_record_is_reported_by_name() {
    let mut stage = open(true, SIZE, |_| {});
    let path = stage.path("notes.txt");
    fs::write(&path, "no record").unwrap();
    stage.harness.state_mut().apply(Action::OpenRecord(path));
    stage.until("the reason", |window| {
        window.state().notices().any(|text| text.contains("notes.txt as a record") && text.ends_with('.'))
    });
    assert_eq!(stage.harness.state().page(), PageId::Review);
    assert!(shows(&stage.harness, "Is the model right?"));
}

/// Returns parts as a record lists them, with images in `folder`.
fn items(folder: &Path, count: usize) -> Vec<ReviewItem> {
    let item = |i: usize| {
        let id = i as i64 + 1;
        let p = P[i % P.len()];
        ReviewItem {
            part: Part {
                id: PartId(id),
                path: folder.join(format!("part-{:02}.png", i + 1)),
                hash: FileHash::of(&id.to_le_bytes()),
                bytes: 10,
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
        }
    };
    (0..count).map(item).collect()
}

/// Shows these parts as those of an open record.
fn put(live: &EngineState, items: Vec<ReviewItem>) {
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
    *live.review.snapshot.write() = Arc::new(snapshot);
}

fn calibration() -> Calibration {
    let held_out = (0..39_u32).map(|i| HeldOut { hash: FileHash::of(&i.to_le_bytes()), scores: Scores::default() });
    Calibration { held_out: held_out.collect(), size: (SIDE, SIDE), ..inspected::calibration() }
}

/// Sets the active model and its result for part `i`.
fn model_and_map(live: &EngineState, i: usize) {
    live.inspection.status.write().model =
        ModelState::Ready(Arc::new(facts(model_hash().to_string(), vec![calibration()])));
    let inspection = InspectionId(i as i64 + 1);
    live.review.maps.write().insert(inspection, Ok(Arc::new(inspected_view(i))));
    live.review.findings.write().insert(inspection, Arc::new(findings(0.04)));
}

/// Returns the result of an inspection of part `i`.
fn inspected_view(i: usize) -> QueryView {
    let picture = surface::draw(SurfaceKind::Turned, Some(DefectKind::Scratch), 11, i as u64, SIDE).picture;
    let query = Arc::new(Planes::of(&picture, 1, 1.0));
    // The tool marks are vertical, so a column's mean is the column without the scratch.
    let mean = |x: usize| (0..SIDE).map(|y| query.at(x, y, 0)).sum::<f32>() / SIDE as f32;
    let row: Vec<f32> = (0..SIDE).map(mean).collect();
    let end = Planes::new(SIDE, SIDE, 1, row.repeat(SIDE)).unwrap();
    let difference: Vec<f32> = query.values().iter().zip(end.values()).map(|(q, e)| q - e).collect();
    let pixels = end.values().iter().map(|v| ((v.clamp(-1.0, 1.0) + 1.0) * 32_767.5).round() as u16).collect();
    let kept = KeptFrame { step: 60, pixels };
    let outcome = Outcome {
        critic: None,
        query: Arc::clone(&query),
        reconstruction: end,
        feature: difference.iter().map(|d| d.abs()).collect(),
        difference,
        inspected: None,
        scores: Scores::default(),
        assessment: Some(assessment(0.04)),
        knobs: InvertKnobs::default(),
        records: Vec::new(),
        steps: 60,
        tiles: 1,
        seconds: 0.6,
    };
    let (outcome, neighbours) = (Some(Arc::new(outcome)), Some(Arc::new(neighbours(i))));
    QueryView { query, frames: vec![kept], records: Arc::default(), outcome, neighbours }
}

/// Returns a crop of part `i` with three neighbours.
fn neighbours(i: usize) -> NearestNeighbours {
    let crop = |defect, index: u64| {
        let picture = surface::draw(SurfaceKind::Turned, defect, 11, index, SIDE).picture;
        (0..64 * 64).map(move |i| ((picture.unit(16 + i % 64, 16 + i / 64, 0) + 1.0) * 127.5) as u8)
    };
    let mut pixels: Vec<u8> = crop(Some(DefectKind::Scratch), i as u64).collect();
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
    let mut stage = open(true, SIZE, |live| put(live, items(Path::new("/parts"), 5_000)));
    show(&mut stage);
    stage.harness.run_steps(3);
    assert!(shows(&stage.harness, "1 of 3,750"));
    let seen = cells(&stage.harness);
    assert!((8..=20).contains(&seen), "{seen} thumbnails");
    for _ in 0..40 {
        tap(&mut stage, Key::ArrowRight);
    }
    assert!(shows(&stage.harness, "41 of 3,750"));
    let seen = cells(&stage.harness);
    assert!((8..=20).contains(&seen), "{seen} thumbnails");
    assert!(current(&stage.harness).is_some(), "the strip follows the current part");
}

#[test]
fn the_page_looks_as_it_should() {
    let mut results = SnapshotResults::new();
    for (dark, name) in [(true, ""), (false, "_light")] {
        let folder = tempfile::tempdir().unwrap();
        (0..P.len()).for_each(|i| drop(picture_file(folder.path(), i)));
        let parts = items(folder.path(), P.len());
        let prepare = move |live: &EngineState| {
            put(live, parts);
            model_and_map(live, 2);
        };
        let mut stage = open_in(folder, dark, SIZE, prepare, |settings| settings.review.reviewer = "ada".into());
        show(&mut stage);
        let thumbnails = |window: &Window| {
            let textures = window.ctx.tex_manager();
            let textures = textures.read();
            textures.allocated().filter(|(_, meta)| meta.name == "review-thumbnail").count()
        };
        stage.until("the thumbnails", |window| thumbnails(window) >= 6);
        assert!(shows(&stage.harness, "310 px, peak 6.2") || shows(&stage.harness, "Regions"));
        stage.snapshot(&format!("review_parts{name}"), &mut results);
    }
}

#[test]
fn the_empty_page_says_what_goes_there() {
    let mut results = SnapshotResults::new();
    for (dark, name) in [(true, ""), (false, "_light")] {
        let mut stage = open(dark, SIZE, |live| put(live, Vec::new()));
        show(&mut stage);
        assert!(shows(&stage.harness, "Is the model right?") && shows(&stage.harness, "Open a record…"));
        stage.snapshot(&format!("review_empty{name}"), &mut results);
    }
}

#[test]
fn the_active_model_reconstructs_the_parts_that_it_inspected() {
    let mut stage = open(true, SIZE, |_| {});
    let built_in = InspectionRequest::OpenModel(ModelSource::BuiltIn);
    stage.harness.state_mut().apply(Action::engine(built_in));
    let hash = |window: &Window| match &window.state().state().inspection.status.read().model {
        ModelState::Ready(facts) => Some(facts.hash.clone()),
        _ => None,
    };
    stage.until("the model", |window| hash(window).is_some());
    let hash: FileHash = hash(&stage.harness).unwrap().parse().unwrap();
    let folder = stage.path("records");
    let mut record = Record::open(&folder.join("review.sqlite")).unwrap();
    file_as(&mut record, &picture_file(&folder, 0), 0.04, 0, hash);
    file_as(&mut record, &picture_file(&folder, 1), 0.005, 1, model_hash());
    stage.harness.state_mut().apply(Action::OpenRecord(folder.join("review.sqlite")));
    stage.until("the part", |window| shows(window, "1 of 2"));
    stage.until("the reconstruction", |window| {
        let maps = window.state().state().review.maps.read();
        maps.values().any(Result::is_ok)
    });
    stage.harness.run_steps(3);
    assert!(shows(&stage.harness, "Reconstruction · step") && !shows(&stage.harness, "Reconstruction · step –"));
    tap(&mut stage, Key::ArrowRight);
    stage.until("the other part", |window| shows(window, "another model is active, so there is no map"));
    assert!(!shows(&stage.harness, "Reconstruction · step"), "the image fills the area");
    assert_eq!(stage.harness.state().state().review.maps.read().len(), 1, "parts of another model have no map");
}

#[test]
fn it_fits_the_smallest_window() {
    let mut stage = open_in(
        tempfile::tempdir().unwrap(),
        true,
        [1024.0, 640.0],
        |live| {
            put(live, items(Path::new("/parts"), 8));
            model_and_map(live, 2);
        },
        |settings| settings.review.reviewer = "ada".into(),
    );
    show(&mut stage);
    stage.harness.run_steps(3);
    let window = egui::Rect::from_min_size(egui::Pos2::ZERO, egui::vec2(1024.0, 640.0));
    for button in ["Agree", "Healthy", "Defective", "Unsure", "Skip", "Undo verdict", "Note", "Next part"] {
        let rect = stage.harness.get_by_role_and_label(accesskit::Role::Button, button).rect();
        assert!(window.contains_rect(rect), "{button} at {rect:?}");
    }
}
