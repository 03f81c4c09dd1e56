//! Guarantees of the review record: nothing is lost or changed, every verdict can be retracted, an image is inspected
//! once per model, and exports can be read back.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use ganspect::{
    data::FileHash,
    device::DeviceChoice,
    engine::{Engine, Event, review::ReviewRequest},
    inspect::{
        AnomalyRegion, Assessment, Region, RegionList, RegionRule, RegionShape, Regions, ScoreKind, Scores, Verdict,
        anomaly_region::find_regions, evaluation::EvaluatedMap,
    },
    review::{
        Findings, Judgement, Opinion, OpinionId, PartId, Record, ReviewItem, ReviewStatus, Timestamp, export,
        export::{Coco, ExportFormat, ExportSummary},
        record::{FiledInspection, NewAdoption, NewInspection, NewOpinion, NewPart, RecordPosition, VERSION},
    },
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rusqlite::Connection;

use crate::harness::until;

fn part(path: impl Into<PathBuf>) -> NewPart {
    let path = path.into();
    let bytes = std::fs::read(&path).unwrap_or_else(|_| path.to_string_lossy().into_owned().into_bytes());
    NewPart { hash: FileHash::of(&bytes), bytes: bytes.len() as u64, width: 32, height: 24, path }
}

/// An inspection at a promised false-alarm rate of 1 in 20.
fn inspection(model: &str, p: f64, minute: i64) -> NewInspection {
    let verdict = match p {
        p if p <= 0.05 => Verdict::Defective,
        p if p <= 0.15 => Verdict::Suspect,
        _ => Verdict::Healthy,
    };
    NewInspection {
        model: FileHash::of(model.as_bytes()),
        model_name: model.into(),
        assessment: Assessment { kind: ScoreKind::Fused, score: -p.ln(), p, n: 199, rate: 0.05, verdict, reason: None },
        threshold: Some(f64::INFINITY),
        findings: findings(),
        seconds: 0.25,
        time: Timestamp(1_773_303_330_000 + 60_000 * minute),
    }
}

/// Two regions: an L of three pixels, and a square of four.
fn findings() -> Findings {
    let mut map = vec![0.0; 32 * 24];
    for (x, y, value) in
        [(3, 2, 5.0), (4, 2, 4.0), (3, 3, 4.0), (20, 10, 3.0), (21, 10, 3.0), (20, 11, 3.0), (21, 11, 2.5)]
    {
        map[y * 32 + x] = value;
    }
    let mut scores = Scores::default();
    scores.set(ScoreKind::Critic, 4.25);
    let rule = RegionRule {
        share: Some(0.05),
        micrometres_per_pixel: Some(10.0),
        ..RegionRule::above(EvaluatedMap::Critic, 1.0)
    };
    let (regions, left_out) = find_regions(&map, 32, 24, None, &rule);
    Findings::of(scores, Some(RegionList { rule, regions, left_out }))
}

pub fn filed(record: &mut Record, path: impl Into<PathBuf>, p: f64) -> FiledInspection {
    let minute = record.queue().unwrap().len() as i64;
    record.insert_inspection(&part(path), &inspection("first", p, minute)).unwrap()
}

pub fn judge(record: &mut Record, filed: FiledInspection, reviewer: &str, judgement: Judgement) -> OpinionId {
    record.add_opinion(&NewOpinion::new(filed.inspection, reviewer, judgement)).unwrap()
}

fn only_item(record: &Record) -> ReviewItem {
    let mut queue = record.queue().unwrap();
    assert_eq!(queue.len(), 1);
    queue.remove(0)
}

#[test]
fn an_image_is_recorded_once_per_model() {
    let mut record = Record::in_memory().unwrap();
    let (a, changed) = (part("/parts/a.png"), NewPart { hash: FileHash::of(b"changed"), ..part("/parts/a.png") });
    assert!(!record.is_filed(&a.path, a.hash, FileHash::of(b"first")).unwrap());
    let first = record.insert_inspection(&a, &inspection("first", 0.5, 0)).unwrap();
    // The second inspection by the same model is not recorded.
    let again = record.insert_inspection(&a, &inspection("first", 0.01, 1)).unwrap();
    assert_eq!((first.is_new, again), (true, FiledInspection { is_new: false, ..first }));
    assert!(record.is_filed(&a.path, a.hash, FileHash::of(b"first")).unwrap());
    assert!(!record.is_filed(&a.path, a.hash, FileHash::of(b"second")).unwrap());
    assert_eq!(only_item(&record).inspection.assessment.p, 0.5);
    // An inspection by another model is recorded, and other content is another part.
    let second = record.insert_inspection(&a, &inspection("second", 0.1, 2)).unwrap();
    assert!(second.is_new && second.part == first.part);
    assert_eq!(only_item(&record).inspection.model_name, "second");
    assert_ne!(record.insert_inspection(&changed, &inspection("first", 0.5, 3)).unwrap().part, first.part);
    assert_eq!(record.queue().unwrap().len(), 2);
}

