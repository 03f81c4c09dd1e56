use std::{fs::OpenOptions, io::Write};

use proptest::prelude::*;

use super::*;
use crate::tensorboard::{EventWriter, PngImage};

/// Returns a placeholder for a PNG; the log does not decode it.
fn png(width: u32, height: u32) -> PngImage {
    PngImage { width, height, bytes: vec![b'p'; (width * height) as usize] }
}

fn steps(points: &[ScalarPoint]) -> Vec<i64> {
    points.iter().map(|point| point.step).collect()
}

/// Writes one value of each kind at steps `first` to `last`.
fn write_run(dir: &Path, first: i64, last: i64) -> PathBuf {
    let mut writer = EventWriter::create(dir, "").unwrap();
    if first > 1 {
        writer.session_start(first, 0.5).unwrap();
    }
    for step in first..=last {
        let wall = 1e9 + step as f64;
        let value = step as f32 / 3.0;
        writer.scalars(step, wall, &[("loss/d", value), ("loss/g", -value)]).unwrap();
        writer.image("samples", step, wall, &png(4, step as u32)).unwrap();
        writer.histogram("weights/g", step, wall, &BucketHistogram::of(&[value, -value, 0.0])).unwrap();
        writer.text("note", step, wall, &format!("step *{step}*")).unwrap();
    }
    writer.sync().unwrap();
    writer.path().to_owned()
}

#[test]
fn everything_written_is_read_back() {
    let dir = tempfile::tempdir().unwrap();
    write_run(dir.path(), 1, 3);
    let log = RunLog::read(dir.path()).unwrap();
    assert!(!log.truncated && !log.is_empty());
    let point = ScalarPoint { step: 2, wall: 1e9 + 2.0, value: 2.0 / 3.0 };
    assert_eq!(log.scalars["loss/d"][1], point);
    assert_eq!(log.scalars["loss/g"][1].value, -2.0 / 3.0);
    assert_eq!(steps(&log.scalars["loss/g"]), [1, 2, 3]);
    let image = &log.images["samples"][2];
    assert_eq!((image.step, image.width, image.height), (3, 4, 3));
    assert_eq!(load_image(image).unwrap(), png(4, 3).bytes);
    assert_eq!(log.histograms["weights/g"][0].histogram, BucketHistogram::of(&[1.0 / 3.0, -1.0 / 3.0, 0.0]));
    assert_eq!(log.texts["note"][1].markdown, "step *2*");
}

#[test]
fn zero_negative_and_unusual_numbers_survive() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = EventWriter::create(dir.path(), "").unwrap();
    let values = [0.0, -0.0, f32::MIN_POSITIVE / 2.0, f32::MAX, f32::INFINITY, f32::NAN];
    for value in values {
        writer.scalar("x", -1, 0.0, value).unwrap();
    }
    drop(writer);
    let log = RunLog::read(dir.path()).unwrap();
    let read: Vec<u32> = log.scalars["x"].iter().map(|p| p.value.to_bits()).collect();
    assert_eq!(read, values.map(f32::to_bits));
    assert_eq!(log.scalars["x"][0].step, -1);
    let json = log.to_expected_json();
    assert_eq!(json["scalars"]["x"][4], json!([-1, "inf"]));
    assert_eq!(json["scalars"]["x"][5], json!([-1, "nan"]));
}

#[test]
fn a_file_cut_at_any_byte_of_its_last_record_keeps_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let path = {
        let mut writer = EventWriter::create(dir.path(), "").unwrap();
        for step in 1..=3 {
            writer.scalar("x", step, 0.0, 1.0).unwrap();
        }
        writer.path().to_owned()
    };
    let whole = fs::read(&path).unwrap();
    let start = {
        let two = RunLog::read(dir.path()).unwrap();
        assert_eq!(steps(&two.scalars["x"]), [1, 2, 3]);
        // The version record has 40 bytes, the three scalars share the rest.
        40 + (whole.len() - 40) * 2 / 3
    };
    for cut in start..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let log = RunLog::read(dir.path()).unwrap();
        assert_eq!(steps(&log.scalars["x"]), [1, 2], "cut to {cut} bytes");
        assert_eq!(log.truncated, cut > start, "cut to {cut} bytes");
    }
}

#[test]
fn a_resumed_run_supersedes_the_steps_it_repeats() {
    let dir = tempfile::tempdir().unwrap();
    let first = write_run(dir.path(), 1, 5);
    // The first process was killed while writing a record.
    let mut file = OpenOptions::new().append(true).open(first).unwrap();
    file.write_all(&[9; 7]).unwrap();
    write_run(dir.path(), 4, 6);
    let log = RunLog::read(dir.path()).unwrap();
    assert!(log.truncated);
    assert_eq!(steps(&log.scalars["loss/d"]), [1, 2, 3, 4, 5, 6]);
    let images: Vec<i64> = log.images["samples"].iter().map(|i| i.step).collect();
    assert_eq!(images, [1, 2, 3, 4, 5, 6]);
    let resumed = &log.images["samples"][3];
    assert_eq!(load_image(resumed).unwrap(), png(4, 4).bytes);
    assert_ne!(resumed.file, log.images["samples"][2].file);
    assert_eq!(log.histograms["weights/g"].len(), 6);
    assert_eq!(log.texts["note"].len(), 6);
}

