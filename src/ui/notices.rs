//! Notices: messages shown for a while in a corner and kept in a list.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use egui::{Align, Align2, Area, Context, Id, Layout, Order, ScrollArea, Ui, vec2};
use egui_material_icons::icons;

use super::{Action, theme, widgets::icon_button};
use crate::engine::Severity;

/// Notices kept in the list; the oldest are dropped.
const KEPT: usize = 200;
/// Notices in the corner at a time, the newest ones.
const SHOWN: usize = 4;
const WIDTH: f32 = 400.0;
const LIST_HEIGHT: f32 = 420.0;

/// One notice.
#[derive(Debug)]
pub(crate) struct Notice {
    id: u64,
    /// Severity.
    pub severity: Severity,
    /// The message: the event, the file concerned, and the remedy.
    pub text: String,
    /// Technical detail, or empty.
    pub detail: String,
    /// Label and action of a button; `None` once it has been used.
    offer: Option<(&'static str, Action)>,
    at: Instant,
    /// Time until which it is shown in the corner; `None` afterwards.
    until: Option<Instant>,
}

/// All notices since the program started.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    kept: VecDeque<Notice>,
    next: u64,
    unseen: usize,
    /// The list is open.
    pub open: bool,
}

impl Notices {
    /// Adds a notice, logs it and shows it in the corner.
    pub(crate) fn push(&mut self, severity: Severity, text: impl Into<String>) {
        let text = text.into();
        log(severity, &text);
        self.add(severity, text, String::new(), None);
    }

    /// Like [`push`](Self::push), with a button that performs an action.
    pub(crate) fn offer(&mut self, severity: Severity, text: impl Into<String>, label: &'static str, action: Action) {
        let text = text.into();
        log(severity, &text);
        self.add(severity, text, String::new(), Some((label, action)));
    }

    /// Adds a notice of the engine, which has logged it.
    pub(crate) fn add_logged(&mut self, severity: Severity, text: String, detail: String) {
        self.add(severity, text, detail, None);
    }

    fn add(&mut self, severity: Severity, text: String, detail: String, offer: Option<(&'static str, Action)>) {
        let now = Instant::now();
        let shown = match (severity, offer.is_some()) {
            (Severity::Info, false) => 6,
            (Severity::Info, true) | (Severity::Warning, _) => 12,
            (Severity::Error, _) => 60,
        };
        let until = Some(now + Duration::from_secs(shown));
        self.kept.push_back(Notice { id: self.next, severity, text, detail, offer, at: now, until });
        self.next += 1;
        self.unseen += 1;
        while self.kept.len() > KEPT {
            self.kept.pop_front();
        }
    }

    /// All notices, oldest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Notice> {
        self.kept.iter()
    }

    /// The number of notices, the number since the list was last open, and the highest severity of those.
    pub(crate) fn count(&self) -> (usize, usize, Option<Severity>) {
        let gravest = self.kept.iter().rev().take(self.unseen).map(|n| n.severity).max_by_key(|s| *s as u8);
        (self.kept.len(), self.unseen, gravest)
    }

    /// Draws the newest notices in the corner above the status bar, and the list while it is open.
    pub(crate) fn ui(&mut self, ctx: &Context, above: f32, actions: &mut Vec<Action>) {
        if self.open {
            self.unseen = 0;
            for notice in &mut self.kept {
                notice.until = None;
            }
            self.list(ctx, above, actions);
        } else {
            self.corner(ctx, above, actions);
        }
    }

    fn corner(&mut self, ctx: &Context, above: f32, actions: &mut Vec<Action>) {
        let now = Instant::now();
        for notice in &mut self.kept {
            if notice.until.is_some_and(|until| until <= now) {
                notice.until = None;
            }
        }
        let mut shown: Vec<&mut Notice> = self.kept.iter_mut().filter(|n| n.until.is_some()).collect();
        let skip = shown.len().saturating_sub(SHOWN);
        for notice in shown.drain(..skip) {
            notice.until = None;
        }
        let Some(soonest) = shown.iter().filter_map(|n| n.until).min() else { return };
        ctx.request_repaint_after(soonest.saturating_duration_since(now));
        let area = Area::new(Id::unique("notices")).order(Order::Foreground).movable(false);
        area.anchor(Align2::RIGHT_BOTTOM, vec2(-theme::GAP_M, -above - theme::GAP_M)).show(ctx, |ui| {
            ui.set_width(WIDTH);
            for notice in shown {
                let p = theme::Palette::of(ui);
                let frame = egui::Frame::popup(ui.style()).inner_margin(theme::GAP_M);
                let response = frame.show(ui, |ui| {
                    ui.set_width(WIDTH - 2.0 * theme::GAP_M);
                    let close = body(ui, &p, notice, true, actions);
                    if close {
                        notice.until = None;
                    }
                });
                if response.response.contains_pointer() && notice.until.is_some() {
                    notice.until = notice.until.max(Some(now + Duration::from_secs(3)));
                }
            }
        });
    }

