//! What the commands print: names with control characters, closed pipes, full devices, and a record that cannot be written.
#![cfg(unix)]

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use ganspect::{
    data::{Samples, surface, surface::SurfaceKind},
    review::{Judgement, Record, record::NewOpinion},
};
use rusqlite::Connection;

fn ganspect(arguments: &[&OsStr]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ganspect"));
    command.args(arguments).env_remove("GANSPECT_LOG").stdin(Stdio::null());
    command
}

fn run(arguments: &[&OsStr]) -> Output {
    ganspect(arguments).output().unwrap()
}

/// Splits a line into arguments; `@` is replaced by a path.
fn words(line: &str, path: &Path) -> Vec<OsString> {
    line.split(' ').map(|word| if word == "@" { path.as_os_str().to_owned() } else { word.into() }).collect()
}

fn borrowed(words: &[OsString]) -> Vec<&OsStr> {
    words.iter().map(OsString::as_os_str).collect()
}

fn png(number: u64) -> Vec<u8> {
    let picture = surface::draw(SurfaceKind::Turned, None, 5, number, 64).picture;
    let Samples::U8(bytes) = picture.samples() else { panic!("8 bits") };
    let mut out = std::io::Cursor::new(Vec::new());
    image::GrayImage::from_raw(64, 64, bytes.clone()).unwrap().write_to(&mut out, image::ImageFormat::Png).unwrap();
    out.into_inner()
}

/// Names that a camera, a person or an attacker may choose.
const NAMES: [&[u8]; 9] = [
    b"plain",
    b"not utf-8 \xff\xfe",
    b"cut \xc3",
    b"two\nhealthy     p 0.9  lines",
    b"red \x1b[31m\x1b]0;title\x07",
    b"tab\tand\rreturn\x7f",
    "c1 \u{9b}31m\u{85}".as_bytes(),
    "gnp.\u{202e}\u{2066}turned\u{200f}".as_bytes(),
    b"=1+1",
];

fn named(name: &[u8], end: &str) -> OsString {
    let mut name = OsStr::from_bytes(name).to_owned();
    name.push(end);
    name
}

fn assert_printable(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what}: {error}"));
    let acts = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!text.contains(acts), "{what}: {text:?}");
    assert!(!text.contains("panicked"), "{what}: {text}");
}

/// A folder with a part of each name.
fn parts(root: &Path) -> PathBuf {
    let folder = root.join(named(NAMES[4], ""));
    fs::create_dir(&folder).unwrap();
    for (i, name) in NAMES.iter().enumerate() {
        fs::write(folder.join(named(name, ".png")), png(i as u64)).unwrap();
    }
    folder
}

