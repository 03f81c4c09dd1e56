//! Starting a presentation.

use std::{path::PathBuf, sync::Arc};

use super::App;
use crate::{
    engine::{
        InspectionRequest, Severity,
        inspection::{ModelSource, QueryId, QuerySource},
    },
    ui::{PageId, presentation::Presentation},
};

impl App {
    /// Activates a model, inspects these images and presents them.
    pub fn show_images(&mut self, model: ModelSource, images: Vec<PathBuf>) {
        self.send(InspectionRequest::OpenModel(model));
        self.page = PageId::Inspect;
        let Some(request) = self.pages.inspect.add(images.into_iter().map(QuerySource::File).collect()) else { return };
        if let InspectionRequest::Add(queries) = &request {
            let ids = queries.iter().map(|query| query.id).collect();
            self.pages.presentation.start(Presentation::awaiting(ids).filling());
        }
        self.send(request);
    }

    /// Presents inspected images.
    pub(super) fn present(&mut self, parts: Vec<QueryId>) {
        if parts.is_empty() {
            let text = "There is nothing to present yet. Inspect images first: drop them on the window, or open them in \
                        the Inspect page.";
            return self.notices.push(Severity::Warning, text);
        }
        // A focused control would keep keys of the presentation to itself.
        self.ctx.memory_mut(|m| {
            if let Some(id) = m.focused() {
                m.surrender_focus(id);
            }
        });
        self.notices.open = false;
        let engine = Arc::clone(self.engine.state());
        let known = self.pages.inspect.known(&engine, &parts);
        self.pages.presentation.start(Presentation::of(parts, known));
    }
}
