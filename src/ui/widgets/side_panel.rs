//! The side panel of a workspace, which takes the place of the contents in a narrow window.

use egui::{Rect, Stroke, Ui};

use crate::ui::{focus, theme, theme::Palette};

/// How a workspace is divided into contents and side panel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SidePanel {
    /// There is room for one of the two only.
    narrow: bool,
    /// Where there is room for one only, it is the panel.
    over: bool,
}

impl SidePanel {
    /// Adapts to the width of the workspace.
    pub(crate) fn measure(&mut self, ui: &Ui) {
        self.narrow = ui.available_width() < theme::NARROW;
    }

    /// Whether the panel is shown; `open` is the user's choice for a window with room for both.
    pub(crate) fn is_shown(self, open: bool) -> bool {
        if self.narrow { self.over } else { open }
    }

    /// Shows or hides the panel.
    pub(crate) fn toggle(&mut self, open: &mut bool) {
        let shown = if self.narrow { &mut self.over } else { open };
        *shown = !*shown;
    }

    /// Shows the panel.
    pub(crate) fn show(&mut self, open: &mut bool) {
        if !self.is_shown(*open) {
            self.toggle(open);
        }
    }

    /// Divides `area` into contents and panel, and draws the background of the panel.
    pub(crate) fn split(self, ui: &Ui, area: Rect, open: bool) -> (Option<Rect>, Option<Rect>) {
        if !self.is_shown(open) {
            return (Some(area), None);
        }
        let p = Palette::of(ui);
        let width = match self.narrow {
            true => area.width(),
            false if area.width() >= theme::ROOMY => theme::PANEL,
            false => theme::PANEL_MIN,
        };
        let (rest, panel) = area.split_left_right_at_x(area.right() - width);
        ui.painter().rect_filled(panel, 0.0, p.panel);
        ui.painter().vline(panel.left(), panel.y_range(), Stroke::new(theme::HAIRLINE, p.hairline));
        focus::mark_panel(ui, panel);
        ((!self.narrow).then_some(rest), Some(panel))
    }
}