#[test]
fn a_verdict_is_read_back_unchanged() {
    let mut record = Record::in_memory().unwrap();
    let new = inspection("first", 0.03, 0);
    let filed = record.insert_inspection(&part("/parts/a.png"), &new).unwrap();
    let opinion = NewOpinion {
        defect: Some("crack".into()),
        note: "along the rim,\nsee \"left\"".into(),
        region: Some(RegionShape::Polygon(vec![[1.5, 2.0], [9.0, 2.0], [9.0, 7.25]])),
        blind: true,
        ..NewOpinion::new(filed.inspection, " ada ", Judgement::Defective)
    };
    let id = record.add_opinion(&opinion).unwrap();
    let item = only_item(&record);
    assert_eq!(item.part.path, Path::new("/parts/a.png"));
    assert_eq!((item.part.width, item.part.height, item.part.first_seen), (32, 24, new.time));
    assert_eq!((&item.inspection.assessment, item.inspection.threshold), (&new.assessment, None));
    let wanted = Opinion {
        id,
        inspection: filed.inspection,
        model_verdict: Verdict::Defective,
        reviewer: "ada".into(),
        judgement: opinion.judgement,
        defect: opinion.defect,
        note: opinion.note,
        region: opinion.region,
        more_regions: opinion.more_regions,
        blind: true,
        time: opinion.time,
    };
    assert_eq!((&item.opinions, &item.blind), (&vec![wanted.clone()], &vec![wanted]));
    assert_eq!(record.findings(filed.inspection).unwrap().unwrap(), new.findings);
    assert_eq!(record.item(filed.part).unwrap().unwrap(), item);
    assert_eq!(record.item(PartId(99)).unwrap(), None);
    record.check().unwrap();
}

#[test]
fn the_latest_verdict_of_each_reviewer_counts() {
    let mut record = Record::in_memory().unwrap();
    let a = filed(&mut record, "/parts/a.png", 0.01);
    judge(&mut record, a, "ada", Judgement::Agree);
    judge(&mut record, a, "bob", Judgement::Unsure);
    let changed = judge(&mut record, a, "ada", Judgement::Healthy);
    let judgements =
        |record: &Record| only_item(record).opinions.into_iter().map(|o| (o.reviewer, o.judgement)).collect::<Vec<_>>();
    assert_eq!(judgements(&record), [("bob".into(), Judgement::Unsure), ("ada".into(), Judgement::Healthy)]);
    // After a retraction the previous verdict counts again; the retraction can be retracted in turn.
    let undo = record.retract(changed, Timestamp::now()).unwrap();
    assert_eq!(judgements(&record), [("ada".into(), Judgement::Agree), ("bob".into(), Judgement::Unsure)]);
    assert_eq!(only_item(&record).status(Some("ada")), ReviewStatus::Agreed);
    let redo = record.retract(undo, Timestamp::now()).unwrap();
    assert_eq!(only_item(&record).status(Some("ada")), ReviewStatus::Overruled);
    record.retract(redo, Timestamp::now()).unwrap();
    assert_eq!(only_item(&record).status(Some("ada")), ReviewStatus::Agreed);
    // A verdict can be retracted once only.
    let again = record.retract(changed, Timestamp::now()).unwrap_err().to_string();
    assert!(again.contains("is already retracted"), "{again}");
    let nothing = record.retract(OpinionId(99), Timestamp::now()).unwrap_err().to_string();
    assert!(nothing.contains("no verdict number 99"), "{nothing}");
    // A verdict stays with its part when another model inspects it.
    record.insert_inspection(&part("/parts/a.png"), &inspection("second", 0.9, 5)).unwrap();
    let item = only_item(&record);
    assert_eq!((item.opinions.len(), item.opinions[0].model_verdict), (2, Verdict::Defective));
    assert_eq!(item.status(Some("ada")), ReviewStatus::Overruled);
}

#[test]
fn a_reader_follows_other_writers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new/review.sqlite");
    let (mut writer, reader) = (Record::open(&path).unwrap(), Record::open(&path).unwrap());
    assert!(reader.since(RecordPosition::default()).unwrap().items.is_empty());
    let [a, b, _] = ["/a.png", "/b.png", "/c.png"].map(|path| filed(&mut writer, path, 0.01));
    let news = reader.since(RecordPosition::default()).unwrap();
    assert_eq!(news.items, writer.queue().unwrap());
    assert!(reader.since(news.position).unwrap().items.is_empty());
    let given = judge(&mut writer, b, "ada", Judgement::Agree);
    let second = reader.since(news.position).unwrap();
    assert_eq!(second.items.iter().map(|i| (i.part.id, i.opinions.len())).collect::<Vec<_>>(), [(b.part, 1)]);
    // A retraction is a change too, and so is another inspection.
    writer.retract(given, Timestamp::now()).unwrap();
    writer.insert_inspection(&part("/a.png"), &inspection("second", 0.5, 9)).unwrap();
    let third = reader.since(second.position).unwrap();
    assert_eq!(
        third.items.iter().map(|i| (i.part.id, i.opinions.len())).collect::<Vec<_>>(),
        [(a.part, 0), (b.part, 0)],
    );
}

