//! Writing an event file.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use prost::Message;

use super::{
    event_files::{NAME_MARK, event_files},
    histogram::BucketHistogram,
    proto::{
        DATA_CLASS_TENSOR, DT_STRING, EventContent, EventProto, FILE_VERSION, HistogramProto, Image, PluginData,
        SESSION_START, SessionLog, SummaryMetadata, SummaryProto, TensorProto, TensorShape, Value, ValueContent,
    },
    record,
    record::MAX_RECORD,
};
use crate::files::{Access, FileError};

/// Size in bytes up to which records are buffered.
const BUFFER: usize = 64 << 10;

/// An image as a complete PNG file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PngImage {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Contents of the file.
    pub bytes: Vec<u8>,
}

/// An event file being written.
///
/// Events are buffered. [`flush`](Self::flush) passes them to the operating system, as do a full buffer and dropping the
/// writer. If that fails, for instance on a full disk, the file is truncated to its last complete record, the event being
/// added is refused, and earlier events stay in the buffer for the next attempt: nothing is lost once there is space again.
#[derive(Debug)]
pub struct EventWriter {
    path: PathBuf,
    file: File,
    /// Complete records that are not in the file yet.
    buffer: Vec<u8>,
    /// Length of the complete records in the file, in bytes.
    written: u64,
    /// Whether a failed write may have left part of a record after them.
    torn: bool,
}

impl EventWriter {
    /// Creates an event file in `dir`, named `events.out.tfevents.<seconds>.<host>.<process>.<n><suffix>`.
    ///
    /// The name sorts after those of all event files in the folder, even if the clock was set back or a run is resumed within
    /// a second, because TensorBoard reads files in the order of their names.
    ///
    /// # Errors
    /// [`FileError`] if the folder cannot be listed or written to.
    pub fn create(dir: &Path, suffix: &str) -> Result<Self, FileError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let now = crate::time::since_epoch().as_secs();
        let newest = event_files(dir)?.iter().filter_map(|path| seconds_in_name(path)).max();
        let seconds = newest.map_or(now, |newest| now.max(newest.saturating_add(1)));
        let host = host_name();
        let process = std::process::id();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = dir.join(format!("events.out.{NAME_MARK}.{seconds:010}.{host}.{process}.{count}{suffix}"));
        let file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .open(&path)
            .map_err(|cause| FileError::new(Access::Write, &path, cause))?;
        let mut writer = Self { path, file, buffer: Vec::new(), written: 0, torn: false };
        writer.event(0, seconds as f64, EventContent::FileVersion(FILE_VERSION.to_owned()))?;
        writer.flush()?;
        Ok(writer)
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a scalar. `wall` is in seconds since the Unix epoch, here and below.
    ///
    /// # Errors
    /// [`FileError`] if a full buffer cannot be written, here and below.
    pub fn scalar(&mut self, tag: &str, step: i64, wall: f64, value: f32) -> Result<(), FileError> {
        self.scalars(step, wall, &[(tag, value)])
    }

    /// Adds several scalars of one step as a single event.
    pub fn scalars(&mut self, step: i64, wall: f64, values: &[(&str, f32)]) -> Result<(), FileError> {
        if values.is_empty() {
            return Ok(());
        }
        let values = values
            .iter()
            .map(|&(tag, value)| Value {
                tag: tag.to_owned(),
                metadata: None,
                content: Some(ValueContent::SimpleValue(value)),
            })
            .collect();
        self.event(step, wall, EventContent::Summary(SummaryProto { values }))
    }

    /// Adds an image.
    ///
    /// # Errors
    /// Also [`FileError::RecordTooLarge`] beyond `MAX_RECORD`.
    pub fn image(&mut self, tag: &str, step: i64, wall: f64, image: &PngImage) -> Result<(), FileError> {
        let side = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
        let content = ValueContent::Image(Box::new(Image {
            height: side(image.height),
            width: side(image.width),
            colorspace: colorspace(&image.bytes),
            encoded: image.bytes.clone(),
        }));
        self.value(tag, step, wall, None, content)
    }

