//! What the window does for a presentation: begin, keys, the way back.

use std::path::PathBuf;

use egui::Ui;

use super::App;
use crate::{
    engine::{
        InspectionRequest, Severity,
        inspection::{ModelSource, QueryId, QuerySource},
    },
    ui::{PageId, presentation::Presentation},
};

impl App {
    /// Puts a model in force, inspects these images and shows them to an audience.
    pub fn show_images(&mut self, model: ModelSource, images: Vec<PathBuf>) {
        self.send(InspectionRequest::OpenModel(model));
        self.page = PageId::Inspect;
        let Some(command) = self.inspect.add(images.into_iter().map(QuerySource::File).collect()) else { return };
        if let InspectionRequest::Add(queries) = &command {
            let ids = queries.iter().map(|query| query.id).collect();
            self.presentation = Some(Presentation::awaiting(ids).filling());
        }
        self.send(command);
    }

    /// Presents these parts, or says that there is nothing to present.
    pub(super) fn present(&mut self, parts: Vec<QueryId>) {
        if parts.is_empty() {
            let text = "There is nothing to present yet. Inspect images first: drop them on the window, or open them in \
                        the Inspect workspace.";
            return self.notices.push(Severity::Warning, text);
        }
        // What had the focus keeps no key of the presentation to itself.
        self.ctx.memory_mut(|m| {
            if let Some(id) = m.focused() {
                m.surrender_focus(id);
            }
        });
        self.notices.open = false;
        self.presentation = Some(Presentation::of(parts));
    }

    /// Draws the presentation over the whole window, if there is one.
    pub(super) fn draw_presentation(&mut self, ui: &mut Ui) -> bool {
        let Some(presentation) = &mut self.presentation else { return false };
        presentation.ui(ui, self.engine.state());
        true
    }
}