#[test]
fn the_database_refuses_changes_and_deletions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.sqlite");
    let mut record = Record::open(&path).unwrap();
    let a = filed(&mut record, "/parts/a.png", 0.01);
    let b = filed(&mut record, "/parts/b.png", 0.02);
    let given = judge(&mut record, a, "ada", Judgement::Agree);
    record.retract(given, Timestamp::now()).unwrap();
    judge(&mut record, b, "bob", Judgement::Agree);
    record.quarantine(Path::new("/parts/c.png"), None, "it is truncated", Timestamp(1)).unwrap();
    record.add_defect_type("crack", Timestamp(1)).unwrap();
    let before = record.queue().unwrap();
    let other = Connection::open(&path).unwrap();
    for table in ["part", "inspection", "verdict", "quarantine", "defect_kind"] {
        let refused = other.execute(&format!("DELETE FROM {table}"), []).unwrap_err().to_string();
        assert!(refused.contains("never deleted"), "{refused}");
        let refused = other.execute(&format!("UPDATE {table} SET id = id + 100"), []).unwrap_err().to_string();
        assert!(refused.contains("never changed"), "{refused}");
    }
    for sql in [
        "INSERT OR REPLACE INTO verdict (id, inspection, reviewer, kind, time) VALUES (1, 1, 'eve', 'skip', 0)",
        "INSERT OR REPLACE INTO verdict (inspection, reviewer, time, retracts) VALUES (1, 'ada', 0, 1)",
        "INSERT OR REPLACE INTO inspection SELECT * FROM inspection WHERE id = 1",
        // Retracting a verdict of another reviewer.
        "INSERT INTO verdict (inspection, reviewer, time, retracts) VALUES (2, 'eve', 0, 3)",
        // Neither a verdict nor a retraction.
        "INSERT INTO verdict (inspection, reviewer, time) VALUES (1, 'eve', 0)",
        "INSERT INTO verdict (inspection, reviewer, kind, time) VALUES (1, 'eve', 'maybe', 0)",
    ] {
        assert!(other.execute(sql, []).is_err(), "{sql}");
    }
    assert_eq!(record.queue().unwrap(), before);
    record.check().unwrap();
}

#[test]
fn an_image_that_does_not_show_the_part_is_filed_with_its_reason() {
    let mut record = Record::in_memory().unwrap();
    let mut other = inspection("first", 0.4, 0);
    (other.assessment.verdict, other.assessment.reason) = (Verdict::NotThisPart, Some("99 % of it is black".into()));
    record.insert_inspection(&part("/parts/dark.png"), &other).unwrap();
    let item = only_item(&record);
    assert_eq!(item.inspection.assessment, other.assessment);
    assert!(item.inspection.assessment.describe().contains("not a picture of this part: 99 % of it is black"));
    let folder = tempfile::tempdir().unwrap();
    let written = |format, name: &str| {
        export::write(&record, std::slice::from_ref(&item), format, folder.path()).unwrap();
        std::fs::read_to_string(folder.path().join(name)).unwrap()
    };
    let table = written(ExportFormat::Csv, "review.csv");
    assert!(table.contains(",not this part,") && table.contains("99 % of it is black"), "{table}");
    // The verdict and its reason belong together.
    (other.assessment.reason, other.model) = (None, FileHash::of(b"second"));
    assert!(record.insert_inspection(&part("/parts/dark.png"), &other).is_err());
}

#[test]
fn a_record_of_an_earlier_version_keeps_its_content_and_its_guards() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("record.sqlite");
    let earlier = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/version-0.1/record.sqlite");
    std::fs::copy(earlier, &path).unwrap();
    let count = |sql: &str| Connection::open(&path).unwrap().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let before = ["part", "inspection", "verdict"].map(|table| count(&format!("SELECT count(*) FROM {table}")));
    assert_eq!(count("PRAGMA user_version"), 1);
    let mut record = Record::open(&path).unwrap();
    assert_eq!(before, ["part", "inspection", "verdict"].map(|table| count(&format!("SELECT count(*) FROM {table}"))));
    assert_eq!(count("PRAGMA user_version"), i64::from(VERSION));
    assert_eq!(count("SELECT count(*) FROM pragma_foreign_key_check"), 0);
    let changed = Connection::open(&path).unwrap().execute("DELETE FROM inspection", []).unwrap_err().to_string();
    assert!(changed.contains("never deleted"), "{changed}");
    let mut dark = inspection("first", 0.4, 0);
    (dark.assessment.verdict, dark.assessment.reason) = (Verdict::NotThisPart, Some("it is black".into()));
    record.insert_inspection(&part("/parts/dark.png"), &dark).unwrap();
    record.check().unwrap();
}

