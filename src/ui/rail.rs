//! The navigation rail on the left.

use egui::{
    Align2, EventFilter, FontSelection, Frame, Id, Key, Modifiers, Panel, Response, Role, Sense, Stroke, StrokeKind,
    Ui, Vec2, WidgetInfo, vec2,
};

use super::{Action, PageId, theme};

/// Draws the rail and marks the current page.
pub(crate) fn ui(ui: &mut Ui, page: PageId, actions: &mut Vec<Action>) {
    let p = theme::Palette::of(ui);
    Panel::left("rail").exact_size(theme::RAIL).resizable(false).frame(Frame::new().fill(p.ground)).show(ui, |ui| {
        ui.spacing_mut().item_spacing = Vec2::ZERO;
        // A low window has all entries as well.
        let height = (ui.available_height() / PageId::ALL.len() as f32).floor().min(theme::RAIL_ENTRY);
        for entry in PageId::ALL.into_iter().filter(|e| e.is_workspace()) {
            self::entry(ui, &p, entry, entry == page, height, actions);
        }
        let below = PageId::ALL.into_iter().filter(|e| !e.is_workspace()).count();
        ui.add_space((ui.available_height() - below as f32 * height).max(0.0));
        for entry in PageId::ALL.into_iter().filter(|e| !e.is_workspace()) {
            self::entry(ui, &p, entry, entry == page, height, actions);
        }
    });
}

fn entry(ui: &mut Ui, p: &theme::Palette, page: PageId, current: bool, height: f32, actions: &mut Vec<Action>) {
    // The rail is one stop of the Tab key; the arrow keys go to the other pages.
    let sense = if current { Sense::click() } else { Sense::CLICK };
    let (rect, response) = ui.allocate_exact_size(vec2(theme::RAIL, height), sense);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, current, page.title()));
    let lit = current || response.hovered() || response.has_focus();
    let colour = if lit { p.text_strong } else { p.text_weak };
    let painter = ui.painter();
    if current {
        painter.rect_filled(rect, 0.0, p.panel);
        let mark = egui::Rect::from_min_size(rect.min, vec2(2.0 * theme::HAIRLINE, rect.height()));
        painter.rect_filled(mark, 0.0, p.accent);
    }
    if response.has_focus() {
        painter.rect_stroke(
            rect.shrink(2.0),
            theme::RADIUS,
            Stroke::new(theme::HAIRLINE, p.accent),
            StrokeKind::Inside,
        );
    }
    // Before the arrow keys, which ask for the focus of the next frame's entry.
    if current && ui.data_mut(|data| data.remove_temp::<bool>(Id::unique("rail-focus"))).is_some() {
        response.request_focus();
    }
    if current && response.has_focus() {
        other_page(ui, &response, page, actions);
    }
    let icon = page.icon();
    let size = FontSelection::Style(theme::figure()).resolve(ui.style()).size;
    let icon_font = egui::FontId::new(size, icon.font_family());
    let named = height >= theme::RAIL_NAMED;
    let above = if named { theme::GAP_S } else { 0.0 };
    painter.text(rect.center() - vec2(0.0, above), Align2::CENTER_CENTER, icon.codepoint, icon_font, colour);
    if named {
        let font = FontSelection::Style(theme::caption()).resolve(ui.style());
        painter.text(rect.center() + vec2(0.0, theme::GAP_M), Align2::CENTER_CENTER, page.title(), font, colour);
    }
    let command = page.command();
    if response.on_hover_text(command.tooltip(ui.ctx())).clicked() {
        actions.push(Action::Command(command));
    }
}

/// Shows another page by the arrow keys, and keeps the focus in the rail.
fn other_page(ui: &Ui, response: &Response, page: PageId, actions: &mut Vec<Action>) {
    let filter = EventFilter { vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|m| m.set_focus_lock_filter(response.id, filter));
    let last = PageId::ALL.len() - 1;
    let at = PageId::ALL.iter().position(|own| *own == page).unwrap_or_default();
    let none = Modifiers::NONE;
    let to = ui.input_mut(|i| {
        let keys = [
            (Key::ArrowUp, at.saturating_sub(1)),
            (Key::ArrowDown, (at + 1).min(last)),
            (Key::Home, 0),
            (Key::End, last),
        ];
        keys.into_iter().find(|(key, _)| i.consume_key(none, *key)).map(|(_, to)| to)
    });
    if let Some(to) = to.filter(|to| *to != at) {
        actions.push(Action::Command(PageId::ALL[to].command()));
        // The entry of the other page takes the focus once it is the current one.
        ui.data_mut(|data| data.insert_temp(Id::unique("rail-focus"), true));
    }
}
