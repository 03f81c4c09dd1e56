//! A watched folder through the library and the command line: each part is inspected once, whatever happens to the files
//! and the process.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command as Process, Stdio},
    thread,
    time::{Duration, Instant},
};

use burn::tensor::Device;
use ganspect::{
    data::{
        FileHash, Samples, surface,
        surface::{DefectType, SurfaceKind},
    },
    engine::intake::{
        InspectedFile, StreamInspector, StreamStep,
        watch::{LedgerEntry, MemoryLedger, Timing, Watch, WatchCounts, WatchOptions},
    },
    inspect::{InvertKnobs, Model, evaluation::EvaluatedMap},
    review::{Record, ReviewItem},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::camera;

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/turned.ganspect");

/// Short enough for a test, and long compared with the time between two writes of a growing file.
const SETTLE: Duration = Duration::from_millis(150);

/// Longer than any test: no file is given up.
const FOREVER: Duration = Duration::from_secs(3_600);

/// A PNG of a different part for each number.
fn png(number: u64, defect: Option<DefectType>) -> Vec<u8> {
    let picture = surface::draw(SurfaceKind::Turned, defect, 5, number, 64).picture;
    let Samples::U8(bytes) = picture.samples() else { panic!("8 bits") };
    let image = image::GrayImage::from_raw(64, 64, bytes.clone()).unwrap();
    let mut out = std::io::Cursor::new(Vec::new());
    image.write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

/// A folder, its record and a model.
struct Fixture {
    root: tempfile::TempDir,
    ledger: MemoryLedger,
    model: Model,
}

/// A watch and the inspector of its files.
struct Session<'a> {
    fixture: &'a Fixture,
    watch: Watch,
    inspector: StreamInspector,
    notices: Vec<String>,
}

fn timing(patience: Duration) -> WatchOptions {
    WatchOptions { timing: Timing { settle: SETTLE, patience }, ..WatchOptions::default() }
}

impl Fixture {
    fn new() -> Self {
        let model = Model::load(Path::new(MODEL), &Device::flex()).unwrap();
        Self { root: tempfile::tempdir().unwrap(), ledger: MemoryLedger::default(), model }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        fs::write(self.at(name), bytes).unwrap();
    }

    fn open(&self, options: WatchOptions) -> Session<'_> {
        let watch = Watch::start(self.root.path(), options, self.ledger.clone()).unwrap();
        let knobs = InvertKnobs { steps: 1, ..InvertKnobs::default() };
        let inspector = StreamInspector::new(&self.model, knobs, watch.ready().clone()).unwrap();
        Session { fixture: self, watch, inspector, notices: Vec::new() }
    }

    /// The entries of each file content on record, with the reason if it is quarantined.
    fn record(&self) -> BTreeMap<(String, Option<FileHash>), Vec<Option<String>>> {
        let mut record: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for LedgerEntry { path, hash, outcome } in self.ledger.entries() {
            let name = path.strip_prefix(self.root.path()).unwrap().to_string_lossy().into_owned();
            record.entry((name, hash)).or_default().push(outcome.err());
        }
        record
    }

    /// Checks that exactly these contents were inspected, each once.
    fn assert_recorded(&self, wanted: &[(&str, &[u8])]) {
        let wanted: BTreeSet<_> = wanted.iter().map(|(name, b)| (name.to_string(), Some(FileHash::of(b)))).collect();
        let record = self.record();
        let recorded: BTreeSet<_> =
            record.iter().filter(|(_, all)| all.contains(&None)).map(|(k, _)| k.clone()).collect();
        assert_eq!(recorded, wanted);
        assert!(record.values().all(|all| all.len() == 1), "recorded more than once: {record:?}");
    }
}

