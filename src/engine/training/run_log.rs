//! The log of a run beyond its scalars: sample grids, knob changes and sessions, and reading them back.

use std::collections::BTreeMap;

use super::{Histograms, SampleGrid, TrainingState};
use crate::{
    data::ImageGrid,
    engine::{event::Severity, outbox::Outbox},
    files::FileError,
    tensorboard::{EventWriter, PngImage, RunLog, load_image},
    train::{CRITIC_TAG, CurveMark, History, Metric, Recipe, run_folder::RunFolder, trainer::GRID},
};

/// Most sample grids restored from the log of a resumed run.
const GRIDS_FROM_LOG: usize = 200;

/// Tags of the log's entries other than scalars.
pub(super) mod tag {
    pub(in crate::engine::training) const SAMPLES: &str = "samples/grid";
    pub(in crate::engine::training) const REAL: &str = "samples/real";
    pub(in crate::engine::training) const RECIPE: &str = "recipe";
    pub(in crate::engine::training) const KNOBS: &str = "knobs";
}

/// Returns the finite values of a row with their tags.
pub(super) fn tagged_values(row: &[f32; Metric::ALL.len()]) -> Vec<(&'static str, f32)> {
    let all = Metric::ALL.into_iter().map(|m| (m.tag(), row[m as usize]));
    all.filter(|(_, value)| value.is_finite()).collect()
}

/// The losses of all critics of a run, by the steps that they are logged at. These are counted on from one critic to the next,
/// so that the steps of a series only grow.
#[derive(Debug, Default)]
pub(super) struct CriticLog {
    points: History,
    /// Logged steps at which a critic begins, with their text.
    begins: Vec<(u64, String)>,
    /// Logged steps before those of the current critic.
    base: u64,
    /// Own steps of the current critic.
    own: u64,
}

impl CriticLog {
    /// Reads what is logged.
    fn from_log(log: &RunLog) -> Self {
        let points = History::critics_from_log(log);
        let texts = log.texts.get(CRITIC_TAG).into_iter().flatten();
        let begins = texts.map(|text| (text.step.max(0) as u64, text.markdown.clone())).collect();
        // Nothing is added to an earlier critic.
        Self { points, begins, base: 0, own: u64::MAX }
    }

    /// Logs the losses of a critic of the weights after `gan_step`, after `step` steps of its own.
    pub(super) fn add(
        &mut self,
        log: &mut EventWriter,
        (gan_step, step): (u64, u64),
        wall: f64,
        row: &[f32; Metric::ALL.len()],
    ) -> Result<(), FileError> {
        if step <= self.own || self.begins.is_empty() {
            self.base = self.points.steps.last().copied().unwrap_or(0);
            let text = format!("A critic of the weights after step {gan_step}.");
            log.text(CRITIC_TAG, self.base as i64 + 1, wall, &text)?;
            self.begins.push((self.base + 1, text));
        }
        self.own = step;
        self.points.push(self.base + step, wall, row);
        log.scalars((self.base + step) as i64, wall, &tagged_values(row))
    }

    /// Starts a session of the log at `step` of the GAN, which invalidates everything logged from there on. The critics'
    /// points, which have steps of their own, would be lost as well, so they are logged again.
    pub(super) fn begin_session(&self, log: &mut EventWriter, step: u64) -> Result<(), FileError> {
        log.session_start(step as i64, now())?;
        for (begin, text) in self.begins.iter().filter(|(begin, _)| *begin >= step) {
            log.text(CRITIC_TAG, *begin as i64, now(), text)?;
        }
        let points = &self.points;
        for row in points.steps.partition_point(|s| *s < step)..points.len() {
            let values = points.columns.each_ref().map(|column| column.get(row).copied().unwrap_or(f32::NAN));
            log.scalars(points.steps[row] as i64, points.wall[row], &tagged_values(&values))?;
        }
        Ok(())
    }
}

/// Seconds since the Unix epoch.
pub(super) fn now() -> f64 {
    crate::time::since_epoch().as_secs_f64()
}

/// Encodes an image grid as one PNG, row by row.
pub(super) fn grid_png(images: &ImageGrid) -> Result<PngImage, image::ImageError> {
    let ([width, height], bytes) = images.png(0)?;
    Ok(PngImage { width, height, bytes })
}

/// Decodes an image grid written by [`grid_png`].
fn images_from_png(bytes: &[u8], count: usize, side: usize, channels: usize) -> Option<ImageGrid> {
    let image = image::load_from_memory_with_format(bytes, image::ImageFormat::Png).ok()?;
    let columns = ImageGrid::columns(count);
    let (width, height) = (columns * side, count.div_ceil(columns) * side);
    if (image.width() as usize, image.height() as usize) != (width, height) {
        return None;
    }
    let pixels = if channels == 3 { image.into_rgb8().into_raw() } else { image.into_luma8().into_raw() };
    let mut images = ImageGrid { count, side, channels, pixels: Vec::with_capacity(pixels.len()) };
    for i in 0..count {
        let (x, y) = (i % columns * side, i / columns * side);
        for line in 0..side {
            let start = ((y + line) * width + x) * channels;
            images.pixels.extend_from_slice(&pixels[start..start + side * channels]);
        }
    }
    Some(images)
}