#[test]
fn no_command_prints_a_control_character_of_a_name() {
    let root = tempfile::tempdir().unwrap();
    let folder = parts(root.path());
    let odd = root.path().join(named(NAMES[3], "")).join(named(NAMES[1], ""));
    let db = root.path().join(named(NAMES[6], ".sqlite"));
    let out = root.path().join(named(NAMES[7], ""));
    let check = |line: &str, path: &Path, code: i32| {
        let words = words(line, path);
        let mut all = borrowed(&words);
        if line.contains("--db") {
            all.push(db.as_os_str());
        }
        let output = run(&all);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{line}: {said}");
        assert_printable(&format!("{line}, output"), &output.stdout);
        assert_printable(&format!("{line}, errors"), &output.stderr);
        String::from_utf8(output.stdout).unwrap()
    };
    let lines = |text: &str, end: &str| text.lines().filter(|line| line.contains(end)).count();
    // Each file is a row of its own, and no name forges one.
    let watched = check("watch --device cpu --model built-in --settle 10 --once @ --db", &folder, 0);
    assert_eq!(lines(&watched, ".png"), NAMES.len(), "{watched}");
    assert!(watched.contains("not utf-8 \\xff\\xfe.png") && watched.contains("two\\nhealthy"), "{watched}");
    assert_eq!(Record::open(&db).unwrap().queue().unwrap().len(), NAMES.len());
    let listed = check("review list --db", &folder, 0);
    assert_eq!(lines(&listed, ".png"), NAMES.len(), "{listed}");
    for (format, rows) in [("table", NAMES.len()), ("--json", NAMES.len()), ("--csv", NAMES.len())] {
        let format = if format == "table" { String::new() } else { format!(" {format}") };
        let line = format!("inspect --device cpu --model built-in --set steps=1 @{format}");
        assert_eq!(lines(&check(&line, &folder, 0), ".png"), rows);
    }
    let json = check("inspect --device cpu --model built-in --set steps=1 @ --json", &folder, 0);
    let files: Vec<String> = json
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["file"].as_str().unwrap().into())
        .collect();
    assert!(files.iter().any(|file| file.ends_with("two\nhealthy     p 0.9  lines.png")), "{files:?}");
    check("data describe @", &folder, 0);
    for line in [
        "data describe @",
        "inspect --device cpu --model built-in @",
        "inspect --device cpu --model @ absent.png",
        "model show @",
        "model slim @ --out absent/x",
        "watch --device cpu --model built-in @",
        "evaluate --device cpu --model built-in --data @",
        "evaluate --device cpu --model @",
        "train --device cpu --data @",
        "train --device cpu --resume @",
        "train --device cpu --data surface:turned --recipe @",
        "reproduce --device cpu --data @",
        "review export --db absent --out @",
        "review learn --device cpu --model built-in --out x --db",
        "runs export @",
        "@",
        "inspect --seed @ x",
    ] {
        check(line, &odd, 2);
    }
    check("runs list --runs @", &odd, 0);
    for format in ["csv", "jsonl", "coco", "masks", "pdf"] {
        check(&format!("review export --format {format} --out @ --db"), &out, 0);
    }
    // The exported lines hold every path.
    let exported = fs::read_to_string(out.join("review.jsonl")).unwrap();
    assert!(exported.contains("bytes:") && exported.contains("%FF%FE.png"), "{exported}");
}