impl Session<'_> {
    /// Works for one slice; returns the part that it finished.
    fn work(&mut self) -> Option<InspectedFile> {
        self.notices.extend(std::iter::from_fn(|| self.watch.next_notice()).map(|notice| notice.text));
        match self.inspector.slice(&self.fixture.model, Duration::from_millis(10)).unwrap() {
            StreamStep::Done(inspected) => {
                self.watch.claims().record(&inspected).unwrap();
                Some(*inspected)
            }
            StreamStep::Refused(refused) => panic!("{refused:?}"),
            StreamStep::Idle | StreamStep::Working => None,
            StreamStep::Over => panic!("the watch ended"),
        }
    }

    fn counts(&self) -> WatchCounts {
        self.watch.claims().counts()
    }

    /// Works until `done`; the limit only turns a hang into a failure.
    fn until(&mut self, what: &str, done: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while !done(self) {
            self.work();
            assert!(began.elapsed() < Duration::from_secs(60), "timed out waiting for {what}: {:?}", self.counts());
        }
    }

    /// Works for a while.
    fn work_for(&mut self, time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time {
            self.work();
        }
    }

    fn until_recorded(&mut self, count: usize) {
        self.until("the parts", |s| s.counts().recorded >= count);
        assert_eq!(self.counts().recorded, count);
    }
}

#[test]
fn parts_are_inspected_once_completely_written() {
    let fixture = Fixture::new();
    let [there, slow, renamed, later, deep] = [0, 1, 2, 3, 4].map(|n| png(n, None));
    fixture.put("there.png", &there);
    let mut session = fixture.open(WatchOptions { recursive: true, ..timing(FOREVER) });
    session.until_recorded(1);
    // Half a file, unchanged for longer than the settling time, does not decode.
    fixture.put("slow.png", &slow[..slow.len() / 2]);
    fixture.put("renamed.png.part", &renamed);
    fixture.put(".hidden.png", &renamed);
    fixture.put("note.txt", b"three parts today");
    session.work_for(SETTLE * 4);
    assert_eq!((session.counts().recorded, session.counts().waiting), (1, 1));
    let mut file = fs::OpenOptions::new().append(true).open(fixture.at("slow.png")).unwrap();
    file.write_all(&slow[slow.len() / 2..]).unwrap();
    drop(file);
    session.until_recorded(2);
    fs::rename(fixture.at("renamed.png.part"), fixture.at("renamed.png")).unwrap();
    session.until_recorded(3);
    // Subfolders created later, one of them with a part in it already.
    fs::create_dir_all(fixture.at("monday/late")).unwrap();
    fixture.put("monday/late/deep.png", &deep);
    session.until_recorded(4);
    fixture.put("monday/later.png", &later);
    session.until_recorded(5);
    let all = [
        ("there.png", &*there),
        ("slow.png", &slow),
        ("renamed.png", &renamed),
        ("monday/late/deep.png", &deep),
        ("monday/later.png", &later),
    ];
    fixture.assert_recorded(&all);
    assert_eq!(session.watch.stop().unwrap(), WatchCounts { recorded: 5, listed: true, ..WatchCounts::default() });
}

#[test]
fn files_that_stay_damaged_are_quarantined_with_a_reason() {
    let fixture = Fixture::new();
    let (whole, other) = (png(0, None), png(1, None));
    let mut session = fixture.open(timing(SETTLE * 4));
    fixture.put("cut.png", &whole[..whole.len() - 20]);
    fixture.put("note.png", b"Dear colleague, the camera is broken.");
    fixture.put("good.png", &other);
    session.until("the quarantine", |s| s.counts().quarantined == 2 && s.counts().recorded == 1);
    let reason = |name: &str, bytes: &[u8]| {
        let record = fixture.record();
        record[&(name.to_owned(), Some(FileHash::of(bytes)))][0].clone().unwrap()
    };
    assert!(reason("cut.png", &whole[..whole.len() - 20]).contains("truncated"));
    assert!(reason("note.png", b"Dear colleague, the camera is broken.").contains("not an image"));
    session.work();
    assert!(
        session.notices.iter().any(|n| n.starts_with("cut.png is in quarantine: the file is truncated")),
        "{:?}",
        session.notices
    );
    // The file is copied again completely; a new watch leaves the note in quarantine.
    fixture.put("cut.png", &whole);
    session.until_recorded(2);
    drop(session);
    let mut session = fixture.open(timing(SETTLE * 4));
    session.until("the second check", |s| s.counts().listed && s.counts().waiting == 0);
    assert_eq!((session.counts().known, session.counts().quarantined), (3, 0));
    fixture.assert_recorded(&[("cut.png", &whole), ("good.png", &other)]);
}