#[test]
fn invalid_entries_are_refused_with_a_message() {
    let mut record = Record::in_memory().unwrap();
    let a = filed(&mut record, "/parts/a.png", 0.01);
    let new = NewOpinion::new(a.inspection, "ada", Judgement::Agree);
    let mut refused = |opinion: NewOpinion| record.add_opinion(&opinion).unwrap_err().to_string();
    assert!(refused(NewOpinion { reviewer: " ".into(), ..new.clone() }).contains("enter your name"));
    let line = RegionShape::Polygon(vec![[0.0, 0.0], [1.0, 1.0]]);
    assert!(refused(NewOpinion { region: Some(line), ..new.clone() }).contains("a polygon needs 3"));
    let nowhere = NewOpinion { inspection: ganspect::review::InspectionId(7), ..new.clone() };
    assert!(refused(nowhere.clone()).contains("no inspection number 7"));
    // All verdicts are recorded, or none.
    assert!(record.add_opinions(&[new.clone(), nowhere]).is_err());
    assert!(only_item(&record).opinions.is_empty());
    for p in [0.0, 1.5, f64::NAN] {
        let said = record.insert_inspection(&part("/parts/b.png"), &inspection("first", p, 0)).unwrap_err();
        assert!(said.to_string().contains("b.png: its p-value is"), "{said}");
    }
    assert!(record.add_defect_type("  ", Timestamp(0)).is_err());
    assert_eq!(record.queue().unwrap().len(), 1);
}

#[test]
fn files_that_are_not_records_are_refused_and_left_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &Path| Record::open(path).unwrap_err().to_string();
    let text = folder.path().join("notes.txt");
    std::fs::write(&text, "not a record, and longer than the header of an SQLite file has to be: ".repeat(9)).unwrap();
    let before = std::fs::read(&text).unwrap();
    assert!(refused(&text).contains("notes.txt as a record: it is not an SQLite file"), "{}", refused(&text));
    assert_eq!(std::fs::read(&text).unwrap(), before);
    let other = folder.path().join("other.sqlite");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE mine (x)").unwrap();
    assert!(refused(&other).contains("an SQLite file of another program"));
    let newer = folder.path().join("newer.sqlite");
    drop(Record::open(&newer).unwrap());
    Connection::open(&newer).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
    let said = refused(&newer);
    assert!(said.contains(&format!("its version is {}", VERSION + 1)) && said.contains("update the program"), "{said}");
    assert!(refused(folder.path()).contains("it is a folder"));
    assert!(refused(&text.join("review.sqlite")).contains("notes.txt"));
    // Opening a record again keeps its content.
    let again = folder.path().join("again.sqlite");
    filed(&mut Record::open(&again).unwrap(), "/parts/a.png", 0.5);
    assert_eq!(Record::open(&again).unwrap().queue().unwrap().len(), 1);
    // An empty file becomes a record.
    let empty = folder.path().join("empty.sqlite");
    std::fs::write(&empty, "").unwrap();
    assert!(Record::open(&empty).unwrap().queue().unwrap().is_empty());
}

#[test]
fn several_processes_may_create_a_record_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let path = folder.path().join(format!("{round}.sqlite"));
        let gate = std::sync::Barrier::new(6);
        std::thread::scope(|scope| {
            for i in 0..6 {
                let (path, gate) = (&path, &gate);
                scope.spawn(move || {
                    gate.wait();
                    let mut record = Record::open(path).unwrap();
                    let new = record.insert_inspection(&part("/parts/a.png"), &inspection("first", 0.5, i));
                    judge(&mut record, new.unwrap(), &format!("reviewer {i}"), Judgement::Agree);
                });
            }
        });
        let record = Record::open(&path).unwrap();
        record.check().unwrap();
        assert_eq!(only_item(&record).opinions.len(), 6);
    }
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("closed");
    let path = closed.join("review.sqlite");
    drop(Record::open(&path).unwrap());
    let mode = |mode| std::fs::set_permissions(&closed, PermissionsExt::from_mode(mode)).unwrap();
    mode(0o555);
    // The superuser may write there nevertheless.
    let superuser = std::fs::write(closed.join("probe"), "").is_ok();
    for path in [&path, &closed.join("new.sqlite")] {
        let opened = Record::open(path);
        assert!(superuser || opened.is_err_and(|e| e.to_string().contains("read-only")));
    }
    mode(0o755);
}

#[test]
fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.sqlite");
    let mut record = Record::open(&path).unwrap();
    for i in 0..200 {
        filed(&mut record, format!("/parts/{i}.png"), 0.5);
    }
    record.check().unwrap();
    drop(record);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 6_000].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let said = Record::open(&path).and_then(|record| record.check()).unwrap_err().to_string();
    assert!(said.contains("is damaged") && said.contains("backup"), "{said}");
}

#[test]
fn defect_types_are_added_and_retired() {
    let mut record = Record::in_memory().unwrap();
    for name in ["scratch", "crack", " crack ", "pit"] {
        record.add_defect_type(name, Timestamp(1)).unwrap();
    }
    record.retire_defect_type("crack", Timestamp(2)).unwrap();
    assert_eq!(record.defect_types().unwrap(), ["scratch", "pit"]);
    record.add_defect_type("crack", Timestamp(3)).unwrap();
    assert_eq!(record.defect_types().unwrap(), ["scratch", "crack", "pit"]);
    record.retire_defect_type("never there", Timestamp(4)).unwrap();
    assert_eq!(record.defect_types().unwrap().len(), 3);
}

