use std::{
    fs,
    path::{Path, PathBuf},
};

use super::*;
use crate::{
    data::{FileHash, Unwritten},
    inspect::{Assessment, ScoreKind, Verdict},
    review::{Findings, Judgement, ShiftSummary, Timestamp, export, export::ExportFormat, queue},
};

/// A part at this path, with this content.
fn part(path: &Path, content: &[u8]) -> NewPart {
    NewPart { path: path.into(), hash: FileHash::of(content), bytes: content.len() as u64, width: 8, height: 8 }
}

fn inspection() -> NewInspection {
    let kind = ScoreKind::Fused;
    NewInspection {
        model: FileHash::of(b"model"),
        model_name: "turned".into(),
        assessment: Assessment { kind, score: 1.0, p: 0.5, n: 20, rate: 0.05, verdict: Verdict::Healthy, reason: None },
        threshold: None,
        findings: Findings::default(),
        seconds: 0.5,
        time: Timestamp(1),
    }
}

/// Paths that a user or a camera may choose.
fn odd_paths() -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        ["/parts/plain.png", "/parts/a\nb.png", "/parts/\u{1b}[31m.png", "/bytes:/x.png"].map(Into::into).into();
    #[cfg(unix)]
    {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        paths.extend(
            [&b"/parts/a \xff.png"[..], b"/parts/a \xfe.png", b"/\xc3/50 %FF.png"]
                .map(|bytes| OsStr::from_bytes(bytes).into()),
        );
    }
    paths
}

#[test]
fn a_part_of_any_path_is_filed_once_and_found_again() {
    let mut record = Record::in_memory().unwrap();
    for path in odd_paths() {
        let part = part(&path, b"pixels");
        assert!(record.insert_inspection(&part, &inspection()).unwrap().is_new, "{path:?}");
        assert!(!record.insert_inspection(&part, &inspection()).unwrap().is_new, "{path:?}");
        assert!(
            record.is_known(&path, part.hash).unwrap()
                && record.is_filed(&path, part.hash, inspection().model).unwrap()
        );
        record.quarantine(&path, None, "it is damaged", Timestamp(2)).unwrap();
    }
    let found: Vec<PathBuf> = record.queue().unwrap().into_iter().map(|item| item.part.path).collect();
    assert_eq!(found, odd_paths());
    let mut refused: Vec<PathBuf> = record.quarantined().unwrap().into_iter().map(|file| file.path).collect();
    refused.reverse();
    assert_eq!(refused, odd_paths());
    // The exported lines hold every path too.
    for item in record.queue().unwrap() {
        let line = serde_json::to_string(&item).unwrap();
        assert_eq!(serde_json::from_str::<crate::review::ReviewItem>(&line).unwrap(), item);
    }
}

/// A record with this many parts.
fn record_of(path: &Path, parts: usize) {
    let mut record = Record::open(path).unwrap();
    for i in 0..parts {
        let path = PathBuf::from(format!("/parts/part {i}.png"));
        record.insert_inspection(&part(&path, &i.to_le_bytes()), &inspection()).unwrap();
    }
}

/// The files of a folder with their contents.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

#[test]
fn reading_creates_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [empty, whole, absent] = ["empty", "whole.sqlite", "absent"].map(|name| folder.path().join(name));
    fs::write(&empty, "").unwrap();
    record_of(&whole, 3);
    let before = contents(folder.path());
    assert!(matches!(Record::open_to_read(&empty), Err(RecordError::Empty(_))));
    assert!(matches!(Record::open_to_read(&absent), Err(RecordError::File(_))));
    assert!(matches!(Record::open_to_read(folder.path()), Err(RecordError::File(_))));
    let mut record = Record::open_to_read(&whole).unwrap();
    let (items, damage) = record.queue_checked().unwrap();
    assert_eq!((items.len(), damage.map(|d| d.to_string())), (3, None));
    assert!(matches!(record.add_defect_type("dent", Timestamp(1)), Err(RecordError::ReadOnly(_))));
    drop(record);
    assert!(contents(folder.path()) == before);
}

