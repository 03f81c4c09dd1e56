//! TensorBoard event files: the log of a run, written and read here and readable by TensorBoard itself.
//!
//! An event file is a sequence of framed records (`record`), each a protocol buffer message (`proto`) with a wall time, a
//! step, and scalars, images, histograms or texts under tags such as `loss/d_real`. A resumed run starts another file, whose
//! first event states the step from which on the older files are superseded.

mod event_files;
mod histogram;
mod proto;
mod reader;
mod record;
mod writer;

pub(crate) use event_files::event_files;
pub use histogram::BucketHistogram;
pub use reader::{HistogramPoint, ImageRef, LogTail, RunLog, ScalarPoint, TailProgress, TextPoint, load_image};
pub use writer::{EventWriter, PngImage};