#[test]
fn quarantined_files_and_adopted_models_are_recorded() {
    let mut record = Record::in_memory().unwrap();
    let path = Path::new("/parts/broken.png");
    assert!(record.quarantine(path, None, "it is truncated", Timestamp(1)).unwrap());
    assert!(!record.quarantine(path, None, "it is truncated", Timestamp(2)).unwrap());
    assert!(record.quarantine(path, Some(FileHash::of(b"x")), "it is truncated", Timestamp(3)).unwrap());
    let list = record.quarantined().unwrap();
    assert_eq!(list.iter().map(|q| (q.time.0, q.hash.is_some())).collect::<Vec<_>>(), [(3, true), (1, false)]);
    let adoption = NewAdoption {
        model: FileHash::of(b"new"),
        parent: Some(FileHash::of(b"old")),
        path: "/models/new.ganspect".into(),
        adopted_by: "ada".into(),
        verdicts: vec![OpinionId(1), OpinionId(4)],
        before: serde_json::json!({"auroc": 0.9}),
        after: serde_json::json!({"auroc": 0.95}),
        time: Timestamp(7),
    };
    let id = record.adopt(&adoption).unwrap();
    let back = record.adoptions().unwrap();
    assert_eq!((back.len(), back[0].id, &back[0].adopted), (1, id, &adoption));
}

/// Creates a record with images in `folder`: a healthy part, two defective ones (one with a drawn region), a missing one and
/// one without a verdict.
pub fn sample_record(folder: &Path) -> (Record, Vec<ReviewItem>) {
    let mut record = Record::open(&folder.join("review.sqlite")).unwrap();
    record.add_defect_type("pit", Timestamp(0)).unwrap();
    let image_file = |name: &str| {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::GrayImage::from_fn(32, 24, |x, y| image::Luma([(x * 7 + y) as u8])).save(&path).unwrap();
        path
    };
    let good = filed(&mut record, image_file("good.png"), 0.8);
    let drawn = filed(&mut record, image_file("left/part.png"), 0.3);
    let found = filed(&mut record, image_file("right/part.png"), 0.01);
    let gone = filed(&mut record, image_file("gone, \"quoted\".png"), 0.02);
    filed(&mut record, image_file("open.png"), 0.1);
    std::fs::remove_file(folder.join("gone, \"quoted\".png")).unwrap();
    judge(&mut record, good, "ada", Judgement::Agree);
    let note = "=SUM(A1), \"quoted\"\nsecond line";
    let defect = Some("crack".to_owned());
    let region = Some(RegionShape::Rectangle([4.0, 5.0], [14.0, 9.0]));
    for opinion in [
        NewOpinion { region, note: note.into(), ..NewOpinion::new(drawn.inspection, "ada", Judgement::Defective) },
        NewOpinion { blind: true, ..NewOpinion::new(drawn.inspection, "bob", Judgement::Unsure) },
        NewOpinion::new(found.inspection, "ada", Judgement::Agree),
        NewOpinion::new(gone.inspection, "ada", Judgement::Agree),
    ] {
        record.add_opinion(&NewOpinion { defect: defect.clone(), ..opinion }).unwrap();
    }
    let items = record.queue().unwrap();
    (record, items)
}

pub fn exported(format: ExportFormat) -> (tempfile::TempDir, PathBuf, ExportSummary) {
    let folder = tempfile::tempdir().unwrap();
    let (record, items) = sample_record(folder.path());
    let out = folder.path().join("out");
    let written = export::write(&record, &items, format, &out).unwrap();
    assert!(written.files.iter().all(|path| path.is_file()));
    (folder, out, written)
}

