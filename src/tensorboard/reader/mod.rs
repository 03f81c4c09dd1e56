//! Reading a run's event files, at once or while they grow.

use std::{
    collections::BTreeMap,
    fs,
    fs::File,
    io::{BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use prost::Message;
use serde_json::json;

use super::{
    event_files::event_files,
    histogram::BucketHistogram,
    proto::{EventContent, EventProto, HistogramProto, SESSION_START, TensorProto, Value, ValueContent},
    record,
    record::RecordRead,
};
use crate::files::{Access, FileError};

/// One point of a scalar series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScalarPoint {
    /// Training step.
    pub step: i64,
    /// Wall time in seconds since the Unix epoch.
    pub wall: f64,
    /// Value.
    pub value: f32,
}

/// The location of an image in the log; [`load_image`] reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRef {
    /// Training step.
    pub step: i64,
    /// Wall time in seconds since the Unix epoch.
    pub wall: f64,
    /// Width in pixels, as stated in the log.
    pub width: u32,
    /// Height in pixels, as stated in the log.
    pub height: u32,
    /// The event file.
    pub file: Arc<Path>,
    /// Offset of the record in the file, in bytes.
    pub offset: u64,
    /// Length of the record in bytes, including the framing.
    pub len: u64,
    /// Index of the value in the record.
    pub index: usize,
}

/// One point of a histogram series.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramPoint {
    /// Training step.
    pub step: i64,
    /// Wall time in seconds since the Unix epoch.
    pub wall: f64,
    /// The distribution.
    pub histogram: BucketHistogram,
}

/// One point of a text series.
#[derive(Debug, Clone, PartialEq)]
pub struct TextPoint {
    /// Training step.
    pub step: i64,
    /// Wall time in seconds since the Unix epoch.
    pub wall: f64,
    /// The text, in Markdown.
    pub markdown: String,
}

/// The log of a run: series by tag, in the order of logging. Steps that were superseded by a resumed run are left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunLog {
    /// Scalars.
    pub scalars: BTreeMap<String, Vec<ScalarPoint>>,
    /// Locations of images, which are loaded one by one.
    pub images: BTreeMap<String, Vec<ImageRef>>,
    /// Histograms.
    pub histograms: BTreeMap<String, Vec<HistogramPoint>>,
    /// Texts.
    pub texts: BTreeMap<String, Vec<TextPoint>>,
    /// Whether an event file ends in an incomplete or damaged record, as left behind by a killed run. Everything before it
    /// is included.
    pub truncated: bool,
}

impl RunLog {
    /// Reads all event files directly in `dir`.
    ///
    /// # Errors
    /// [`FileError`] if the folder or a file cannot be read. Damage within a file is not an error: reading of that file stops
    /// there, and [`truncated`](Self::truncated) is set.
    pub fn read(dir: &Path) -> Result<Self, FileError> {
        let mut tail = LogTail::new(dir);
        tail.poll()?;
        Ok(tail.log)
    }

    /// Whether nothing is logged.
    pub fn is_empty(&self) -> bool {
        self.scalars.is_empty() && self.images.is_empty() && self.histograms.is_empty() && self.texts.is_empty()
    }

    /// Returns the log in the form in which `scripts/check_tensorboard.py` compares it with what TensorBoard reads:
    /// `scalars: {tag: [[step, value]]}`, `images: {tag: [[step, width, height]]}`, `histograms: {tag: [[step, num]]}`,
    /// `texts: {tag: count}`. NaN and infinity, which JSON lacks, are the strings `nan`, `inf` and `-inf`.
    pub fn to_expected_json(&self) -> serde_json::Value {
        let number = |value: f32| {
            if value.is_finite() { json!(f64::from(value)) } else { json!(value.to_string().to_lowercase()) }
        };
        let scalars = by_tag(&self.scalars, |p| json!([p.step, number(p.value)]));
        let images = by_tag(&self.images, |p| json!([p.step, p.width, p.height]));
        let histograms = by_tag(&self.histograms, |p| json!([p.step, p.histogram.num]));
        let texts: serde_json::Map<_, _> =
            self.texts.iter().map(|(tag, points)| (tag.clone(), json!(points.len()))).collect();
        json!({ "scalars": scalars, "images": images, "histograms": histograms, "texts": texts })
    }

