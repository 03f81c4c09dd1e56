//! Printed lines and progress bars.

use std::{io, io::Write};

use anyhow::{Context, Result, anyhow};
use indicatif::{ProgressBar, ProgressStyle};

use crate::device::ComputeDevice;

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
pub(super) fn print_row(progress: &ProgressBar, row: &str) -> Result<()> {
    let mut printed = Ok(());
    progress.suspend(|| printed = writeln!(io::stdout(), "{row}"));
    if let Err(error) = printed {
        // The reader has closed the pipe, as `head` does.
        if error.kind() == io::ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        return Err(error).context("cannot print the row");
    }
    Ok(())
}

/// Prints the device and why it was chosen.
pub(super) fn print_device(device: &ComputeDevice) {
    println!("device  {}. {}", device.label, device.reason);
}

/// Prints the name, number of steps and shortened hash of a model.
pub(super) fn print_model(name: &str, steps: u64, hash: &str) {
    println!("model   {name}, {steps} steps, {}", short_hash(hash));
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
        Some(rate) => format!("promise at most {:.0} false alarms in 1,000 healthy parts", rate * 1e3),
        None => "promise none: the model is not calibrated for these settings, so there is no verdict".into(),
    }
}