#[test]
fn the_csv_export_holds_every_verdict() {
    let (_folder, out, written) = exported(ExportFormat::Csv);
    assert_eq!((written.rows, written.files.len(), written.missing), (6, 1, 1));
    let mut csv = csv::Reader::from_path(out.join("review.csv")).unwrap();
    let header = csv.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = csv.records().map(|row| row.unwrap()).collect();
    let get = |row: usize, name: &str| {
        let column = header.iter().position(|h| h == name).unwrap_or_else(|| panic!("{name}"));
        rows[row][column].to_owned()
    };
    assert_eq!(rows.len(), 6);
    assert_eq!(
        (get(0, "ruling"), get(0, "standing"), get(0, "missing")),
        ("healthy".into(), "agreed".into(), "false".into())
    );
    assert_eq!((get(1, "reviewer"), get(1, "note")), ("ada".into(), "'=SUM(A1), \"quoted\"\nsecond line".into()));
    assert_eq!(get(1, "region"), r#"{"rectangle":[[4.0,5.0],[14.0,9.0]]}"#);
    assert_eq!((get(2, "reviewer"), get(2, "says"), get(2, "blind")), ("bob".into(), String::new(), "true".into()));
    assert_eq!((get(1, "standing"), get(2, "standing")), ("overruled".into(), "unsure".into()));
    // The image is missing, its verdicts are not.
    assert!(get(4, "path").ends_with("gone, \"quoted\".png"));
    assert_eq!(
        (get(4, "missing"), get(4, "ruling"), get(4, "defect")),
        ("true".into(), "defective".into(), "crack".into())
    );
    assert_eq!(
        (get(5, "reviewer"), get(5, "standing"), get(5, "critic")),
        (String::new(), "open".into(), "4.25".into())
    );
    assert_eq!(get(0, "inspected"), "2026-03-12T08:15:30.000Z");
}

#[test]
fn a_json_line_holds_everything_about_a_part() {
    let (_folder, out, written) = exported(ExportFormat::Jsonl);
    assert_eq!((written.rows, written.missing), (5, 1));
    let text = std::fs::read_to_string(out.join("review.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 5);
    assert_eq!((&lines[1]["ruling"], lines[1]["opinions"].as_array().unwrap().len()), (&"defective".into(), 2));
    assert_eq!((&lines[3]["missing"], &lines[4]["ruling"]), (&true.into(), &serde_json::Value::Null));
    let regions: Vec<AnomalyRegion> = serde_json::from_value(lines[4]["suspects"].clone()).unwrap();
    assert_eq!(regions, findings().regions);
    assert_eq!(lines[4]["region_rule"], serde_json::to_value(findings().region_rule).unwrap());
}

#[test]
fn the_regions_export_has_a_row_for_every_region() {
    let (_folder, out, written) = exported(ExportFormat::Regions);
    let mut csv = csv::Reader::from_path(out.join("regions.csv")).unwrap();
    let header = csv.headers().unwrap().clone();
    let rows: Vec<csv::StringRecord> = csv.records().map(|row| row.unwrap()).collect();
    // Two in each of the five parts.
    assert_eq!((rows.len(), written.rows, written.missing), (10, 10, 1));
    let get = |row: usize, name: &str| {
        let column = header.iter().position(|h| h == name).unwrap_or_else(|| panic!("{name}"));
        rows[row][column].to_owned()
    };
    let first = ["region", "x", "y", "width", "height", "area", "peak", "peak_x", "peak_y"].map(|name| get(0, name));
    assert_eq!(first, ["1", "3", "2", "2", "2", "3", "5", "3", "2"]);
    let second = ["region", "area", "mean", "centroid_x", "centroid_y", "orientation", "length", "breadth", "area_um2"];
    let second = second.map(|name| get(1, name));
    assert_eq!(second, ["2", "4", "2.875", "21", "11", "", "2", "2", "400"]);
    let rule = ["map", "level", "share", "micrometres_per_pixel", "length_um", "left_out"].map(|name| get(1, name));
    assert_eq!(rule, ["critic", "1", "0.05", "10", "20", "0"]);
    assert!(get(0, "path").ends_with("part.png") || get(0, "path").ends_with(".png"), "{}", get(0, "path"));
}

#[test]
fn a_region_of_several_pieces_is_one_annotation() {
    let mut record = Record::in_memory().unwrap();
    let mut map = vec![0.0; 32 * 24];
    // A ring of 8 pixels around a hole, and a pixel beside it.
    for (x, y) in [(4, 4), (5, 4), (6, 4), (4, 5), (6, 5), (4, 6), (5, 6), (6, 6), (9, 5)] {
        map[y * 32 + x] = 2.0;
    }
    let rule = RegionRule { gap: 2, ..RegionRule::above(EvaluatedMap::Critic, 1.0) };
    let (regions, left_out) = find_regions(&map, 32, 24, None, &rule);
    let findings = Findings::of(Scores::default(), Some(RegionList { rule, regions, left_out }));
    let inspection = NewInspection { findings, ..inspection("first", 0.01, 0) };
    let filed = record.insert_inspection(&part("/parts/ring.png"), &inspection).unwrap();
    judge(&mut record, filed, "ada", Judgement::Defective);
    let folder = tempfile::tempdir().unwrap();
    export::write(&record, &record.queue().unwrap(), ExportFormat::Coco, folder.path()).unwrap();
    let text = std::fs::read_to_string(folder.path().join("coco.json")).unwrap();
    let coco: Coco = serde_json::from_str(&text).unwrap();
    let [ring] = coco.annotations.as_slice() else { panic!("{text}") };
    assert_eq!((ring.segmentation.len(), ring.area, ring.bbox), (2, 9.0, [4.0, 4.0, 6.0, 3.0]));
    let mask = export::write(&record, &record.queue().unwrap(), ExportFormat::Masks, folder.path()).unwrap();
    let mask = image::open(&mask.files[0]).unwrap().into_luma8();
    // An outline has no holes.
    assert_eq!(mask.pixels().filter(|pixel| pixel.0 == [255]).count(), 10);
}

#[test]
fn the_coco_export_has_an_outline_for_every_defect() {
    let (_folder, out, written) = exported(ExportFormat::Coco);
    let text = std::fs::read_to_string(out.join("coco.json")).unwrap();
    let coco: Coco = serde_json::from_str(&text).unwrap();
    // The open part has no ruling; the healthy one has no outline.
    assert_eq!((coco.images.len(), coco.annotations.len(), written.rows, written.missing), (4, 5, 5, 1));
    assert_eq!(coco.categories.iter().map(|c| (c.id, c.name.as_str())).collect::<Vec<_>>(), [(1, "pit"), (2, "crack")]);
    let drawn = &coco.annotations[0];
    assert_eq!((drawn.area, drawn.bbox, drawn.category_id), (40.0, [4.0, 5.0, 10.0, 4.0], 2));
    assert_eq!(drawn.segmentation, [[4.0, 5.0, 14.0, 5.0, 14.0, 9.0, 4.0, 9.0]]);
    let (corner, square) = (&coco.annotations[1], &coco.annotations[2]);
    assert_eq!((corner.area, corner.bbox, corner.segmentation[0].len()), (3.0, [3.0, 2.0, 2.0, 2.0], 12));
    assert_eq!((square.area, square.bbox), (4.0, [20.0, 10.0, 2.0, 2.0]));
    let missing: Vec<bool> = coco.images.iter().map(|image| image.missing).collect();
    assert_eq!(missing, [false, false, false, true]);
    assert!(coco.images.iter().any(|image| image.id == square.image_id && image.file_name.ends_with("right/part.png")));
}

#[test]
fn a_drawn_region_is_rasterised_like_an_inspection_region() {
    let shape = RegionShape::Polygon(vec![[2.0, 2.0], [12.0, 2.0], [2.0, 12.0]]);
    let inside = Regions(vec![Region { ignore: false, shape }]).inspected(32, 24).unwrap();
    assert_eq!(inside.iter().filter(|on| **on).count(), 45);
}

/// Environment variable with the record that [`writer`] writes to; unset in a normal test run.
const CHILD: &str = "GANSPECT_TEST_RECORD";

/// Number of times that the writer is killed.
const KILLS: u64 = 50;

/// Returns the note of a verdict, by which the test detects truncation.
fn note(round: u64, group: u64) -> String {
    format!("{round}/{group} {}", "x".repeat((group * 37 % 900) as usize))
}

/// Not a test: the process that [`a_killed_writer_loses_no_acknowledged_verdict`] kills. It adds verdicts in groups of
/// one and two until it is killed, and prints the numbers of each group once it is recorded.
#[test]
fn writer() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let (round, path) = task.split_once(' ').unwrap();
    let round: u64 = round.parse().unwrap();
    let mut record = Record::open(Path::new(path)).unwrap();
    let inspection = record.queue().unwrap()[0].inspection.id;
    let mut out = std::io::stdout();
    writeln!(out, "\nready").unwrap();
    for group in 0.. {
        let opinion = NewOpinion {
            note: note(round, group),
            region: Some(RegionShape::Rectangle([round as f32, group as f32], [40.0, 50.0])),
            ..NewOpinion::new(inspection, format!("reviewer {round}"), Judgement::Defective)
        };
        let ids = record.add_opinions(&vec![opinion; 1 + group as usize % 2]).unwrap();
        let ids: Vec<String> = ids.iter().map(|id| id.to_string()).collect();
        writeln!(out, "recorded {group} {}", ids.join(" ")).unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn a_killed_writer_loses_no_acknowledged_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.sqlite");
    filed(&mut Record::open(&path).unwrap(), "/parts/a.png", 0.01);
    let mut rng = ChaCha8Rng::seed_from_u64(50);
    let mut acknowledged: Vec<(u64, u64, Vec<i64>)> = Vec::new();
    for round in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["reviewing::writer", "--exact", "--nocapture", "--test-threads=1"])
            .env(CHILD, format!("{round} {}", path.display()))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while line.trim() != "ready" {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "the writer did not start");
        }
        let moment = Instant::now() + Duration::from_micros(rng.random_range(0..40_000));
        std::thread::sleep(moment.saturating_duration_since(Instant::now()));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        out.read_to_string(&mut rest).unwrap();
        for line in rest.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let Some(said) = line.trim().strip_prefix("recorded ") else { continue };
            let numbers: Vec<i64> = said.split(' ').map(|n| n.parse().unwrap()).collect();
            acknowledged.push((round, numbers[0] as u64, numbers[1..].to_vec()));
        }
        if round % 10 == 9 {
            Record::open(&path).unwrap().check().unwrap();
        }
    }
    assert!(acknowledged.len() as u64 > KILLS, "only {} verdicts were acknowledged", acknowledged.len());
    let record = Record::open(&path).unwrap();
    record.check().unwrap();
    // Read without the code under test.
    let other = Connection::open(&path).unwrap();
    let mut rows = other.prepare("SELECT id, reviewer, note, region FROM verdict ORDER BY id").unwrap();
    let rows: Vec<(i64, String, String, String)> = rows
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap()
        .map(|row| row.unwrap())
        .collect();
    let mut groups = std::collections::BTreeMap::<(u64, u64), Vec<i64>>::new();
    for (id, reviewer, text, region) in rows {
        let (name, _) = text.split_once(' ').unwrap();
        let (round, group) = name.split_once('/').unwrap();
        let (round, group): (u64, u64) = (round.parse().unwrap(), group.parse().unwrap());
        assert_eq!((&text, reviewer), (&note(round, group), format!("reviewer {round}")));
        let region: RegionShape = serde_json::from_str(&region).unwrap();
        assert_eq!(region, RegionShape::Rectangle([round as f32, group as f32], [40.0, 50.0]));
        groups.entry((round, group)).or_default().push(id);
    }
    // Groups are complete or absent, and every acknowledged group is present.
    assert!(groups.iter().all(|((_, group), ids)| ids.len() as u64 == 1 + group % 2));
    for (round, group, ids) in acknowledged {
        assert_eq!(groups.get(&(round, group)), Some(&ids), "round {round}, group {group}");
    }
    assert_eq!(
        record.queue().unwrap()[0].opinions.len() as u64,
        groups.keys().map(|k| k.0).collect::<std::collections::BTreeSet<_>>().len() as u64
    );
}