    fn list(&mut self, ctx: &Context, above: f32, actions: &mut Vec<Action>) {
        let area = Area::new(Id::unique("notice-list")).order(Order::Foreground).movable(false);
        area.anchor(Align2::RIGHT_BOTTOM, vec2(-theme::GAP_M, -above - theme::GAP_S)).show(ctx, |ui| {
            egui::Frame::popup(ui.style()).inner_margin(theme::GAP_M).show(ui, |ui| {
                let p = theme::Palette::of(ui);
                ui.set_width(WIDTH);
                ui.horizontal(|ui| {
                    ui.label(egui::RichText::new("Notices").text_style(theme::section()).color(p.text_strong));
                    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                        if icon_button(ui, icons::ICON_CLOSE, "Close the list of notices", true).clicked() {
                            self.open = false;
                        }
                        if !self.kept.is_empty() && ui.button("Clear").clicked() {
                            self.kept.clear();
                        }
                    });
                });
                ui.separator();
                if self.kept.is_empty() {
                    ui.label(theme::weak_caption(&p, "No notices."));
                    return;
                }
                ScrollArea::vertical().max_height(LIST_HEIGHT).show(ui, |ui| {
                    ui.set_width(WIDTH);
                    for (i, notice) in self.kept.iter_mut().rev().enumerate() {
                        if i > 0 {
                            ui.separator();
                        }
                        body(ui, &p, notice, false, actions);
                        ui.add_space(theme::GAP_XS);
                    }
                });
            });
        });
        if ctx.input_mut(|i| i.consume_key(egui::Modifiers::NONE, egui::Key::Escape)) {
            self.open = false;
        }
    }
}

fn log(severity: Severity, text: &str) {
    match severity {
        Severity::Info => tracing::info!("{text}"),
        Severity::Warning => tracing::warn!("{text}"),
        Severity::Error => tracing::error!("{text}"),
    }
}

/// Formats the time since an event, coarsely enough not to change while being read.
pub(crate) fn ago(past: Duration) -> String {
    match past.as_secs() {
        0..60 => "just now".to_owned(),
        seconds @ 60..3600 => format!("{} min ago", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h ago", seconds / 3600),
        seconds => format!("{} d ago", seconds / 86_400),
    }
}

/// Draws a notice; returns whether it is to be closed.
fn body(ui: &mut Ui, p: &theme::Palette, notice: &mut Notice, closable: bool, actions: &mut Vec<Action>) -> bool {
    let mut close = false;
    let mark = theme::Mark::from(theme::NoticeMark::from(notice.severity));
    ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
        if closable && icon_button(ui, icons::ICON_CLOSE, "Dismiss this notice", true).clicked() {
            close = true;
        }
        ui.with_layout(Layout::left_to_right(Align::Min), |ui| {
            let (rect, response) = ui.allocate_exact_size(vec2(theme::ICON, theme::ROW_TIGHT), egui::Sense::hover());
            response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Image, true, mark.title()));
            theme::paint_mark(ui.painter(), p, mark, rect.center(), theme::ICON);
            ui.vertical(|ui| {
                ui.add(egui::Label::new(&notice.text).wrap().selectable(true));
                if let Some((label, action)) = notice.offer.take() {
                    if ui.button(label).clicked() {
                        actions.push(action);
                        close = true;
                    } else {
                        notice.offer = Some((label, action));
                    }
                }
                if !closable {
                    ui.label(theme::weak_caption(p, ago(notice.at.elapsed())));
                }
                if !notice.detail.is_empty() {
                    egui::CollapsingHeader::new("Detail").id_salt(notice.id).show(ui, |ui| {
                        ui.add(
                            egui::Label::new(egui::RichText::new(&notice.detail).monospace()).wrap().selectable(true),
                        );
                        if ui.button("Copy").clicked() {
                            actions.push(Action::Copy(format!("{}\n{}", notice.text, notice.detail)));
                        }
                    });
                }
            });
        });
    });
    close
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_bounded_and_knows_the_gravest_unseen() {
        let mut notices = Notices::default();
        notices.push(Severity::Warning, "a");
        for i in 0..KEPT {
            notices.push(Severity::Info, format!("{i}"));
        }
        assert_eq!(notices.count().0, KEPT);
        assert_eq!(notices.count().2, Some(Severity::Info));
        notices.push(Severity::Error, "b");
        assert_eq!(notices.count().2, Some(Severity::Error));
    }
}
