//! Small pictures of a list's rows, read aside and kept on the device.

use std::{
    any::Any,
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::Arc,
};

use egui::{ColorImage, TextureHandle, TextureOptions, Ui};

use crate::engine::background::{BackgroundTask, TaskState};

/// Most thumbnails on the device; beyond that all are read again as they come into sight.
const KEPT: usize = 512;

/// Images read at a time.
const AT_ONCE: usize = 16;

/// Rows and their pictures, those that could be read.
type Read<K> = Vec<(K, Option<ColorImage>)>;

/// The thumbnails of one list, by row.
pub struct Thumbnails<K> {
    /// What the list belongs to, kept so that its address stays its own.
    owner: Option<Arc<dyn Any + Send + Sync>>,
    textures: HashMap<K, TextureHandle>,
    /// Those that could not be read.
    missing: HashSet<K>,
    wanted: Vec<K>,
    task: Option<BackgroundTask<Read<K>>>,
}

impl<K> Default for Thumbnails<K> {
    fn default() -> Self {
        let (textures, missing) = (HashMap::new(), HashSet::new());
        Self { owner: None, textures, missing, wanted: Vec::new(), task: None }
    }
}

impl<K: Copy + Eq + Hash + Send + 'static> Thumbnails<K> {
    /// Takes in what has been read, of this owner's list. The textures are called `name`.
    pub fn begin<T: Any + Send + Sync>(&mut self, ui: &Ui, name: &str, owner: Option<&Arc<T>>) {
        let same = match (&self.owner, owner) {
            (Some(own), Some(other)) => std::ptr::addr_eq(Arc::as_ptr(own), Arc::as_ptr(other)),
            (None, None) => true,
            _ => false,
        };
        if !same {
            let owner = owner.map(|owner| -> Arc<dyn Any + Send + Sync> { Arc::clone(owner) as _ });
            *self = Self { owner, ..Self::default() };
        }
        self.wanted.clear();
        let Some(task) = &self.task else { return };
        match task.poll() {
            TaskState::Running => {}
            TaskState::Over => self.task = None,
            TaskState::Done(images) => {
                self.task = None;
                if self.textures.len() > KEPT {
                    self.textures.clear();
                }
                for (row, image) in images {
                    match image {
                        Some(image) => {
                            let texture = ui.ctx().load_texture(name, image, TextureOptions::LINEAR);
                            self.textures.insert(row, texture);
                        }
                        None => {
                            self.missing.insert(row);
                        }
                    }
                }
            }
        }
    }

    /// The picture of a row, once it is there; it is read if need be.
    pub fn get(&mut self, row: K) -> Option<&TextureHandle> {
        if !self.textures.contains_key(&row) && !self.missing.contains(&row) {
            self.wanted.push(row);
        }
        self.textures.get(&row)
    }

    /// Sends for what was asked for and is not there: `find` says here where a row's picture lies, and `read` reads it
    /// aside.
    pub fn end<W: Send + 'static>(
        &mut self,
        ui: &Ui,
        find: impl Fn(K) -> W,
        read: impl Fn(W) -> Option<ColorImage> + Send + 'static,
    ) {
        if self.task.is_some() || self.wanted.is_empty() || self.owner.is_none() {
            return;
        }
        let wanted: Vec<(K, W)> = self.wanted.iter().take(AT_ONCE).map(|row| (*row, find(*row))).collect();
        let wake = ui.ctx().clone();
        self.task = BackgroundTask::spawn(
            "thumbnails",
            move || wake.request_repaint(),
            move |_| wanted.into_iter().map(|(row, place)| (row, read(place))).collect(),
        )
        .ok();
    }
}
