//! Small pictures of the test images, read aside and kept on the device.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use egui::{ColorImage, TextureHandle, TextureOptions, Ui};

use super::super::thumbnail;
use crate::{
    engine::task::{State, Task},
    inspect::TestSet,
    ui::theme,
};

/// Most thumbnails on the device; beyond that all are read again as they come into sight.
const KEPT: usize = 512;

/// Images read at a time.
const AT_ONCE: usize = 16;

/// A place in the test set and its picture, if it could be read.
type Read = (usize, Option<ColorImage>);

/// The thumbnails of one test set.
#[derive(Default)]
pub struct Thumbs {
    owner: Option<Arc<TestSet>>,
    textures: HashMap<usize, TextureHandle>,
    /// Those that could not be read.
    missing: HashSet<usize>,
    wanted: Vec<usize>,
    task: Option<Task<Vec<Read>>>,
}

impl Thumbs {
    /// Takes in what has been read, of this test set.
    pub fn begin(&mut self, ui: &Ui, tests: Option<&Arc<TestSet>>) {
        let same = match (&self.owner, tests) {
            (Some(own), Some(tests)) => Arc::ptr_eq(own, tests),
            (None, None) => true,
            _ => false,
        };
        if !same {
            *self = Self { owner: tests.cloned(), ..Self::default() };
        }
        self.wanted.clear();
        let Some(task) = &self.task else { return };
        match task.poll() {
            State::Running => {}
            State::Over => self.task = None,
            State::Done(images) => {
                self.task = None;
                if self.textures.len() > KEPT {
                    self.textures.clear();
                }
                for (index, image) in images {
                    match image {
                        Some(image) => {
                            let texture = ui.ctx().load_texture("test-image", image, TextureOptions::LINEAR);
                            self.textures.insert(index, texture);
                        }
                        None => {
                            self.missing.insert(index);
                        }
                    }
                }
            }
        }
    }

    /// The picture of a test image, once it is there; it is read if need be.
    pub fn get(&mut self, index: usize) -> Option<&TextureHandle> {
        if !self.textures.contains_key(&index) && !self.missing.contains(&index) {
            self.wanted.push(index);
        }
        self.textures.get(&index)
    }

    /// Sends for what was asked for and is not there.
    pub fn end(&mut self, ui: &Ui) {
        let Some(tests) = self.owner.clone().filter(|_| self.task.is_none() && !self.wanted.is_empty()) else {
            return;
        };
        let wanted: Vec<usize> = self.wanted.iter().copied().take(AT_ONCE).collect();
        let wake = ui.ctx().clone();
        let side = 2 * theme::TEST_THUMBNAIL as usize;
        let read = move |index: usize| tests.picture(index).ok().map(|picture| thumbnail(&picture, side));
        self.task = Task::spawn(
            "test-images",
            move || wake.request_repaint(),
            move |_| wanted.into_iter().map(|index| (index, read(index))).collect(),
        )
        .ok();
    }
}