#[test]
fn new_content_is_a_new_part_and_deleted_files_are_dropped() {
    let fixture = Fixture::new();
    let [first, second, third] = [0, 1, 2].map(|n| png(n, Some(DefectType::Crack)));
    let mut session = fixture.open(timing(FOREVER));
    fixture.put("part.png", &first);
    let inspected = loop {
        if let Some(inspected) = session.work() {
            break inspected;
        }
    };
    assert_eq!((inspected.path.as_path(), inspected.hash), (&*fixture.at("part.png"), FileHash::of(&first)));
    assert_eq!((inspected.width, inspected.height, inspected.fingerprint.len), (64, 64, first.len() as u64));
    assert_eq!(
        (inspected.model.name.as_str(), &inspected.model.hash),
        ("turned metal, built in", &fixture.model.hash())
    );
    // The model is not calibrated for one step.
    assert!(inspected.outcome.assessment().is_none() && inspected.outcome.judged.threshold().is_none());
    // Its regions are those of the map that decides, at another calibration's threshold, of which nothing is promised.
    let list = inspected.regions.as_ref().unwrap();
    assert_eq!((list.rule.map, list.rule.share), (EvaluatedMap::Critic, None));
    // Overwritten with the same content, and with other content.
    fixture.put("part.png", &first);
    session.until("the second check", |s| s.counts().known == 1);
    fixture.put("part.png", &second);
    session.until_recorded(2);
    // Deleted, and overwritten, while it is ready and waits for its turn.
    fixture.put("gone.png", &third);
    fixture.put("changed.png", &first);
    let mut waited = 0;
    while session.watch.ready().len() < 2 {
        thread::sleep(Duration::from_millis(10));
        waited += 1;
        assert!(waited < 3_000, "{:?}", session.counts());
    }
    fs::remove_file(fixture.at("gone.png")).unwrap();
    fixture.put("changed.png", &third);
    session.until("the deleted one", |s| s.counts().deleted == 1 && s.counts().recorded == 3);
    fixture.assert_recorded(&[("part.png", &first), ("part.png", &second), ("changed.png", &third)]);
}

#[test]
fn a_removed_folder_is_waited_for() {
    let fixture = Fixture::new();
    let (root, away) = (fixture.at("line"), fixture.at("away"));
    fs::create_dir(&root).unwrap();
    let [first, second] = [0, 1].map(|n| png(n, None));
    fixture.put("line/first.png", &first);
    let watch = Watch::start(&root, timing(FOREVER), fixture.ledger.clone()).unwrap();
    let knobs = InvertKnobs { steps: 1, ..InvertKnobs::default() };
    let inspector = StreamInspector::new(&fixture.model, knobs, watch.ready().clone()).unwrap();
    let mut session = Session { fixture: &fixture, watch, inspector, notices: Vec::new() };
    session.until_recorded(1);
    fs::rename(&root, &away).unwrap();
    session.until("the notice", |s| s.notices.iter().any(|n| n.contains("line was removed. Restore it")));
    fs::write(away.join("second.png"), &second).unwrap();
    fs::rename(&away, &root).unwrap();
    session.until_recorded(2);
    session.until("the notice", |s| s.notices.iter().any(|n| n.contains("line is back")));
    fixture.assert_recorded(&[("line/first.png", &first), ("line/second.png", &second)]);
    let absent = Watch::start(&fixture.at("absent"), WatchOptions::default(), MemoryLedger::default());
    assert!(absent.unwrap_err().to_string().contains("check the spelling"));
}