    /// Adds one event. Returns whether it superseded earlier points.
    fn apply(&mut self, event: EventProto, at: &Place) -> bool {
        let (step, wall) = (event.step, event.wall_time);
        match event.what {
            Some(EventContent::Summary(summary)) => {
                for (index, value) in summary.values.into_iter().enumerate() {
                    self.apply_value(step, wall, index, value, at);
                }
                false
            }
            Some(EventContent::SessionLog(session)) if session.status == SESSION_START => self.supersede(step),
            Some(EventContent::SessionLog(_) | EventContent::FileVersion(_)) | None => false,
        }
    }

    fn apply_value(&mut self, step: i64, wall: f64, index: usize, value: Value, at: &Place) {
        let tag = value.tag;
        match value.content {
            Some(ValueContent::SimpleValue(value)) => {
                let point = ScalarPoint { step, wall, value };
                self.scalars.entry(tag).or_default().push(point);
            }
            Some(ValueContent::Image(image)) => {
                let reference = ImageRef {
                    step,
                    wall,
                    width: u32::try_from(image.width).unwrap_or(0),
                    height: u32::try_from(image.height).unwrap_or(0),
                    file: Arc::clone(&at.file),
                    offset: at.offset,
                    len: at.len,
                    index,
                };
                self.images.entry(tag).or_default().push(reference);
            }
            Some(ValueContent::Histogram(proto)) => {
                let histogram = BucketHistogram::from(*proto);
                let point = HistogramPoint { step, wall, histogram };
                self.histograms.entry(tag).or_default().push(point);
            }
            Some(ValueContent::Tensor(tensor)) => {
                let plugin = value.metadata.and_then(|metadata| metadata.plugin_data);
                let is_text = plugin.is_some_and(|plugin| plugin.plugin_name == "text");
                if let Some(markdown) = is_text.then(|| text_of(*tensor)).flatten() {
                    let point = TextPoint { step, wall, markdown };
                    self.texts.entry(tag).or_default().push(point);
                }
            }
            None => {}
        }
    }

    /// Drops all points from `step` on. Returns whether there were any.
    fn supersede(&mut self, step: i64) -> bool {
        // Evaluates all four, whatever the first returns.
        let dropped = [
            drop_from(&mut self.scalars, |p| p.step < step),
            drop_from(&mut self.images, |p| p.step < step),
            drop_from(&mut self.histograms, |p| p.step < step),
            drop_from(&mut self.texts, |p| p.step < step),
        ];
        dropped.contains(&true)
    }
}