#[test]
fn a_hundred_thousand_verdicts_are_read_as_one_opinion_a_reviewer_and_part() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.sqlite");
    let mut record = Record::open(&path).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let inspections: Vec<FiledInspection> = (0..200)
        .map(|i| record.insert_inspection(&part(format!("/parts/{i}.png")), &inspection("first", 0.2, i)).unwrap())
        .collect();
    let opinion = |_| {
        let filed = inspections[rng.random_range(0..inspections.len())];
        NewOpinion::new(filed.inspection, ["ada", "bob", "eve"][rng.random_range(0..3)], Judgement::Agree)
    };
    let opinions: Vec<NewOpinion> = (0..100_000).map(opinion).collect();
    record.add_opinions(&opinions).unwrap();
    drop(record);
    let queue = Record::open(&path).unwrap().queue().unwrap();
    assert!(queue.len() == 200 && queue.iter().all(|item| item.opinions.len() == 3));
}

#[test]
fn verdicts_wait_for_a_locked_record_and_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.sqlite");
    let mut record = Record::open(&path).unwrap();
    let parts = ["/parts/a.png", "/parts/b.png"].map(|path| filed(&mut record, path, 0.01));
    let engine = Engine::start(DeviceChoice::Cpu, || {}).unwrap();
    let snapshot = |e: &Engine| std::sync::Arc::clone(&e.state().review.snapshot.read());
    assert!(engine.send(ReviewRequest::Open(path.clone())));
    until(&engine, "the record", |e| snapshot(e).items.len() == 2);
    let lock = Connection::open(&path).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let verdicts = [(parts[0], Judgement::Agree), (parts[1], Judgement::Healthy), (parts[0], Judgement::Defective)];
    for (number, (part, judgement)) in (1..).zip(verdicts) {
        let opinion = Box::new(NewOpinion::new(part.inspection, "ada", judgement));
        assert!(engine.send(ReviewRequest::AddOpinion { number, part: part.part, opinion }));
    }
    let mut notices = Vec::new();
    let mut collect = |e: &Engine| {
        notices.extend(std::iter::from_fn(|| e.next_event()).filter_map(|event| match event {
            Event::Notice { text, .. } => Some(text),
            _ => None,
        }));
        notices
            .iter()
            .any(|text| text.starts_with("Verdicts wait: ") && text.contains("it is locked by another program"))
    };
    until(&engine, "the notice", &mut collect);
    for request in [
        ReviewRequest::AddDefectType("burr".into()),
        ReviewRequest::AddDefectType("dent".into()),
        ReviewRequest::RetireDefectType("burr".into()),
    ] {
        assert!(engine.send(request));
    }
    assert_eq!(snapshot(&engine).answered, 0);
    lock.execute_batch("COMMIT").unwrap();
    until(&engine, "the verdicts", |e| snapshot(e).answered == 3);
    until(&engine, "the defect types", |e| *snapshot(e).defect_types == ["dent"]);
    assert!(snapshot(&engine).refused.is_none());
    let given: Vec<Judgement> =
        record.queue().unwrap().iter().map(|item| item.opinion_of(None).unwrap().judgement).collect();
    assert_eq!(given, [Judgement::Defective, Judgement::Healthy]);
    collect(&engine);
    assert_eq!(notices.iter().filter(|text| text.starts_with("Verdicts wait")).count(), 1, "{notices:?}");
}

