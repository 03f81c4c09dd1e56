//! Lists as one stop of the Tab key each, whose selection the keyboard moves.

use egui::{Context, EventFilter, Id, Key, Modifiers, Rect, Role, Sense, Ui, WidgetInfo};

/// A list that is drawn in this frame.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListKeys {
    id: Id,
    /// Whether the list has the keyboard; its current row is then outlined.
    pub focused: bool,
    /// Whether its keys move the selection.
    listens: bool,
}

impl ListKeys {
    /// Registers the list over this area. Call it before its rows are drawn, which must not take the focus themselves.
    pub(crate) fn new(ui: &Ui, name: &str, rect: Rect) -> Self {
        let id = ui.scope_id().with(("list", name));
        let response = ui.interact(rect, id, Sense::focusable_noninteractive());
        response.widget_info(|| WidgetInfo::labeled(Role::ListBox, true, name));
        let focused = response.has_focus();
        if focused {
            let filter = EventFilter { vertical_arrows: true, horizontal_arrows: true, ..EventFilter::default() };
            ui.memory_mut(|m| m.set_focus_lock_filter(id, filter));
            ui.data_mut(|data| data.insert_temp(focused_list(), id));
        }
        Self { id, focused, listens: focused }
    }

    /// The same list, whose keys also move the selection while nothing has the focus: the main list of its page.
    pub(crate) fn of_the_page(self, ui: &Ui) -> Self {
        Self { listens: self.focused || ui.memory(|m| m.focused().is_none()), ..self }
    }

    /// Gives the list the keyboard, after a click on a row.
    pub(crate) fn focus(self, ui: &Ui) {
        ui.memory_mut(|m| m.request_focus(self.id));
    }

    /// Returns the row that the keys of this frame select, of `count` rows of which `page` are visible.
    pub(crate) fn moved(self, ui: &Ui, current: Option<usize>, count: usize, page: usize) -> Option<usize> {
        let last = count.checked_sub(1)?;
        if !self.listens {
            return None;
        }
        let page = page.max(1);
        let mut at = current;
        ui.input_mut(|input| {
            let mut pressed = |key| input.consume_key(Modifiers::NONE, key);
            for (keys, to) in [
                ([Key::ArrowUp, Key::ArrowLeft], at.map_or(0, |at| at.saturating_sub(1))),
                ([Key::ArrowDown, Key::ArrowRight], at.map_or(0, |at| (at + 1).min(last))),
                ([Key::PageUp, Key::PageUp], at.map_or(0, |at| at.saturating_sub(page))),
                ([Key::PageDown, Key::PageDown], at.map_or(0, |at| (at + page).min(last))),
                ([Key::Home, Key::Home], 0),
                ([Key::End, Key::End], last),
            ] {
                if keys.into_iter().any(&mut pressed) {
                    at = Some(to);
                }
            }
        });
        at.filter(|_| at != current)
    }
}

fn focused_list() -> Id {
    Id::unique("focused-list")
}

/// Whether the focus is on a list, which leaves the keys of the page's commands to them.
pub(crate) fn is_list_focused(ctx: &Context) -> bool {
    let list = ctx.data(|data| data.get_temp::<Id>(focused_list()));
    list.is_some() && list == ctx.memory(|m| m.focused())
}

/// Scrolls the scroll area around `ui` by the keys for pages, where no control needs them.
pub(crate) fn scroll_keys(ui: &Ui) {
    if ui.ctx().text_edit_focused() {
        return;
    }
    let page = ui.clip_rect().height() * 0.9;
    ui.input_mut(|input| {
        for (key, by) in
            [(Key::PageUp, page), (Key::PageDown, -page), (Key::Home, f32::MAX / 4.0), (Key::End, -f32::MAX / 4.0)]
        {
            if input.consume_key(Modifiers::NONE, key) {
                return Some(by);
            }
        }
        None
    })
    .inspect(|by| ui.scroll_with_delta(egui::vec2(0.0, *by)));
}
