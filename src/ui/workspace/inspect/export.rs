//! Writing an inspection for people who were not there.

use std::path::PathBuf;

use egui::Context;

use super::InspectWorkspace;
use crate::engine::{Live, inspect::QueryId};

impl InspectWorkspace {
    /// Writes pictures and figures of these images to a folder, on a thread of its own.
    ///
    /// # Errors
    /// A sentence, when there is nothing to write.
    pub fn export(&mut self, _ctx: &Context, _live: &Live, ids: &[QueryId], _dir: PathBuf) -> Result<(), String> {
        if ids.is_empty() {
            return Err("There is no inspected image to export yet.".to_owned());
        }
        Err("The export is not part of this build yet.".to_owned())
    }
}
