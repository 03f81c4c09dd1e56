//! Printed lines and progress bars.

use std::{fmt, io, io::Write, process::ExitCode};

use anyhow::{Result, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use parking_lot::Mutex;

use crate::{
    device::ComputeDevice,
    inspect::calibration::{VerdictCounts, in_thousand},
    text::{printable, printable_lines},
};

/// Creates a progress bar, visible if standard error is a terminal.
pub(super) fn progress_bar(label: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len}  {msg}");
    let bar = ProgressBar::new(0).with_prefix(label);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Length of a bar that shows a percentage.
const FULL: u64 = 1_000;

/// Switches a bar from a count to a percentage.
pub(super) fn show_percentage(bar: &ProgressBar, label: &'static str) {
    if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {percent} %  {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(label);
    bar.set_length(FULL);
}

/// Sets the position of a bar that shows a percentage; `share` is 0 to 1.
pub(super) fn set_share(bar: &ProgressBar, share: f32) {
    bar.set_position((f64::from(share) * FULL as f64) as u64);
}

/// Prints a row above the bar.
///
/// # Errors
/// [`OutputFailed`] where standard output takes no further row.
pub(super) fn print_row(progress: &ProgressBar, row: &str) -> Result<(), OutputFailed> {
    progress.suspend(|| print(format_args!("{row}")));
    if FAILED[0].lock().is_some() { Err(OutputFailed) } else { Ok(()) }
}

/// The rest of the output has nowhere to go; [`finish`] says why, unless the reader has closed the pipe.
#[derive(Debug, thiserror::Error)]
#[error("the output could not be written")]
pub(super) struct OutputFailed;

/// The first error of standard output and of standard error. What follows it is dropped.
static FAILED: [Mutex<Option<io::Error>>; 2] = [Mutex::new(None), Mutex::new(None)];

/// Whether the reader of standard output has gone.
pub(super) fn is_closed() -> bool {
    FAILED[0].lock().as_ref().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Prints a line, without the macros of the standard library, which panic on a closed pipe and pass control characters on.
macro_rules! out {
    ($($text:tt)*) => { $crate::cli::output::print(format_args!($($text)*)) };
}
pub(super) use out;

/// Prints a line to standard error.
macro_rules! note {
    ($($text:tt)*) => { $crate::cli::output::print_note(format_args!($($text)*)) };
}
pub(super) use note;

/// Prints one line to standard output; control characters are escaped, line breaks too.
pub(super) fn print(line: fmt::Arguments<'_>) {
    write(0, &printable(&line.to_string()), "\n");
}

/// Prints lines to standard output; other control characters are escaped.
pub(super) fn print_lines(text: &str) {
    write(0, &printable_lines(text), "\n");
}

/// Prints one line to standard error, likewise.
pub(super) fn print_note(line: fmt::Arguments<'_>) {
    write(1, &printable(&line.to_string()), "\n");
}

/// Prints lines to standard error, likewise.
pub(super) fn note_lines(text: &str) {
    write(1, &printable_lines(text), "\n");
}

fn write(stream: usize, text: &str, end: &str) {
    let mut failed = FAILED[stream].lock();
    if failed.is_some() {
        return;
    }
    let whole = format!("{text}{end}");
    let written = match stream {
        0 => {
            let mut out = io::stdout().lock();
            out.write_all(whole.as_bytes()).and_then(|()| out.flush())
        }
        _ => io::stderr().write_all(whole.as_bytes()),
    };
    *failed = written.err();
}

/// Returns the exit code for these verdicts: 1 for a defective part where that is asked for, 3 for an image that does not
/// show the part, 0 otherwise.
pub(super) fn verdict_code(verdicts: &VerdictCounts, fail_on_defect: bool) -> ExitCode {
    match () {
        () if fail_on_defect && verdicts.defective > 0 => ExitCode::from(1),
        () if verdicts.not_this_part > 0 => ExitCode::from(3),
        () => ExitCode::SUCCESS,
    }
}

/// Returns the exit code of a command: an error where its output could not be written, but not where the reader has closed
/// the pipe, as `head` does.
pub(super) fn finish(done: Result<ExitCode>) -> ExitCode {
    let lost =
        |stream: usize| FAILED[stream].lock().as_ref().filter(|e| e.kind() != io::ErrorKind::BrokenPipe).map(cause);
    let code = match done {
        Ok(code) => code,
        Err(error) if error.is::<OutputFailed>() => ExitCode::SUCCESS,
        Err(error) => {
            note_lines(&format!("ganspect: {error:#}"));
            ExitCode::from(2)
        }
    };
    if let Some(cause) = lost(0) {
        note!("ganspect: cannot write to standard output: {cause}");
        return ExitCode::from(2);
    }
    if lost(1).is_some() { ExitCode::from(2) } else { code }
}

/// Describes an error of an output stream, with a remedy.
fn cause(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full; free some space, then run the command again".into()
        }
        _ => format!("{error}; redirect it elsewhere, then run the command again"),
    }
}

/// Standard error for the log, with control characters escaped.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write(1, &printable_lines(&String::from_utf8_lossy(bytes)), "");
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Prints the device and why it was chosen.
pub(super) fn print_device(device: &ComputeDevice) {
    out!("device  {}. {}", device.label, device.reason);
}

/// Prints the name, number of steps and shortened hash of a model.
pub(super) fn print_model(name: &str, steps: u64, hash: &str) {
    out!("model   {name}, {steps} steps, {}", short_hash(hash));
}

/// Returns the first 12 digits of a hash.
pub(super) fn short_hash(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// Returns the error for a promise asked of a model without a calibration.
pub(super) fn not_calibrated(name: &str) -> anyhow::Error {
    anyhow!(
        "{name} is not calibrated for these settings, so no false-alarm rate can be promised; run \
         `ganspect model calibrate`"
    )
}

/// Describes the promised false-alarm rate in one line; `None` for a model without a calibration.
pub(super) fn promise_line(rate: Option<f64>) -> String {
    match rate {
        Some(rate) => format!("promise at most {} false alarms in 1,000 healthy parts", in_thousand(rate)),
        None => "promise none: the model is not calibrated for these settings, so there is no verdict".into(),
    }
}