#[test]
fn sixty_parts_are_inspected_once_each_despite_interruptions() {
    let fixture = Fixture::new();
    let parts: Vec<(String, Vec<u8>)> = (0..60).map(|n| (format!("part {n}.png"), png(n, None))).collect();
    let root = fixture.root.path().to_owned();
    let written = parts.clone();
    let writer = camera::write(root, written, 0.5, 11);
    // Dropped at any point: with parts read ahead, being inspected, and inspected but not recorded.
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    for _ in 0..5 {
        let mut session = fixture.open(timing(FOREVER));
        let until = session.counts().recorded + rng.random_range(3..8);
        session.until("some parts", |s| s.counts().recorded >= until);
        for _ in 0..rng.random_range(0..5) {
            if let StreamStep::Done(_) = session.inspector.slice(&fixture.model, Duration::from_millis(10)).unwrap() {
                break;
            }
        }
    }
    writer.join().unwrap();
    let mut session = fixture.open(WatchOptions { once: true, ..timing(FOREVER) });
    loop {
        match session.inspector.slice(&fixture.model, Duration::from_millis(50)).unwrap() {
            StreamStep::Done(inspected) => session.watch.claims().record(&inspected).unwrap(),
            StreamStep::Over => break,
            StreamStep::Idle | StreamStep::Working => {}
            StreamStep::Refused(refused) => panic!("{refused:?}"),
        }
    }
    let counts = session.watch.stop().unwrap();
    assert_eq!(counts.recorded + counts.known, 60);
    let wanted: Vec<(&str, &[u8])> = parts.iter().map(|(name, bytes)| (name.as_str(), &**bytes)).collect();
    fixture.assert_recorded(&wanted);
}

/// Runs `ganspect watch` on a folder with its record.
fn command(root: &Path, arguments: &[&str]) -> Process {
    let mut process = Process::new(env!("CARGO_BIN_EXE_ganspect"));
    process.args(["watch", "--device", "cpu", "--model", "built-in", "--settle", "50", "--db"]);
    process.arg(root.with_extension("sqlite")).arg(root).args(arguments);
    process
}

/// Returns the parts on record.
fn on_record(root: &Path) -> Vec<ReviewItem> {
    Record::open(&root.with_extension("sqlite")).unwrap().queue().unwrap()
}

#[test]
fn a_killed_process_loses_nothing_and_inspects_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("parts");
    fs::create_dir(&root).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(13);
    for round in 0..3 {
        // New parts for each start, so that there are enough on a machine of any speed.
        for n in round * 8..round * 8 + 8 {
            fs::write(root.join(format!("{n}.png")), png(n, None)).unwrap();
        }
        let mut process = command(&root, &[]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let rows = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let seen = rows.filter(|row| row.ends_with(".png")).take(rng.random_range(2..7)).count();
        assert!(seen >= 2);
        thread::sleep(Duration::from_millis(rng.random_range(0..30)));
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let output = command(&root, &[]).arg("--once").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("already on record"), "{said}");
    let items = on_record(&root);
    let hashes: BTreeSet<String> = items.iter().map(|item| item.part.hash.to_string()).collect();
    assert_eq!((items.len(), hashes.len()), (24, 24));
}

#[test]
fn the_command_prints_what_it_records_and_ends_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("parts");
    fs::create_dir(&root).unwrap();
    fs::write(root.join("good.png"), png(0, None)).unwrap();
    fs::write(root.join("bad.png"), png(1, Some(DefectType::Scratch))).unwrap();
    fs::write(root.join("note.png"), "not an image").unwrap();
    image::GrayImage::new(64, 64).save(root.join("dark.png")).unwrap();
    let output = command(&root, &["--once", "--patience", "200"]).output().unwrap();
    let (rows, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // A dark frame is no picture of the part.
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(rows.contains("promise at most"), "{rows}");
    for name in ["good.png", "bad.png"] {
        let row = rows.lines().find(|row| row.ends_with(name)).unwrap();
        assert!(row.contains("healthy parts"), "{row}");
    }
    assert!(said.contains("note.png is in quarantine: it is not an image"), "{said}");
    assert!(said.contains("1 in quarantine"), "{said}");
    let items = on_record(&root);
    assert_eq!(items.len(), 3);
    assert!(items.iter().all(|item| item.inspection.threshold.is_some_and(f64::is_finite)));
    assert_eq!(Record::open(&root.with_extension("sqlite")).unwrap().quarantined().unwrap().len(), 1);

    let mut process = command(&root, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    fs::write(root.join("next.png"), png(2, None)).unwrap();
    let mut rows = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(rows.any(|row| row.ends_with("next.png")));
    let sent = Process::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("4 already on record"));

    let refused = Process::new(env!("CARGO_BIN_EXE_ganspect"))
        .args(["watch", "--device", "cpu", "--model", "built-in"])
        .arg(folder.path().join("absent"))
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("check the spelling"));
}