/// Restores curves, marks, sample grids and histograms of a resumed run from its log, up to its checkpoint; returns the losses of
/// its critics.
pub(super) fn restore_history(
    folder: &RunFolder,
    recipe: &Recipe,
    step: u64,
    state: &TrainingState,
    outbox: &mut Outbox,
) -> CriticLog {
    let log = match RunLog::read(folder.path()) {
        Ok(log) => log,
        Err(error) => {
            outbox.notice(Severity::Warning, format!("The earlier curves could not be read: {error}"), "");
            return CriticLog::default();
        }
    };
    let critics = CriticLog::from_log(&log);
    {
        let mut shown = state.critic.history.write();
        let generation = shown.generation + 1;
        *shown = History { generation, ..History::critic_from_log(&log) };
    }
    let mut history = History::from_log(&log);
    history.truncate_from(step + 1);
    for point in log.texts.get(tag::KNOBS).into_iter().flatten() {
        if point.step as u64 <= step + 1 {
            history.marks.push(CurveMark { step: point.step as u64, text: point.markdown.clone() });
        }
    }
    {
        let mut shown = state.history.write();
        history.generation = shown.generation + 1;
        *shown = history;
    }
    restore_grids(&log, recipe, step, state);
    let mut by_step: BTreeMap<u64, Vec<_>> = BTreeMap::new();
    for (name, points) in log.histograms {
        for point in points.into_iter().filter(|p| p.step as u64 <= step) {
            by_step.entry(point.step as u64).or_default().push((name.clone(), point.histogram));
        }
    }
    let mut histograms = state.histograms.write();
    for (step, mut entries) in by_step {
        // The weights of the generator come first, as in a run that was not resumed.
        entries.sort_by_key(|(name, _)| !name.starts_with("g/weights"));
        histograms.push(Histograms { step, entries });
    }
    critics
}

/// Restores the sample grids, at most [`GRIDS_FROM_LOG`], evenly over the run.
fn restore_grids(log: &RunLog, recipe: &Recipe, step: u64, state: &TrainingState) {
    let images: Vec<_> = log.images.get(tag::SAMPLES).into_iter().flatten().filter(|i| i.step as u64 <= step).collect();
    let stride = images.len().div_ceil(GRIDS_FROM_LOG).max(1);
    let mut grids = state.grids.write();
    for (i, image) in images.iter().enumerate() {
        if i % stride != 0 && i + 1 != images.len() {
            continue;
        }
        let samples = load_image(image)
            .ok()
            .and_then(|bytes| images_from_png(&bytes, GRID, recipe.model.size, recipe.model.channels.count()));
        if let Some(samples) = samples {
            grids.push(SampleGrid { step: image.step as u64, from_ema: true, samples });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_critics_only_grow_also_after_a_resume() {
        let dir = tempfile::tempdir().unwrap();
        let train = |critics: &mut CriticLog, log: &mut EventWriter, gan_step: u64, steps: u64| {
            for step in 1..=steps {
                let mut row = [f32::NAN; Metric::ALL.len()];
                row[Metric::CriticLoss as usize] = (gan_step + step) as f32;
                if step == steps {
                    row[Metric::CriticHeldOut as usize] = 0.5;
                }
                critics.add(log, (gan_step, step), step as f64, &row).unwrap();
            }
        };
        let read = || RunLog::read(dir.path()).unwrap();
        {
            let mut log = EventWriter::create(dir.path(), "").unwrap();
            let mut critics = CriticLog::default();
            train(&mut critics, &mut log, 100, 4);
            train(&mut critics, &mut log, 100, 3);
        }
        let steps = |log: &RunLog| log.scalars["critic/loss"].iter().map(|p| p.step).collect::<Vec<_>>();
        assert_eq!(steps(&read()), [1, 2, 3, 4, 5, 6, 7]);
        let own = History::critic_from_log(&read());
        assert_eq!((own.steps.as_slice(), own.column(Metric::CriticLoss)[0]), ([1, 2, 3].as_slice(), 101.0));
        // Resumed from step 2 of the GAN, in another process.
        {
            let mut critics = CriticLog::from_log(&read());
            let mut log = EventWriter::create(dir.path(), "").unwrap();
            critics.begin_session(&mut log, 3).unwrap();
            train(&mut critics, &mut log, 9, 2);
            critics.begin_session(&mut log, 1).unwrap();
        }
        let log = read();
        assert_eq!(steps(&log), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(log.scalars["critic/held_out_loss"].iter().map(|p| p.step).collect::<Vec<_>>(), [4, 7, 9]);
        let own = History::critic_from_log(&log);
        assert_eq!(
            (own.steps.as_slice(), own.column(Metric::CriticLoss)),
            ([1, 2].as_slice(), [10.0, 11.0].as_slice())
        );
        assert_eq!(log.texts[CRITIC_TAG].len(), 3);
    }

    #[test]
    fn a_grid_survives_its_png() {
        for (count, channels) in [(GRID, 1), (7, 3)] {
            let pixels = (0..count * 16 * channels).map(|i| (i * 7 % 256) as u8).collect();
            let images = ImageGrid { count, side: 4, channels, pixels };
            let png = grid_png(&images).unwrap();
            assert_eq!(images_from_png(&png.bytes, count, 4, channels), Some(images));
        }
        assert_eq!(images_from_png(b"not an image", GRID, 4, 1), None);
    }
}
