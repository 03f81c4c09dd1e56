//! Pictures of parts, read before they are asked for: the newest request first, file by file.

use std::{path::Path, sync::Arc};

use crossbeam_channel::Receiver;

use super::{eviction::let_go, request::PrefetchRequest, state::PartImage};
use crate::{
    data::{FileHash, decode::decode_hashed},
    engine::EngineState,
    inspect::Planes,
    review::PartId,
};

/// Most pictures that are kept, and most bytes of them.
const KEPT: (usize, usize) = (16, 512 << 20);

pub(super) struct PrefetchThread {
    live: Arc<EngineState>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl PrefetchThread {
    pub(super) fn new(live: Arc<EngineState>, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { live, wake }
    }

    /// Reads what is wanted each time that the bell rings, until nobody holds it.
    pub(super) fn run(self, rings: &Receiver<()>) {
        for () in rings {
            // Looked at anew before each file: what is on show now goes first.
            while let Some(wanted) = self.next() {
                let sight = see(&wanted.path, wanted.hash);
                self.live.review.sights.write().insert(wanted.part, Arc::new(sight));
                self.tidy();
                (self.wake)();
                if !self.live.review.sights.read().contains_key(&wanted.part) {
                    // There is no room for more of what is wanted.
                    break;
                }
            }
        }
    }

    /// The most urgent part whose picture is not there, if there is room for it.
    fn next(&self) -> Option<PrefetchRequest> {
        let wanted = Arc::clone(&self.live.review.wanted.lock());
        let sights = self.live.review.sights.read();
        let (mut bytes, mut largest) = (0, 0);
        for (i, one) in wanted.iter().enumerate() {
            match sights.get(&one.part).map(|sight| sight.bytes()) {
                Some(own) => {
                    bytes += own;
                    largest = largest.max(own);
                }
                None if i > 0 && bytes + largest > KEPT.1 => return None,
                None => return Some(one.clone()),
            }
        }
        None
    }

    fn tidy(&self) {
        let wanted: Vec<PartId> = self.live.review.wanted.lock().iter().map(|one| one.part).collect();
        let_go(&mut self.live.review.sights.write(), &wanted, KEPT, |sight| sight.bytes());
    }
}

/// The picture in this file, if it is the one that was inspected.
fn see(path: &Path, hash: FileHash) -> PartImage {
    let name = path.display();
    if !path.exists() {
        return PartImage::Gone(format!("There is no picture at {name} any more: it was moved or deleted."));
    }
    match decode_hashed(path) {
        Ok((_, other)) if other != hash => {
            PartImage::Gone(format!("Another picture lies at {name} than the one that was inspected."))
        }
        Ok((picture, _)) => {
            let planes = Planes::of(&picture, picture.channels(), 1.0);
            PartImage::Picture(Arc::new(picture), Arc::new(planes))
        }
        Err(error) => PartImage::Gone(crate::format::sentence(&error.to_string())),
    }
}
