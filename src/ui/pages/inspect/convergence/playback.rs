//! Position in the stored reconstructions: following the newest, held at a step, or playing.

use egui::Ui;

use crate::inspect::KeptFrame;

/// Reconstructions shown per second at 1x.
const FRAMES_PER_SECOND: f64 = 20.0;

/// Position and state of the player.
#[derive(Debug, Default)]
pub(super) struct Playback {
    /// The step held on screen; `None` follows the newest.
    held: Option<usize>,
    /// Time at which playing started, and the frame it started from.
    playing: Option<(f64, f64)>,
    /// Frame from which playing is to start.
    start: Option<f64>,
}

impl Playback {
    /// Follows the newest reconstruction.
    pub(crate) fn follow(&mut self) {
        *self = Self::default();
    }

    /// Whether the newest reconstruction is followed.
    pub(crate) fn is_following(&self) -> bool {
        self.held.is_none() && !self.is_playing()
    }

    /// Whether it plays.
    pub(crate) fn is_playing(&self) -> bool {
        self.playing.is_some() || self.start.is_some()
    }

    /// Returns the index of the frame on screen.
    pub(crate) fn index(&self, frames: &[KeptFrame]) -> usize {
        let last = frames.len().saturating_sub(1);
        self.held.map_or(last, |step| frames.partition_point(|f| f.step < step).min(last))
    }

    /// Returns the frame on screen.
    pub(crate) fn shown<'a>(&self, frames: &'a [KeptFrame]) -> Option<&'a KeptFrame> {
        frames.get(self.index(frames))
    }

    /// Stops playing and holds this frame.
    pub(crate) fn seek(&mut self, frames: &[KeptFrame], index: usize) {
        self.playing = None;
        self.start = None;
        self.hold(frames, index);
    }

    /// Holds this frame, or follows if it is the newest.
    fn hold(&mut self, frames: &[KeptFrame], index: usize) {
        let newest = index + 1 >= frames.len();
        self.held = if newest { None } else { frames.get(index).map(|f| f.step) };
    }

    /// Moves by this number of frames.
    pub(crate) fn step(&mut self, frames: &[KeptFrame], by: isize) {
        self.playing = None;
        let index = self.index(frames).saturating_add_signed(by);
        self.hold(frames, index);
    }

    /// Plays from the frame on screen, or from the first if that is the last; stops if it is playing.
    pub(crate) fn play(&mut self, frames: &[KeptFrame]) {
        if self.playing.take().is_some() || self.start.take().is_some() || frames.len() < 2 {
            return;
        }
        let index = self.index(frames);
        let from = if index + 1 >= frames.len() { 0 } else { index };
        self.hold(frames, from);
        self.start = Some(from as f64);
    }

    /// Continues playing from this frame after the speed has changed.
    pub(crate) fn restart(&mut self, index: usize) {
        self.start = self.playing.take().map(|_| index as f64);
    }

    /// Shows the frame that is due while playing.
    pub(crate) fn advance(&mut self, ui: &Ui, frames: &[KeptFrame], speed: f32) {
        let now = ui.input(|i| i.time);
        if let Some(from) = self.start.take() {
            self.playing = Some((now, from));
        }
        let Some((since, from)) = self.playing else { return };
        let place = from + (now - since) * FRAMES_PER_SECOND * f64::from(speed);
        let last = frames.len().saturating_sub(1);
        if place >= last as f64 {
            self.follow();
            return;
        }
        self.hold(frames, place as usize);
        ui.ctx().request_repaint();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn frames(steps: &[usize]) -> Vec<KeptFrame> {
        steps.iter().map(|step| KeptFrame { step: *step, pixels: Arc::from([0_u16; 1]) }).collect()
    }

    #[test]
    fn it_follows_the_newest_until_a_step_is_held() {
        let mut film = Playback::default();
        let three = frames(&[0, 10, 20]);
        assert_eq!(film.shown(&three).map(|k| k.step), Some(20));
        film.step(&three, -1);
        assert_eq!(film.shown(&three).map(|k| k.step), Some(10));
        assert_eq!(film.shown(&frames(&[0, 10, 20, 30])).map(|k| k.step), Some(10), "held while more come");
        assert_eq!(film.shown(&frames(&[0, 20])).map(|k| k.step), Some(20), "a dropped frame is replaced by the next");
        film.step(&three, 5);
        assert_eq!((film.held, film.shown(&three).map(|k| k.step)), (None, Some(20)));
        assert_eq!(film.shown(&[]), None);
    }

    #[test]
    fn playing_restarts_at_the_end_and_needs_two_frames() {
        let mut film = Playback::default();
        film.play(&frames(&[0]));
        assert!(film.start.is_none());
        film.play(&frames(&[0, 10, 20]));
        assert_eq!((film.start, film.held), (Some(0.0), Some(0)));
        film.play(&frames(&[0, 10, 20]));
        assert!(film.start.is_none() && film.playing.is_none());
    }
}
