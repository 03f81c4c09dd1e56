//! Thumbnails of a list's rows, loaded in the background and kept as textures.

use std::{
    any::Any,
    collections::{HashMap, HashSet},
    hash::Hash,
    sync::Arc,
};

use egui::{ColorImage, TextureHandle, TextureOptions, Ui};

use crate::engine::{BackgroundTask, TaskState};

/// Maximum number of textures; beyond it, all are dropped and loaded again as they become visible.
const KEPT: usize = 512;

/// Images loaded per task.
const AT_ONCE: usize = 16;

/// Rows and their images, `None` for those that could not be read.
type Loaded<K> = Vec<(K, Option<ColorImage>)>;

/// The thumbnails of one list, by row.
pub(crate) struct Thumbnails<K> {
    /// The owner of the list, kept so that its address is not reused.
    owner: Option<Arc<dyn Any + Send + Sync>>,
    textures: HashMap<K, TextureHandle>,
    /// Rows whose image could not be read.
    missing: HashSet<K>,
    requested: Vec<K>,
    task: Option<BackgroundTask<Loaded<K>>>,
}

impl<K> Default for Thumbnails<K> {
    fn default() -> Self {
        let (textures, missing) = (HashMap::new(), HashSet::new());
        Self { owner: None, textures, missing, requested: Vec::new(), task: None }
    }
}

impl<K: Copy + Eq + Hash + Send + 'static> Thumbnails<K> {
    /// Collects the images loaded for this owner's list. `name` is the textures' debug name.
    pub(crate) fn begin<T: Any + Send + Sync>(&mut self, ui: &Ui, name: &str, owner: Option<&Arc<T>>) {
        let same = match (&self.owner, owner) {
            (Some(own), Some(other)) => std::ptr::addr_eq(Arc::as_ptr(own), Arc::as_ptr(other)),
            (None, None) => true,
            _ => false,
        };
        if !same {
            let owner = owner.map(|owner| -> Arc<dyn Any + Send + Sync> { Arc::clone(owner) as _ });
            *self = Self { owner, ..Self::default() };
        }
        self.requested.clear();
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

    /// The thumbnail of a row once it is loaded; requests it otherwise.
    pub(crate) fn get(&mut self, row: K) -> Option<&TextureHandle> {
        if !self.textures.contains_key(&row) && !self.missing.contains(&row) {
            self.requested.push(row);
        }
        self.textures.get(&row)
    }

    /// Loads the requested thumbnails in the background: `find` locates a row's image on this thread, and `read` reads it on
    /// the other.
    pub(crate) fn end<W: Send + 'static>(
        &mut self,
        ui: &Ui,
        find: impl Fn(K) -> W,
        read: impl Fn(W) -> Option<ColorImage> + Send + 'static,
    ) {
        if self.task.is_some() || self.requested.is_empty() || self.owner.is_none() {
            return;
        }
        let located: Vec<(K, W)> = self.requested.iter().take(AT_ONCE).map(|row| (*row, find(*row))).collect();
        let wake = ui.ctx().clone();
        self.task = BackgroundTask::spawn(
            "thumbnails",
            move || wake.request_repaint(),
            move |_| located.into_iter().map(|(row, location)| (row, read(location))).collect(),
        )
        .ok();
    }
}