#[test]
fn masks_of_long_and_equal_names_are_all_written() {
    let root = tempfile::tempdir().unwrap();
    let db = root.path().join("review.sqlite");
    let long = "ä".repeat(122);
    let names = [format!("{long}1.png"), format!("{long}2.png"), "a\n.png".into(), "A\n.png".into()];
    let folder = root.path().join("parts");
    fs::create_dir(&folder).unwrap();
    names.iter().enumerate().for_each(|(i, name)| fs::write(folder.join(name), png(i as u64)).unwrap());
    let words = words("watch --device cpu --model built-in --settle 10 --once --db", &folder);
    let mut all = borrowed(&words);
    all.extend([db.as_os_str(), folder.as_os_str()]);
    assert!(run(&all).status.success());
    let mut record = Record::open(&db).unwrap();
    for item in record.queue().unwrap() {
        let rectangle = ganspect::inspect::RegionShape::Rectangle([1.0, 1.0], [9.0, 9.0]);
        let mut opinion = NewOpinion::new(item.inspection.id, "ada", Judgement::Defective);
        opinion.defect = Some(format!("{long}{long}"));
        set_region(&mut opinion, rectangle);
        record.add_opinion(&opinion).unwrap();
    }
    drop(record);
    let out = root.path().join("out");
    let arguments = ["review", "export", "--format", "masks", "--db"].map(OsStr::new);
    let output = run(&[&arguments[..], &[db.as_os_str(), OsStr::new("--out"), out.as_os_str()]].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut masks = Vec::new();
    for kind in fs::read_dir(out.join("ground_truth")).unwrap() {
        masks.extend(fs::read_dir(kind.unwrap().path()).unwrap().map(|mask| mask.unwrap().file_name()));
    }
    assert_eq!(masks.len(), names.len(), "{masks:?}");
}

fn set_region(opinion: &mut NewOpinion, shape: ganspect::inspect::RegionShape) {
    opinion.region = Some(shape);
}

/// Commands that print something at once.
fn quick_commands(root: &Path) -> Vec<Vec<OsString>> {
    let folder = parts(root);
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/turned.ganspect");
    let db = root.join("review.sqlite");
    drop(Record::open(&db).unwrap());
    vec![
        words("--help", root),
        words("--version", root),
        words("devices", root),
        words("data describe @", &folder),
        words("model show @", &model),
        words("review list --db @", &db),
        words("runs list --runs @", root),
        words("inspect --device cpu --model built-in --set steps=1 @", &folder),
        words("watch --device cpu --model built-in --set steps=1 --settle 10 --once @", &folder),
    ]
}

#[test]
fn a_full_device_is_an_error_and_a_closed_pipe_an_end() {
    let root = tempfile::tempdir().unwrap();
    for words in quick_commands(root.path()) {
        let full = || fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = ganspect(&borrowed(&words)).stdout(full()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {said}");
        assert!(
            said.contains("cannot write to standard output: the disk is full") && !said.contains("panicked"),
            "{said}"
        );

        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = ganspect(&borrowed(&words)).stdout(writer).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("cannot write"), "{said}");

        // Standard error too: nothing can be said, and nothing panics.
        let status = ganspect(&borrowed(&words)).stdout(full()).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(2), "{words:?}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let other = writer.try_clone().unwrap();
        let status = ganspect(&borrowed(&words)).stdout(writer).stderr(other).status().unwrap();
        assert_eq!(status.code(), Some(0), "{words:?}");
    }
}

/// A watched folder whose record is locked by this process.
struct Station {
    root: tempfile::TempDir,
    lock: Connection,
}

impl Station {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("parts")).unwrap();
        let db = root.path().join("review.sqlite");
        drop(Record::open(&db).unwrap());
        let lock = Connection::open(&db).unwrap();
        lock.execute_batch("BEGIN IMMEDIATE").unwrap();
        Self { root, lock }
    }

    fn put(&self, number: u64) {
        fs::write(self.root.path().join(format!("parts/{number}.png")), png(number)).unwrap();
    }

    fn watch(&self, more: &str) -> Child {
        let words =
            words(&format!("watch --device cpu --model built-in --settle 10{more} @"), &self.root.path().join("parts"));
        let mut command = ganspect(&borrowed(&words));
        command.arg("--db").arg(self.root.path().join("review.sqlite"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn recorded(&self) -> usize {
        Record::open(&self.root.path().join("review.sqlite")).unwrap().queue().unwrap().len()
    }
}

#[test]
fn the_command_waits_for_a_locked_record_and_goes_on() {
    let station = Station::new();
    (0..5).for_each(|number| station.put(number));
    let mut process = station.watch(" --once");
    let mut errors = BufReader::new(process.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("Parts wait") {
        assert!(errors.read_line(&mut said).unwrap() > 0, "{said}");
    }
    assert!(said.contains("review.sqlite: it is locked by another program"), "{said}");
    assert_eq!(station.recorded(), 0);
    // Longer than several attempts.
    std::thread::sleep(Duration::from_millis(1_200));
    assert!(process.try_wait().unwrap().is_none());
    station.lock.execute_batch("COMMIT").unwrap();
    let output = process.wait_with_output().unwrap();
    errors.read_to_string(&mut said).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!((said.matches("Parts wait").count(), said.matches("can be written again").count()), (1, 1), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).matches(".png").count(), 5);
    assert_eq!(station.recorded(), 5);
}

#[test]
fn the_command_ends_while_the_record_is_locked() {
    let station = Station::new();
    station.put(0);
    let mut process = station.watch("");
    let mut errors = BufReader::new(process.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("Parts wait") {
        assert!(errors.read_line(&mut said).unwrap() > 0, "{said}");
    }
    assert!(Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap().success());
    let status = process.wait().unwrap();
    errors.read_to_string(&mut said).unwrap();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("1 part could not be recorded"), "{said}");
    station.lock.execute_batch("COMMIT").unwrap();
    assert!(station.watch(" --once").wait_with_output().unwrap().status.success());
    assert_eq!(station.recorded(), 1);
}

/// Starts a command none of whose files may grow beyond `bytes`, as on a full disk, until [`free`] is called.
fn start_limited(bytes: u64, words: &[OsString]) -> Child {
    // Without the signal, writing beyond the limit is an error.
    let script = r#"trap "" XFSZ; limit=$1; shift; exec prlimit --fsize="$limit": "$@""#;
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", &bytes.to_string(), env!("CARGO_BIN_EXE_ganspect")]).args(words);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn free(process: &Child) {
    let freed = Command::new("prlimit").args(["--pid", &process.id().to_string(), "--fsize=unlimited:"]).status();
    assert!(freed.unwrap().success());
}

/// Frees the disk once the command has said that it waits; returns its output and its errors.
fn run_limited(bytes: u64, words: &[OsString], wait: &str) -> (Output, String) {
    let mut process = start_limited(bytes, words);
    let mut errors = BufReader::new(process.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains(wait) {
        assert!(errors.read_line(&mut said).unwrap() > 0, "{said}");
    }
    free(&process);
    let output = process.wait_with_output().unwrap();
    errors.read_to_string(&mut said).unwrap();
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches(wait).count(), 1, "{said}");
    (output, said)
}

#[cfg(target_os = "linux")]
#[test]
fn a_watch_waits_for_a_full_disk_and_goes_on() {
    let root = tempfile::tempdir().unwrap();
    let [folder, db] = ["parts", "review.sqlite"].map(|name| root.path().join(name));
    fs::create_dir(&folder).unwrap();
    drop(Record::open(&db).unwrap());
    (0..6).for_each(|n| fs::write(folder.join(format!("{n}.png")), png(n)).unwrap());
    let mut words = words("watch --device cpu --model built-in --settle 10 --once @", &folder);
    words.extend(["--db".into(), db.clone().into_os_string()]);
    let (output, _) = run_limited(48 << 10, &words, "Parts wait: ");
    assert_eq!(String::from_utf8_lossy(&output.stdout).matches(".png").count(), 6);
    let record = Record::open(&db).unwrap();
    assert_eq!(record.queue().unwrap().len(), 6);
    record.check().unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn training_waits_for_a_full_disk_and_loses_no_step() {
    let root = tempfile::tempdir().unwrap();
    let run = root.path().join("run");
    let settings = "--set model.size=32 --set train.batch=4 --set model.latent_size=8 --set train.checkpoint_every=5 \
                    --set train.model_at_end=false";
    let words = words(&format!("train --device cpu --data surface:turned --steps 12 {settings} --out @"), &run);
    let (output, said) = run_limited(512 << 10, &words, "The run waits at step ");
    assert!(said.contains("the disk is full"), "{said}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("step    12"));
    let log = ganspect::tensorboard::RunLog::read(&run).unwrap();
    let steps: Vec<i64> = log.scalars.values().map(|points| points.len() as i64).collect();
    assert!(steps.contains(&12), "{steps:?}");
}

#[test]
fn a_file_is_replaced_only_with_force() {
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine.txt");
    fs::write(&mine, "mine").unwrap();
    let run = |line: &str| run(&borrowed(&words(line, &mine)));
    let writers = [
        "model slim built-in --out @",
        "model show built-in --json @",
        "runs export absent --out @",
        "review learn --device cpu --model built-in --db absent --out @",
    ];
    for line in writers {
        let output = run(line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains("mine.txt already exists") && said.contains("--force"), "{line}: {said}");
        assert_eq!(fs::read_to_string(&mine).unwrap(), "mine", "{line}");
    }
    for line in &writers[..2] {
        assert!(run(&format!("{line} --force")).status.success(), "{line}");
        assert_ne!(fs::read(&mine).unwrap(), b"mine", "{line}");
        fs::write(&mine, "mine").unwrap();
    }
}