    /// Adds a histogram.
    pub fn histogram(&mut self, tag: &str, step: i64, wall: f64, histogram: &BucketHistogram) -> Result<(), FileError> {
        let content = ValueContent::Histogram(Box::new(HistogramProto {
            min: histogram.min,
            max: histogram.max,
            num: histogram.num,
            sum: histogram.sum,
            sum_squares: histogram.sum_squares,
            limits: histogram.limits.clone(),
            counts: histogram.counts.clone(),
        }));
        self.value(tag, step, wall, None, content)
    }

    /// Adds a text in Markdown.
    ///
    /// # Errors
    /// Also [`FileError::RecordTooLarge`] beyond `MAX_RECORD`.
    pub fn text(&mut self, tag: &str, step: i64, wall: f64, markdown: &str) -> Result<(), FileError> {
        let metadata = SummaryMetadata {
            plugin_data: Some(PluginData { plugin_name: "text".to_owned() }),
            data_class: DATA_CLASS_TENSOR,
        };
        let content = ValueContent::Tensor(Box::new(TensorProto {
            dtype: DT_STRING,
            shape: Some(TensorShape {}),
            strings: vec![markdown.as_bytes().to_vec()],
        }));
        self.value(tag, step, wall, Some(Box::new(metadata)), content)
    }

    /// States that the run continues at `step`: everything in older files for that step and later ones is superseded, for
    /// TensorBoard and for [`RunLog`](super::RunLog). A run resumed from the checkpoint after 500 steps continues at step
    /// 501.
    pub fn session_start(&mut self, step: i64, wall: f64) -> Result<(), FileError> {
        let status = SESSION_START;
        self.event(step, wall, EventContent::SessionLog(SessionLog { status }))
    }

    /// Passes all events to the operating system. A killed process loses none of them afterwards.
    ///
    /// # Errors
    /// [`FileError`], for instance on a full disk; the events are kept for the next attempt.
    pub fn flush(&mut self) -> Result<(), FileError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let result = self.repair().and_then(|()| {
            self.torn = true;
            self.file.write_all(&self.buffer)
        });
        match result {
            Ok(()) => {
                self.torn = false;
                self.written += self.buffer.len() as u64;
                self.buffer.clear();
                // An image may have grown it well beyond its normal size.
                self.buffer.shrink_to(2 * BUFFER);
                Ok(())
            }
            Err(cause) => {
                // If this fails as well, the next attempt repeats it.
                let _ = self.repair();
                Err(FileError::new(Access::Write, &self.path, cause))
            }
        }
    }

    /// Flushes, and waits until the events are on disk. A power cut loses none of them afterwards.
    ///
    /// # Errors
    /// As [`flush`](Self::flush).
    pub fn sync(&mut self) -> Result<(), FileError> {
        self.flush()?;
        self.file.sync_data().map_err(|cause| FileError::new(Access::Write, &self.path, cause))
    }

    /// Removes the remains of a failed write, because a reader stops at an incomplete record.
    fn repair(&mut self) -> std::io::Result<()> {
        if self.torn {
            self.file.set_len(self.written)?;
            self.torn = false;
        }
        Ok(())
    }

    fn value(
        &mut self,
        tag: &str,
        step: i64,
        wall: f64,
        metadata: Option<Box<SummaryMetadata>>,
        content: ValueContent,
    ) -> Result<(), FileError> {
        let value = Value { tag: tag.to_owned(), metadata, content: Some(content) };
        let values = vec![value];
        self.event(step, wall, EventContent::Summary(SummaryProto { values }))
    }

    fn event(&mut self, step: i64, wall_time: f64, what: EventContent) -> Result<(), FileError> {
        let event = EventProto { wall_time, step, what: Some(what) };
        let size = event.encoded_len() as u64;
        if size > MAX_RECORD {
            return Err(FileError::RecordTooLarge { path: self.path.clone(), size, limit: MAX_RECORD });
        }
        // Before the event is added, so that the buffer never holds more than its limit and one event.
        if self.buffer.len() as u64 + record::framed_len(size) > BUFFER as u64 {
            self.flush()?;
        }
        record::append(&mut self.buffer, &event.encode_to_vec());
        Ok(())
    }
}

