//! Interface for overlays on the inspected image.

use egui::{Response, Ui};

use crate::ui::{Action, widgets::image_pane::Placement};

/// An overlay on the image that can take the pointer for drawing.
pub(crate) trait QueryOverlay {
    /// Whether a drag over the image draws.
    fn is_drawing(&self) -> bool;
    /// Returns an instruction for the user while drawing.
    fn hint(&self) -> Option<&'static str>;
    /// Adds its tools to the toolbar; `model` says whether a model is active.
    fn tools(&mut self, ui: &mut Ui, model: bool, actions: &mut Vec<Action>);
    /// Draws over the image and handles the pointer.
    fn over(
        &mut self,
        ui: &Ui,
        response: &Response,
        placed: &Placement,
        size: (usize, usize),
        actions: &mut Vec<Action>,
    );
}
