//! The prefetch thread: reads the images of parts before they are shown, the most urgent first.

use std::{path::Path, sync::Arc};

use crossbeam_channel::Receiver;

use super::{eviction::evict, request::PrefetchRequest, state::PartImage};
use crate::{
    data::{FileHash, decode::decode_hashed},
    engine::EngineState,
    inspect::Planes,
    review::{PartId, Record, kept_picture},
    text::PrintablePath,
};

/// Most images in memory, and most bytes of them.
const LIMIT: (usize, usize) = (16, 512 << 20);

pub(super) struct PrefetchThread {
    state: Arc<EngineState>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl PrefetchThread {
    pub(super) fn new(state: Arc<EngineState>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { state, wake }
    }

    /// Reads the requested images after each wake-up, until the channel is closed.
    pub(super) fn run(self, wakes: &Receiver<()>) {
        for () in wakes {
            // Read again before each file, because the list may have changed.
            while let Some(requested) = self.next() {
                let image = match load(&requested.path, requested.hash) {
                    PartImage::Unavailable(why) => self.kept(requested.part, why),
                    image => image,
                };
                self.state.review.images.write().insert(requested.part, Arc::new(image));
                self.tidy();
                (self.wake)();
                if !self.state.review.images.read().contains_key(&requested.part) {
                    // The limit is reached.
                    break;
                }
            }
        }
    }

    /// The copy of an image in the record, if there is one.
    fn kept(&self, part: PartId, why: String) -> PartImage {
        let record = self.state.review.snapshot.read().path.clone().filter(|path| path.is_file());
        let copy = record.and_then(|path| Record::open_to_read(&path).ok()?.kept_picture(part).ok().flatten());
        match copy.as_deref().and_then(kept_picture::decode) {
            Some(picture) => {
                let planes = Planes::of(&picture, picture.channels(), 1.0);
                PartImage::Kept(Arc::new(planes), format!("{why} Shown is the copy kept in the record."))
            }
            None => PartImage::Unavailable(why),
        }
    }

    /// The most urgent part whose image is missing, if there is room for it.
    fn next(&self) -> Option<PrefetchRequest> {
        let requested = Arc::clone(&self.state.review.requested.lock());
        let images = self.state.review.images.read();
        let (mut bytes, mut largest) = (0, 0);
        for (i, one) in requested.iter().enumerate() {
            match images.get(&one.part).map(|image| image.bytes()) {
                Some(own) => {
                    bytes += own;
                    largest = largest.max(own);
                }
                None if i > 0 && bytes + largest > LIMIT.1 => return None,
                None => return Some(one.clone()),
            }
        }
        None
    }

    fn tidy(&self) {
        let requested: Vec<PartId> = self.state.review.requested.lock().iter().map(|one| one.part).collect();
        evict(&mut self.state.review.images.write(), &requested, LIMIT, |image| image.bytes());
    }
}

/// Reads an image, if the file is the one that was inspected.
fn load(path: &Path, hash: FileHash) -> PartImage {
    let name = path.printable();
    if !path.exists() {
        return PartImage::Unavailable(format!("The image {name} was moved or deleted."));
    }
    match decode_hashed(path) {
        Ok((_, other)) if other != hash => {
            PartImage::Unavailable(format!("The image {name} has changed since it was inspected."))
        }
        Ok((picture, _)) => {
            let planes = Planes::of(&picture, picture.channels(), 1.0);
            PartImage::Loaded(Arc::new(picture), Arc::new(planes))
        }
        Err(error) => PartImage::Unavailable(crate::format::sentence(&error.to_string())),
    }
}
