//! Moving the keyboard focus between the regions of the window, and to a control that is asked for by name.

use egui::{Context, Id, LayerId, Rect, Ui, WidgetRect};

use super::{status_bar, theme};

/// A region of the window, in the order in which F6 goes through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FocusRegion {
    /// The rail.
    Rail,
    /// The page without its side panel.
    Page,
    /// The side panel of the page.
    Panel,
    /// The status bar.
    Status,
}

const REGIONS: [FocusRegion; 4] = [FocusRegion::Rail, FocusRegion::Page, FocusRegion::Panel, FocusRegion::Status];

/// Smallest width of a control that is focused by its name; the marks beside a control are smaller.
const LEAST: f32 = 16.0;

/// Remembers where the side panel of the page is in this frame.
pub(crate) fn mark_panel(ui: &Ui, rect: Rect) {
    let frame = ui.ctx().cumulative_frame_nr();
    ui.data_mut(|data| data.insert_temp(Id::unique("side-panel"), (frame, rect)));
}

/// The side panel of this frame, if the page has one.
fn panel(ctx: &Context) -> Option<Rect> {
    let (frame, rect) = ctx.data(|data| data.get_temp::<(u64, Rect)>(Id::unique("side-panel")))?;
    (frame == ctx.cumulative_frame_nr()).then_some(rect)
}

/// Moves the focus to the next region that has a control, or to the previous one. A region that had the focus before has
/// it again at the same control. Called at the end of a frame, when all its controls are known.
pub(crate) fn move_region(ctx: &Context, forward: bool) {
    let (screen, panel) = (ctx.content_rect(), panel(ctx));
    let region = |rect: Rect| match rect.center() {
        at if at.y > screen.bottom() - status_bar::HEIGHT => FocusRegion::Status,
        at if at.x < screen.left() + theme::RAIL => FocusRegion::Rail,
        at if panel.is_some_and(|panel| panel.contains(at)) => FocusRegion::Panel,
        _ => FocusRegion::Page,
    };
    let focusable: Vec<(Id, FocusRegion)> = ctx.viewport(|viewport| {
        let widgets = viewport.this_pass.widgets.get_layer(LayerId::background());
        let can = |w: &&WidgetRect| w.sense.is_focusable() && w.enabled && w.visible && w.rect.is_positive();
        widgets.filter(can).map(|w| (w.id, region(w.rect))).collect()
    });
    let focused = ctx.memory(|m| m.focused());
    let current = focused.and_then(|id| focusable.iter().find(|(own, _)| *own == id)).copied();
    let last = |region: FocusRegion| Id::unique("last-focus").with(region as usize);
    if let Some((id, region)) = current {
        ctx.data_mut(|data| data.insert_temp(last(region), id));
    }
    // Without a focus, the page comes next.
    let at = current.map_or(if forward { 0 } else { 2 }, |(_, region)| region as usize);
    let step = if forward { 1 } else { REGIONS.len() - 1 };
    for n in 1..=REGIONS.len() {
        let region = REGIONS[(at + n * step) % REGIONS.len()];
        let kept = ctx.data(|data| data.get_temp::<Id>(last(region)));
        let of_region = || focusable.iter().filter(|(_, own)| *own == region).map(|(id, _)| *id);
        if let Some(id) = of_region().find(|id| Some(*id) == kept).or_else(|| of_region().next()) {
            ctx.memory_mut(|m| m.request_focus(id));
            ctx.request_repaint();
            return;
        }
    }
}

/// Asks for the control of this name to be shown and focused, once it is drawn.
pub(crate) fn reveal(ctx: &Context, name: &'static str) {
    ctx.data_mut(|data| data.insert_temp(Id::unique("revealed"), name));
    ctx.request_repaint();
}

/// Whether a control is asked for whose name fulfils a condition.
pub(crate) fn is_asked_for(ui: &Ui, is: impl FnOnce(&str) -> bool) -> bool {
    ui.data(|data| data.get_temp::<&'static str>(Id::unique("revealed"))).is_some_and(is)
}

/// Scrolls to a control that was drawn into `rect` and gives it the focus, if it is asked for.
pub(crate) fn answer(ui: &Ui, name: &str, rect: Rect) {
    if !is_asked_for(ui, |asked| asked == name) {
        return;
    }
    ui.data_mut(|data| data.remove::<&'static str>(Id::unique("revealed")));
    ui.scroll_to_rect(rect, Some(egui::Align::Center));
    let id = ui.ctx().viewport(|viewport| {
        let inside = |w: &&WidgetRect| rect.contains(w.rect.center()) && w.rect.width() >= LEAST;
        let can = |w: &&WidgetRect| w.sense.is_focusable() && w.enabled && w.rect.is_positive();
        viewport.this_pass.widgets.get_layer(ui.layer_id()).filter(inside).find(can).map(|w| w.id)
    });
    if let Some(id) = id {
        ui.memory_mut(|m| m.request_focus(id));
    }
}