impl Drop for EventWriter {
    fn drop(&mut self) {
        if let Err(error) = self.flush() {
            tracing::warn!("the last events of the run's log are lost: {error}");
        }
    }
}

/// Returns the seconds in the name of an event file.
fn seconds_in_name(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let (_, rest) = name.split_once(NAME_MARK)?;
    rest.split('.').nth(1)?.parse().ok()
}

/// Returns the host name, reduced to characters that suit a file name.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .unwrap_or_default();
    let plain: String = name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(63).collect();
    if plain.is_empty() { "localhost".to_owned() } else { plain }
}

/// Returns TensorBoard's number for the channels stated in a PNG's header; RGB if it cannot be read.
fn colorspace(png: &[u8]) -> i32 {
    // Signature (8), chunk length (4), "IHDR" (4), width (4), height (4), bit depth (1), colour type.
    match png.get(25) {
        Some(0) => 1,
        Some(4) => 2,
        Some(6) => 4,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensorboard::RunLog;

    #[test]
    fn a_file_begins_with_the_version_record() {
        let dir = tempfile::tempdir().unwrap();
        let writer = EventWriter::create(dir.path(), "").unwrap();
        let bytes = std::fs::read(writer.path()).unwrap();
        assert_eq!(bytes.len(), 40);
        assert_eq!(bytes[..12], [24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22]);
        assert_eq!(bytes[12], 0x09, "field 1 as a double: the wall time");
        assert_eq!(&bytes[21..36], b"\x1a\x0dbrain.Event:2");
    }

    #[test]
    fn later_files_sort_after_earlier_ones_whatever_the_clock_says() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("events.out.tfevents.4000000000.zz.1.0"), b"").unwrap();
        let first = EventWriter::create(dir.path(), "").unwrap();
        let second = EventWriter::create(dir.path(), ".v2").unwrap();
        let names = event_files(dir.path()).unwrap();
        assert_eq!(names[1..], [first.path(), second.path()]);
        assert!(second.path().to_string_lossy().ends_with(".v2"), "{names:?}");
    }

    #[test]
    fn a_record_past_the_limit_is_refused_and_the_file_stays_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(dir.path(), "").unwrap();
        let huge = "x".repeat(MAX_RECORD as usize);
        assert!(matches!(writer.text("t", 1, 0.0, &huge), Err(FileError::RecordTooLarge { .. })));
        writer.scalar("s", 1, 0.0, 1.0).unwrap();
        writer.flush().unwrap();
        let log = RunLog::read(dir.path()).unwrap();
        assert!(!log.truncated && log.texts.is_empty());
        assert_eq!(log.scalars["s"].len(), 1);
    }

    /// Every write to `/dev/full` fails as on a full disk.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_reported_by_name_and_nothing_taken_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = EventWriter::create(dir.path(), "").unwrap();
        let full = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let real = std::mem::replace(&mut writer.file, full);
        let mut taken = 0;
        let error = loop {
            match writer.scalar("loss/d", taken, 0.0, taken as f32) {
                Ok(()) => taken += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(&error, FileError::DiskFull { path } if path == writer.path()));
        assert!(taken > 100, "the buffer holds many events");
        // Further attempts fail likewise, and the buffer does not grow.
        assert!(matches!(
            writer.scalar("loss/d", taken, 0.0, 0.0),
            Err(FileError::DiskFull { .. } | FileError::Other { .. })
        ));
        assert!(writer.buffer.len() <= BUFFER);

        // Space is available again, and half a record is left over from the failed write.
        writer.file = real;
        writer.file.write_all(b"half a record").unwrap();
        writer.flush().unwrap();
        let log = RunLog::read(dir.path()).unwrap();
        assert!(!log.truncated);
        let steps: Vec<i64> = log.scalars["loss/d"].iter().map(|p| p.step).collect();
        assert_eq!(steps, (0..taken).collect::<Vec<_>>());
    }
}
