//! Saving the settings file.

use std::time::{Duration, Instant};

use super::App;
use crate::engine::Severity;

/// Delay between a change of the settings and writing the file.
const DELAY: Duration = Duration::from_secs(2);
/// Interval at which the layouts of the pages are collected.
const LAYOUT_INTERVAL: Duration = Duration::from_secs(1);

impl App {
    /// Copies the pages' layouts to the settings.
    pub(super) fn collect_layouts(&mut self) {
        for (key, layout) in self.pages.layouts() {
            if self.settings.layouts.get(key) != Some(&layout) {
                self.settings.layouts.insert(key.to_owned(), layout);
            }
        }
        self.layouts_at = Some(Instant::now());
    }

    /// Writes the settings some time after a change.
    pub(super) fn save_when_due(&mut self) {
        if self.layouts_at.is_none_or(|at| at.elapsed() >= LAYOUT_INTERVAL) {
            self.collect_layouts();
        }
        if self.settings == self.saved {
            self.changed = None;
            return;
        }
        if let Some(wait) = self.save_retry.wait() {
            self.ctx.request_repaint_after(wait);
            return;
        }
        let since = *self.changed.get_or_insert_with(Instant::now);
        match DELAY.checked_sub(since.elapsed()) {
            Some(wait) if !wait.is_zero() => self.ctx.request_repaint_after(wait),
            _ => self.save(),
        }
    }

    /// Writes the settings if they have changed.
    pub(super) fn save(&mut self) {
        if self.settings == self.saved {
            return;
        }
        match self.settings.save(&self.paths.settings) {
            Ok(()) => {
                if self.save_retry.succeeded() {
                    self.notices.push(Severity::Info, "The settings are saved again.".to_owned());
                }
                self.saved = self.settings.clone();
                self.changed = None;
            }
            Err(error) => {
                let error = error.to_string();
                // Each error is reported once.
                if self.save_retry.failed(&error) {
                    let text =
                        format!("The settings could not be saved: {error}. It is tried again while the program runs.");
                    self.notices.push(Severity::Warning, text);
                }
            }
        }
    }

    /// Remembers the window's size, except in full screen.
    pub(super) fn remember_window(&mut self) {
        let (maximised, full) = self.ctx.input(|i| (i.viewport().maximized, i.viewport().fullscreen));
        self.settings.maximised = maximised == Some(true);
        if maximised == Some(false) && full != Some(true) {
            let size = self.ctx.content_rect().size() * self.ctx.zoom_factor();
            self.settings.window = [size.x.round(), size.y.round()];
        }
    }
}