#[test]
fn changed_defect_types_wait_for_a_locked_record() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.sqlite");
    let mut record = Record::open(&path).unwrap();
    filed(&mut record, "/parts/a.png", 0.01);
    let engine = Engine::start(DeviceChoice::Cpu, || {}).unwrap();
    let types = |e: &Engine| std::sync::Arc::clone(&e.state().review.snapshot.read().defect_types);
    assert!(engine.send(ReviewRequest::Open(path.clone())));
    until(&engine, "the record", |e| e.state().review.snapshot.read().items.len() == 1);
    let lock = Connection::open(&path).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert!(engine.send(ReviewRequest::AddDefectType("burr".into())));
    let mut notices = Vec::new();
    until(&engine, "the notice", |e| {
        notices.extend(std::iter::from_fn(|| e.next_event()).filter_map(|event| match event {
            Event::Notice { text, .. } => Some(text),
            _ => None,
        }));
        !notices.is_empty()
    });
    assert!(notices[0].starts_with("Changed defect types wait: ") && notices[0].contains("locked"), "{notices:?}");
    assert!(types(&engine).is_empty());
    lock.execute_batch("COMMIT").unwrap();
    until(&engine, "the defect type", |e| *types(e) == ["burr"]);
    assert_eq!(record.defect_types().unwrap(), ["burr"]);
}
