//! Opening a part of a test set on the Inspect page.

use std::sync::Arc;

use crate::{engine::inspection::QuerySource, inspect::evaluation::PartTruth, ui::Action};

/// Returns the action that opens an image of a test set on the Inspect page, with what is known of it.
pub(super) fn examine(truth: PartTruth) -> Option<Action> {
    let item = truth.tests().items.get(truth.index())?;
    let source = match item.path.clone().filter(|path| path.is_file()) {
        Some(path) => QuerySource::File(path),
        None => QuerySource::Picture(truth.tests().picture(truth.index()).ok()?),
    };
    Some(Action::Examine { name: item.name.clone(), source, truth: Some(Arc::new(truth)) })
}
