//! Reading a run's event files, all at once or as they grow.

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
    event_files,
    histogram::BucketHistogram,
    proto::{Content, EventProto, HistogramProto, SESSION_START, TensorProto, Value, What},
    record,
    record::RecordRead,
};
use crate::files::{Access, FileError};

/// One number of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScalarPoint {
    /// The step it was logged for.
    pub step: i64,
    /// Seconds since 1970.
    pub wall: f64,
    /// The number.
    pub value: f32,
}

/// Where in the log an image is; [`load_image`] fetches it.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRef {
    /// The step it was logged for.
    pub step: i64,
    /// Seconds since 1970.
    pub wall: f64,
    /// Pixels across, as the log states it.
    pub width: u32,
    /// Pixels down, as the log states it.
    pub height: u32,
    /// The event file.
    pub file: Arc<Path>,
    /// Where the record begins in the file, in bytes.
    pub offset: u64,
    /// Bytes of the record, framing included.
    pub len: u64,
    /// Which of the record's values it is.
    pub index: usize,
}

/// One histogram of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct HistogramPoint {
    /// The step it was logged for.
    pub step: i64,
    /// Seconds since 1970.
    pub wall: f64,
    /// The distribution.
    pub histogram: BucketHistogram,
}

/// One text of a series.
#[derive(Debug, Clone, PartialEq)]
pub struct TextPoint {
    /// The step it was logged for.
    pub step: i64,
    /// Seconds since 1970.
    pub wall: f64,
    /// The text, in Markdown.
    pub markdown: String,
}

/// What a run has logged, by tag, in the order of logging. Where a resumed run did a step again, only the
/// later account of it is here.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunLog {
    /// Curves.
    pub scalars: BTreeMap<String, Vec<ScalarPoint>>,
    /// Where images are; they are fetched one by one.
    pub images: BTreeMap<String, Vec<ImageRef>>,
    /// Distributions.
    pub histograms: BTreeMap<String, Vec<HistogramPoint>>,
    /// Texts.
    pub texts: BTreeMap<String, Vec<TextPoint>>,
    /// An event file ends in a torn or damaged record, which a killed run leaves behind; what comes before it
    /// is here.
    pub truncated: bool,
}

impl RunLog {
    /// Reads all event files directly in `dir`.
    ///
    /// # Errors
    /// [`FileError`] where the folder or a file cannot be read. Damage within a file is no error: reading that
    /// file stops there and [`truncated`](Self::truncated) is set.
    pub fn read(dir: &Path) -> Result<Self, FileError> {
        let mut tail = LogTail::new(dir);
        tail.poll()?;
        Ok(tail.log)
    }

    /// True if nothing is logged.
    pub fn is_empty(&self) -> bool {
        self.scalars.is_empty() && self.images.is_empty() && self.histograms.is_empty() && self.texts.is_empty()
    }

    /// The log in the form in which `scripts/check_tensorboard.py` compares it with what TensorBoard reads:
    /// `scalars: {tag: [[step, value]]}`, `images: {tag: [[step, width, height]]}`,
    /// `histograms: {tag: [[step, num]]}`, `texts: {tag: how many}`. JSON has no NaN or infinity; they are the
    /// strings `nan`, `inf` and `-inf`.
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

    /// Takes in one event; returns true if it superseded something.
    fn apply(&mut self, event: EventProto, at: &Place) -> bool {
        let (step, wall) = (event.step, event.wall_time);
        match event.what {
            Some(What::Summary(summary)) => {
                for (index, value) in summary.values.into_iter().enumerate() {
                    self.apply_value(step, wall, index, value, at);
                }
                false
            }
            Some(What::SessionLog(session)) if session.status == SESSION_START => self.supersede(step),
            Some(What::SessionLog(_) | What::FileVersion(_)) | None => false,
        }
    }

    fn apply_value(&mut self, step: i64, wall: f64, index: usize, value: Value, at: &Place) {
        let tag = value.tag;
        match value.content {
            Some(Content::SimpleValue(value)) => {
                let point = ScalarPoint { step, wall, value };
                self.scalars.entry(tag).or_default().push(point);
            }
            Some(Content::Image(image)) => {
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
            Some(Content::Histogram(proto)) => {
                let histogram = BucketHistogram::from(*proto);
                let point = HistogramPoint { step, wall, histogram };
                self.histograms.entry(tag).or_default().push(point);
            }
            Some(Content::Tensor(tensor)) => {
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

    /// Drops everything from `step` on; returns true if there was anything.
    fn supersede(&mut self, step: i64) -> bool {
        // All four, whatever the first returns.
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

/// A record's place in the log.
struct Place {
    file: Arc<Path>,
    offset: u64,
    len: u64,
}

/// How far one event file has been read.
#[derive(Debug)]
struct Cursor {
    file: Arc<Path>,
    /// Bytes of whole records that have been read.
    offset: u64,
    /// Something follows them that is not a whole record (yet).
    torn: bool,
    /// A record is damaged: this file is read no further.
    damaged: bool,
}

/// What [`LogTail::poll`] has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TailProgress {
    /// New records; all points they hold are at the ends of their series, unless `superseded`.
    pub records: u64,
    /// Points that had been read before were dropped, because the run was resumed from before them.
    pub superseded: bool,
}

/// A log that is read as it grows, to follow a run of another process.
#[derive(Debug)]
pub struct LogTail {
    dir: PathBuf,
    /// In the order of reading, which is that of the names.
    cursors: Vec<Cursor>,
    log: RunLog,
}

impl LogTail {
    /// Follows the event files directly in `dir`; nothing is read yet.
    pub fn new(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), cursors: Vec::new(), log: RunLog::default() }
    }

    /// Everything read so far.
    pub fn log(&self) -> &RunLog {
        &self.log
    }

    /// Reads what has been appended, in old files and new ones, since the last call. A record that is not
    /// whole yet is left for the next call.
    ///
    /// # Errors
    /// [`FileError`] where the folder or a file cannot be read; what was read before the error is kept and not
    /// read twice.
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

/// Takes whole records from one file into `log`.
fn read_on(
    cursor: &mut Cursor,
    log: &mut RunLog,
    data: &mut Vec<u8>,
    progress: &mut TailProgress,
) -> std::io::Result<()> {
    if cursor.damaged {
        return Ok(());
    }
    // Its length now is the end for this call, however fast the writer is.
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

/// Fetches the PNG file of an image from the log.
///
/// # Errors
/// [`FileError`] where the event file cannot be read, or no longer holds that image where it was.
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
        Some(What::Summary(summary)) => summary.values.into_iter().nth(image.index),
        _ => None,
    };
    match value.and_then(|value| value.content) {
        Some(Content::Image(found)) => Ok(found.encoded),
        _ => {
            Err(FileError::damaged(&*image.file, format!("the image of step {} is no longer where it was", image.step)))
        }
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