#[test]
fn a_record_on_a_read_only_drive_is_read() {
    let folder = tempfile::tempdir().unwrap();
    // Names that mean something in a URI.
    let path = folder.path().join("50 %3F?a#b &ü.sqlite");
    record_of(&path, 3);
    let before = contents(folder.path());
    let patience = std::time::Duration::from_millis(1);
    let record = existing::unchanging(&path, patience).unwrap();
    assert_eq!(record.queue_checked().unwrap().0.len(), 3);
    drop(record);
    assert!(contents(folder.path()) == before);
    // Its program was killed: the latest parts are in the log only.
    let mut writer = Record::open(&path).unwrap();
    writer.insert_inspection(&part(Path::new("/parts/late.png"), b"late"), &inspection()).unwrap();
    let mut record = existing::copied(&path, patience).unwrap();
    assert_eq!(record.queue_checked().unwrap().0.len(), 4);
    assert!(matches!(record.add_defect_type("dent", Timestamp(1)), Err(RecordError::ReadOnly(_))));
}

#[test]
fn another_version_is_told_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    for version in [0, -1, i32::MIN, VERSION + 1, i32::MAX] {
        let path = folder.path().join(format!("{version}.sqlite"));
        record_of(&path, 1);
        rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", version).unwrap();
        let before = contents(folder.path());
        for error in [Record::open(&path).unwrap_err(), Record::open_to_read(&path).unwrap_err()] {
            let text = error.to_string();
            assert!(text.contains(&format!("version is {version}")) && text.len() < 300, "{text}");
            assert!(!text.contains("CREATE") && !text.contains('\n'), "{text}");
        }
        assert!(contents(folder.path()) == before);
    }
    // The right version with other tables.
    let path = folder.path().join("other.sqlite");
    record_of(&path, 1);
    rusqlite::Connection::open(&path).unwrap().execute_batch("DROP TABLE verdict").unwrap();
    let text = Record::open_to_read(&path).unwrap().queue().unwrap_err().to_string();
    assert!(text.contains("no such table: verdict") && !text.contains("SELECT"), "{text}");
}

#[test]
fn an_earlier_version_is_read_from_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("first.sqlite");
    let first = rusqlite::Connection::open(&path).unwrap();
    first.execute_batch(include_str!("schema.sql")).unwrap();
    first.pragma_update(None, "application_id", i32::from_be_bytes(*b"GanR")).unwrap();
    first.pragma_update(None, "user_version", 1).unwrap();
    drop(first);
    let before = contents(folder.path());
    let mut record = Record::open_to_read(&path).unwrap();
    assert_eq!(record.queue_checked().unwrap().0.len(), 0);
    assert!(matches!(record.add_defect_type("dent", Timestamp(1)), Err(RecordError::ReadOnly(_))));
    assert_eq!(record.path(), path);
    drop(record);
    assert!(contents(folder.path()) == before);
}

#[test]
fn a_truncated_record_gives_what_is_left_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.sqlite");
    record_of(&path, 150);
    let whole = fs::read(&path).unwrap();
    let (mut partial, pages) = (0, whole.len() / 4_096);
    let cuts =
        (1..pages).step_by(3).map(|page| page * 4_096).chain([1, 100, 2_000, 4_000].map(|cut| whole.len() - cut));
    for end in cuts {
        fs::write(&path, &whole[..end]).unwrap();
        match Record::open_to_read(&path).and_then(|record| record.queue_checked()) {
            Ok((items, damage)) => {
                assert!(damage.is_some_and(|d| d.to_string().contains("is damaged")), "{end} bytes");
                partial += usize::from(!items.is_empty());
            }
            Err(error) => assert!(error.to_string().contains("damaged"), "{end} bytes: {error}"),
        }
    }
    assert!(partial > 0, "nothing was read of any truncated record");
    // Rows that are missing without damage to the structure.
    fs::write(&path, &whole).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("DROP TRIGGER inspection_is_kept; DELETE FROM inspection WHERE part > 148").unwrap();
    drop(other);
    let (items, damage) = Record::open_to_read(&path).unwrap().queue_checked().unwrap();
    assert_eq!(items.len(), 148);
    assert!(damage.unwrap().to_string().contains("2 parts without an inspection"));
}