#[test]
fn a_tail_follows_a_growing_log_and_its_resumption() {
    let dir = tempfile::tempdir().unwrap();
    let mut tail = LogTail::new(dir.path());
    assert_eq!(tail.poll().unwrap(), TailProgress::default());

    let mut writer = EventWriter::create(dir.path(), "").unwrap();
    writer.scalar("x", 1, 0.0, 1.0).unwrap();
    writer.flush().unwrap();
    assert_eq!(tail.poll().unwrap().records, 2);
    assert_eq!(tail.poll().unwrap(), TailProgress::default());

    // A record that arrives in two pieces counts once it is complete.
    let path = writer.path().to_owned();
    let before = fs::read(&path).unwrap();
    writer.scalar("x", 2, 0.0, 2.0).unwrap();
    writer.flush().unwrap();
    let after = fs::read(&path).unwrap();
    fs::write(&path, &after[..before.len() + 9]).unwrap();
    assert_eq!(tail.poll().unwrap(), TailProgress::default());
    assert!(tail.log().truncated);
    fs::write(&path, &after).unwrap();
    assert_eq!(tail.poll().unwrap().records, 1);
    assert!(!tail.log().truncated);
    assert_eq!(steps(&tail.log().scalars["x"]), [1, 2]);

    let mut resumed = EventWriter::create(dir.path(), "").unwrap();
    resumed.session_start(2, 0.0).unwrap();
    resumed.scalar("x", 2, 0.0, 7.0).unwrap();
    resumed.flush().unwrap();
    let progress = tail.poll().unwrap();
    assert!(progress.superseded);
    assert_eq!(tail.log().scalars["x"][1].value, 7.0);
    assert_eq!(*tail.log(), RunLog::read(dir.path()).unwrap());
}

#[test]
fn a_missing_image_is_an_error_that_names_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = write_run(dir.path(), 1, 1);
    let image = RunLog::read(dir.path()).unwrap().images["samples"][0].clone();
    fs::write(&path, b"short").unwrap();
    let message = load_image(&image).unwrap_err().to_string();
    assert!(message.contains("tfevents") && message.contains("step 1"), "{message}");
    fs::remove_file(&path).unwrap();
    assert!(matches!(load_image(&image), Err(FileError::NotFound { .. })));
}

#[test]
fn a_missing_folder_is_an_error_and_other_files_are_ignored() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("recipe.toml"), b"").unwrap();
    fs::create_dir(dir.path().join("tfevents folder")).unwrap();
    assert!(RunLog::read(dir.path()).unwrap().is_empty());
    assert!(matches!(RunLog::read(&dir.path().join("nowhere")), Err(FileError::NotFound { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    /// Reading damaged bytes does not panic, and yields only records before the damage.
    #[test]
    fn damaged_files_are_read_up_to_the_damage(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = write_run(dir.path(), 1, 3);
        let whole = RunLog::read(dir.path()).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(cut.index(bytes.len()) + 1);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        fs::write(&path, &bytes).unwrap();
        let log = RunLog::read(dir.path()).unwrap();
        for (tag, points) in &log.scalars {
            prop_assert!(whole.scalars[tag].starts_with(points));
        }
        for image in log.images.values().flatten() {
            prop_assert!(load_image(image).is_ok());
        }
    }

    /// Correctly framed records of arbitrary content, so that the decoder gets arbitrary bytes.
    #[test]
    fn arbitrary_records_are_decoded_without_a_panic(
        data in prop::collection::vec(any::<u8>(), 0..200),
        change in any::<(prop::sample::Index, u8)>(),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = write_run(dir.path(), 1, 1);
        let bytes = fs::read(&path).unwrap();
        // Each record with one byte of its data changed and its checksum corrected, followed by noise.
        let mut changed = Vec::new();
        let mut rest = bytes.as_slice();
        let mut record = Vec::new();
        loop {
            let remaining = rest.len() as u64;
            if record::read_next(&mut rest, remaining, &mut record).unwrap() != RecordRead::Record {
                break;
            }
            let at = change.0.index(record.len());
            record[at] = change.1;
            record::append(&mut changed, &record);
        }
        record::append(&mut changed, &data);
        fs::write(&path, &changed).unwrap();
        let log = RunLog::read(dir.path()).unwrap();
        for image in log.images.values().flatten() {
            let loaded = load_image(image);
            prop_assert!(loaded.is_ok(), "{loaded:?}");
        }
    }
}