fn by_tag<T>(series: &BTreeMap<String, Vec<T>>, point: impl Fn(&T) -> serde_json::Value) -> serde_json::Value {
    series
        .iter()
        .map(|(tag, points)| (tag.clone(), points.iter().map(&point).collect()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn drop_from<T>(series: &mut BTreeMap<String, Vec<T>>, keep: impl Fn(&T) -> bool) -> bool {
    let mut dropped = false;
    series.retain(|_, points| {
        let before = points.len();
        points.retain(&keep);
        dropped |= points.len() < before;
        !points.is_empty()
    });
    dropped
}

fn text_of(tensor: TensorProto) -> Option<String> {
    let bytes = tensor.strings.into_iter().next()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

impl From<HistogramProto> for BucketHistogram {
    fn from(proto: HistogramProto) -> Self {
        let (mut limits, mut counts) = (proto.limits, proto.counts);
        let buckets = limits.len().min(counts.len());
        limits.truncate(buckets);
        counts.truncate(buckets);
        Self {
            min: proto.min,
            max: proto.max,
            num: proto.num,
            sum: proto.sum,
            sum_squares: proto.sum_squares,
            limits,
            counts,
        }
    }
}

/// The location of a record.
struct Place {
    file: Arc<Path>,
    offset: u64,
    len: u64,
}

/// The reading position in one event file.
#[derive(Debug)]
struct Cursor {
    file: Arc<Path>,
    /// Length of the complete records read, in bytes.
    offset: u64,
    /// Whether they are followed by a record that is incomplete (so far).
    torn: bool,
    /// Whether a record is damaged, so that the rest of the file is ignored.
    damaged: bool,
}

/// The result of [`LogTail::poll`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TailProgress {
    /// Number of new records. Their points are at the ends of their series, unless `superseded`.
    pub records: u64,
    /// Whether points read before were dropped, because the run was resumed from an earlier step.
    pub superseded: bool,
}

/// A log that is read while it grows, to follow a run of another process.
#[derive(Debug)]
pub struct LogTail {
    dir: PathBuf,
    /// In reading order, which is that of the names.
    cursors: Vec<Cursor>,
    log: RunLog,
}

impl LogTail {
    /// Prepares to follow the event files directly in `dir`, without reading anything yet.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), cursors: Vec::new(), log: RunLog::default() }
    }

    /// The log read so far.
    pub fn log(&self) -> &RunLog {
        &self.log
    }

    /// Reads the records appended since the last call, in old and new files. An incomplete record is left for the next call.
    ///
    /// # Errors
    /// [`FileError`] if the folder or a file cannot be read. Records read before the error are kept and not read again.
    pub fn poll(&mut self) -> Result<TailProgress, FileError> {
        for path in event_files(&self.dir)? {
            if !self.cursors.iter().any(|cursor| *cursor.file == *path) {
                self.cursors.push(Cursor { file: path.into(), offset: 0, torn: false, damaged: false });
            }
        }
        let mut progress = TailProgress::default();
        let mut data = Vec::new();
        for cursor in &mut self.cursors {
            read_on(cursor, &mut self.log, &mut data, &mut progress)
                .map_err(|cause| FileError::new(Access::Read, &*cursor.file, cause))?;
        }
        self.log.truncated = self.cursors.iter().any(|cursor| cursor.torn || cursor.damaged);
        Ok(progress)
    }
}

/// Reads the complete records that follow in one file into `log`.
fn read_on(
    cursor: &mut Cursor,
    log: &mut RunLog,
    data: &mut Vec<u8>,
    progress: &mut TailProgress,
) -> std::io::Result<()> {
    if cursor.damaged {
        return Ok(());
    }
    // The present length is the end for this call, however fast the writer is.
    let end = fs::metadata(&cursor.file)?.len();
    cursor.torn = end > cursor.offset;
    if !cursor.torn {
        return Ok(());
    }
    let mut file = File::open(&cursor.file)?;
    file.seek(SeekFrom::Start(cursor.offset))?;
    let mut reader = BufReader::with_capacity(256 << 10, file);
    loop {
        let remaining = end.saturating_sub(cursor.offset);
        match record::read_next(&mut reader, remaining, data)? {
            RecordRead::Record => {}
            RecordRead::Partial => return Ok(()),
            RecordRead::End => {
                cursor.torn = false;
                return Ok(());
            }
            RecordRead::Damaged => {
                cursor.damaged = true;
                return Ok(());
            }
        }
        let Ok(event) = EventProto::decode(data.as_slice()) else {
            cursor.damaged = true;
            return Ok(());
        };
        let at =
            Place { file: Arc::clone(&cursor.file), offset: cursor.offset, len: record::framed_len(data.len() as u64) };
        progress.superseded |= log.apply(event, &at);
        progress.records += 1;
        cursor.offset += at.len;
    }
}

/// Reads the PNG file of an image from the log.
///
/// # Errors
/// [`FileError`] if the event file cannot be read, or no longer holds the image at its location.
pub fn load_image(image: &ImageRef) -> Result<Vec<u8>, FileError> {
    let fault = |cause| FileError::new(Access::Read, &*image.file, cause);
    let mut file = File::open(&image.file).map_err(fault)?;
    file.seek(SeekFrom::Start(image.offset)).map_err(fault)?;
    let mut data = Vec::new();
    let found = record::read_next(&mut file.take(image.len), image.len, &mut data).map_err(fault)?;
    let event = match found {
        RecordRead::Record => EventProto::decode(data.as_slice()).ok(),
        RecordRead::End | RecordRead::Partial | RecordRead::Damaged => None,
    };
    let value = match event.and_then(|event| event.what) {
        Some(EventContent::Summary(summary)) => summary.values.into_iter().nth(image.index),
        _ => None,
    };
    match value.and_then(|value| value.content) {
        Some(ValueContent::Image(found)) => Ok(found.encoded),
        _ => {
            Err(FileError::damaged(&*image.file, format!("the image of step {} is no longer where it was", image.step)))
        }
    }
}

#[cfg(test)]
mod tests;