#[test]
fn an_altered_name_or_a_missing_table_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.sqlite");
    record_of(&path, 20);
    let whole = fs::read(&path).unwrap();
    let name = b"/parts/part 7.png";
    let places: Vec<usize> = (0..whole.len() - name.len()).filter(|&at| whole[at..].starts_with(name)).collect();
    assert_eq!(places.len(), 2, "in the table and in its index");
    for at in places {
        let mut altered = whole.clone();
        altered[at + name.len() - 5] = b'8';
        fs::write(&path, altered).unwrap();
        let (items, damage) = Record::open_to_read(&path).unwrap().queue_checked().unwrap();
        assert!(items.len() == 20 && damage.is_some_and(|damage| damage.to_string().contains("is damaged")));
    }
    fs::write(&path, &whole).unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("PRAGMA foreign_keys = off; DROP TABLE part").unwrap();
    drop(other);
    let (items, damage) = Record::open_to_read(&path).unwrap().queue_checked().unwrap();
    assert!(items.is_empty() && damage.is_some_and(|damage| damage.to_string().contains("is damaged")));
}

#[cfg(unix)]
#[test]
fn nothing_is_written_to_a_record_that_was_moved_away() {
    let folder = tempfile::tempdir().unwrap();
    let [path, away] = ["review.sqlite", "away.sqlite"].map(|name| folder.path().join(name));
    let mut record = Record::open(&path).unwrap();
    record.add_defect_type("dent", Timestamp(1)).unwrap();
    fs::rename(&path, &away).unwrap();
    let error = record.add_defect_type("crack", Timestamp(2)).unwrap_err();
    assert!(matches!(error, RecordError::Gone(_)) && error.is_passing(), "{error}");
    // Another file of its name is not it either.
    fs::write(&path, "another file").unwrap();
    assert!(matches!(record.add_defect_type("crack", Timestamp(2)), Err(RecordError::Gone(_))));
    fs::rename(&away, &path).unwrap();
    record.add_defect_type("crack", Timestamp(3)).unwrap();
    assert_eq!(record.defect_types().unwrap(), ["dent", "crack"]);
}

#[test]
fn a_full_disk_passes_and_nothing_is_half_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut record = Record::open(&folder.path().join("review.sqlite")).unwrap();
    let limit = |record: &Record, pages: i64| record.connection.pragma_update(None, "max_page_count", pages).unwrap();
    let pages: i64 = record.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    limit(&record, pages);
    let next = |i: usize| part(Path::new(&format!("/parts/part {i}.png")), &i.to_le_bytes());
    let mut filed = 0;
    let error = loop {
        match record.insert_inspection(&next(filed), &inspection()) {
            Ok(_) => filed += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, RecordError::DiskFull(_)) && error.is_passing(), "{error}");
    assert!(record.insert_inspection(&next(filed), &inspection()).is_err());
    limit(&record, 10_000);
    assert!(record.insert_inspection(&next(filed), &inspection()).unwrap().is_new);
    assert_eq!(record.queue_checked().unwrap().0.len(), filed + 1);
    record.check().unwrap();
}

/// A file of this many bytes, none of them zero, of which those from `written` on are reserved space.
fn reserved(seed: usize, written: usize) -> Vec<u8> {
    (0..20_000).map(|i| if i < written { ((i * 31 + i / 7 + seed * 97) % 255 + 1) as u8 } else { 0 }).collect()
}

/// Records this content as the watch does; returns the part, and how many it takes the place of.
fn arrive(record: &mut Record, path: &Path, content: &[u8], time: i64) -> (FiledInspection, usize) {
    let earlier = record.earlier_parts(path, FileHash::of(content)).unwrap();
    let supersedes: Vec<_> = earlier.iter().filter(|e| e.is_finished_by(content)).map(|e| e.id).collect();
    let count = supersedes.len();
    let writing = Writing { unwritten: Unwritten::of(content), supersedes };
    let new = NewInspection { time: Timestamp(time), ..inspection() };
    (record.insert_written(&part(path, content), &new, &writing).unwrap(), count)
}

#[test]
fn a_finished_file_takes_the_place_of_its_beginnings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("review.sqlite");
    let mut record = Record::open(&path).unwrap();
    let [file, other] = ["/parts/a.bmp", "/parts/b.bmp"].map(Path::new);
    let states = [reserved(1, 9_000), reserved(1, 15_000), reserved(1, 20_000)];
    let (first, _) = arrive(&mut record, file, &states[0], 1);
    arrive(&mut record, other, &states[0], 2);
    let given = record.add_opinion(&NewOpinion::new(first.inspection, "ada", Judgement::Defective)).unwrap();
    let mut known = record.since(RecordPosition::default()).unwrap();
    assert_eq!(known.items.len(), 2);

    // The writer pauses once more, and then finishes; each state replaces the one before.
    for (state, time) in [(&states[1], 3), (&states[2], 4)] {
        let (now, replaced) = arrive(&mut record, file, state, time);
        assert!(now.is_new && replaced == 1);
        let news = record.since(known.position).unwrap();
        queue::merge(&mut known.items, news.items);
        known.position = news.position;
        assert_eq!(known.items, record.queue().unwrap());
        assert_eq!(known.items.len(), 2, "one part for each file");
    }
    // A verdict that was on its way to the unfinished file stays with it.
    record.add_opinion(&NewOpinion::new(first.inspection, "bob", Judgement::Agree)).unwrap();
    let news = record.since(known.position).unwrap();
    queue::merge(&mut known.items, news.items);
    drop(record);
    let record = Record::open(&path).unwrap();
    let items = record.queue().unwrap();
    assert_eq!(known.items, items);
    let finished = items.iter().find(|item| item.part.path == file).unwrap();
    assert_eq!(finished.part.hash, FileHash::of(&states[2]));
    assert!(finished.opinions.is_empty() && finished.ruling().is_none(), "nobody has seen the finished image");
    let earlier: Vec<_> = finished.earlier.iter().map(|e| (e.part.hash, e.opinions.len())).collect();
    assert_eq!(earlier, [(FileHash::of(&states[0]), 2), (FileHash::of(&states[1]), 0)]);
    assert_eq!(finished.earlier[0].opinions[0].id, given);
    assert_eq!(record.item(finished.part.id).unwrap().as_ref(), Some(finished));
    assert_eq!(record.item(first.part).unwrap(), None, "another part has taken its place");
    record.check_parts().unwrap();
    // The content is known all the same, and is not inspected again.
    assert!(states.iter().all(|state| record.is_known(file, FileHash::of(state)).unwrap()));
    // What was recorded of the file before is not a part of its own in any export.
    let out = folder.path().join("out");
    for (format, rows) in [(ExportFormat::Csv, 2), (ExportFormat::Jsonl, 2)] {
        assert_eq!(export::write(&record, &items, format, &out).unwrap().rows, rows);
    }
    let table = fs::read_to_string(out.join("review.csv")).unwrap();
    assert!(table.contains("earlier_hashes") && table.contains(&FileHash::of(&states[1]).to_string()));
    assert_eq!(ShiftSummary::of(&items), ShiftSummary::of(&known.items));
}

#[test]
fn a_name_that_is_used_again_is_another_part() {
    let mut record = Record::in_memory().unwrap();
    let file = Path::new("/parts/last.bmp");
    let contents = [
        reserved(1, 20_000),
        reserved(2, 20_000),
        // Dark at the end, as the next one is not.
        reserved(3, 12_000),
        reserved(4, 20_000),
        // Black throughout, with the header of the next.
        reserved(5, 1_078),
        reserved(5, 20_000),
        // A shorter one.
        reserved(6, 20_000)[..8_000].to_vec(),
        reserved(7, 20_000),
    ];
    for (i, content) in contents.iter().enumerate() {
        assert_eq!(arrive(&mut record, file, content, i as i64).1, 0, "{i}");
        assert_eq!(record.queue().unwrap().len(), i + 1);
    }
    // A file that grew begins with the whole of the earlier one, whatever is in it.
    let grown = [&contents[7][..], b"a comment"].concat();
    assert_eq!(arrive(&mut record, file, &grown, 99).1, 1);
    assert_eq!(record.queue().unwrap().len(), contents.len());
    // Nothing of this is ever changed or deleted.
    for sql in ["UPDATE superseded SET time = 0", "DELETE FROM superseded"] {
        assert!(record.connection.execute(sql, []).is_err(), "{sql}");
    }
}
