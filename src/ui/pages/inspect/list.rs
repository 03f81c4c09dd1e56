//! The image list: thumbnail, name, state, score and progress of every query.

use std::{collections::HashMap, sync::Arc};

use egui::{
    Align, Align2, Color32, ColorImage, FontSelection, Layout, Painter, Rect, Role, ScrollArea, Sense, Stroke,
    StrokeKind, TextureHandle, TextureOptions, Ui, WidgetInfo, pos2, vec2,
};
use egui_material_icons::icons;
use serde::{Deserialize, Serialize};

use super::{
    batch::BatchCounts,
    scene::InspectScene,
    status::{query_mark, state_text},
};
use crate::{
    engine::inspection::{QueryEntry, QueryId, QueryState, Thumbnail},
    format,
    inspect::{Assessment, Judged, Verdict},
    text::PrintablePath,
    ui::{
        Frame, UiCommand,
        pages::reasons,
        theme,
        theme::Palette,
        widgets::{
            elide::{distinct_name, repeated},
            elided, flush_right,
            list_keys::ListKeys,
            ticks,
        },
    },
};

/// Sort order of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Order {
    /// In the order added.
    #[default]
    #[serde(rename = "asked")]
    Added,
    /// Smallest p-value first; queries without a verdict last.
    Worst,
    /// By name, with numbers compared by value.
    Name,
}

/// Sort order and filter of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ListView {
    order: Order,
    /// Whether healthy, suspect, defective queries and those without a verdict are hidden.
    hidden: [bool; 4],
    /// Whether images that do not show this part are hidden.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    other_hidden: bool,
}

/// Filter titles, in the order of [`ListView::hidden`].
const OUTCOMES: [&str; 4] = ["Healthy", "Suspect", "Defective", "No verdict"];

impl ListView {
    /// Filters and sorts the rows; `kept` is never filtered out.
    pub(crate) fn arrange(&self, rows: &mut Vec<Arc<QueryEntry>>, kept: Option<QueryId>) {
        let is_hidden = |entry: &QueryEntry| match entry.assessment().map(|a| a.verdict) {
            Some(Verdict::Healthy) => self.hidden[0],
            Some(Verdict::Suspect) => self.hidden[1],
            Some(Verdict::Defective) => self.hidden[2],
            Some(Verdict::NotThisPart) => self.other_hidden,
            None => self.hidden[3],
        };
        rows.retain(|entry| Some(entry.id) == kept || !is_hidden(entry));
        // Smaller p-values first, then larger scores.
        let rank = |entry: &QueryEntry| entry.assessment().map_or((2.0, 0.0), Assessment::rank);
        match self.order {
            Order::Added => {}
            Order::Worst => rows.sort_by(|a, b| {
                let (a, b) = (rank(a), rank(b));
                a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
            }),
            Order::Name => rows.sort_by_cached_key(|entry| format::natural_key(&entry.name)),
        }
    }

    /// Draws the button that opens the sort and filter menu.
    fn ui(&mut self, ui: &mut Ui) {
        let p = Palette::of(ui);
        let plain = *self == Self::default();
        let button =
            egui::Button::new(icons::ICON_FILTER_LIST.rich_text().color(if plain { p.text_weak } else { p.accent }));
        let response = ui.add(button.frame(false)).accessible_name("Sort and filter");
        let response = response.on_hover_text("Sort order and filter of the list");
        egui::Popup::menu(&response).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
            for (order, title) in
                [(Order::Added, "In order added"), (Order::Worst, "Worst first"), (Order::Name, "By name")]
            {
                ui.radio_value(&mut self.order, order, title);
            }
            ui.separator();
            let others = std::iter::once((&mut self.other_hidden, Verdict::NotThisPart));
            let others = others.map(|(hidden, verdict)| (hidden, format::capitalise(verdict.title())));
            let outcomes = self.hidden.iter_mut().zip(OUTCOMES.map(String::from)).chain(others);
            for (hidden, title) in outcomes {
                let mut shown = !*hidden;
                if ui.checkbox(&mut shown, title).changed() {
                    *hidden = !shown;
                }
            }
            if ui
                .add_enabled(*self != Self::default(), egui::Button::new("Reset"))
                .on_disabled_hover_text("All images are listed in the order added.")
                .clicked()
            {
                *self = Self::default();
            }
        });
    }
}

/// Number of thumbnail textures above which all are dropped and uploaded again on demand.
const KEPT: usize = 256;

/// Commands of a row's context menu.
const ROW_COMMANDS: [UiCommand; 6] = [
    UiCommand::InspectMore,
    UiCommand::InspectAgain,
    UiCommand::InspectStop,
    UiCommand::InspectExport,
    UiCommand::InspectPresent,
    UiCommand::InspectRemove,
];

/// State of the list.
#[derive(Default)]
pub(crate) struct List {
    /// Whether to scroll to the selected query.
    pub reveal: bool,
    /// Whether all queries are to be removed.
    pub clear: bool,
    /// Number of images pasted so far.
    pub pasted: usize,
    /// Last seed of each query that was restarted.
    pub seeds: HashMap<QueryId, u64>,
    /// Scroll offset in the last frame, in points.
    offset: f32,
    thumbnails: HashMap<QueryId, (Arc<Thumbnail>, TextureHandle)>,
}

/// A row as it is drawn.
struct ListRow<'a> {
    entry: &'a QueryEntry,
    /// With the folder where another row has the same name.
    name: String,
    current: bool,
    /// The list has the keyboard, and this row is the current one.
    outlined: bool,
}

impl List {
    /// Draws the list; returns the query that was chosen.
    pub(crate) fn ui(
        &mut self,
        ui: &mut Ui,
        scene: &InspectScene,
        view: &mut ListView,
        frame: &mut Frame<'_>,
    ) -> Option<QueryId> {
        let p = Palette::of(ui);
        let (count, all) = (scene.rows.len(), scene.total);
        let title = match count < all {
            true => format!("{count} of {all} shown"),
            false => BatchCounts::of(&scene.rows).describe(),
        };
        ui.horizontal(|ui| {
            flush_right(ui, |ui| {
                view.ui(ui);
                if ui.max_rect().width() < theme::QUERIES / 2.0 {
                    return;
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.add(egui::Label::new(theme::weak_caption(&p, title)).truncate());
                });
            });
        });
        if self.thumbnails.len() > KEPT {
            self.thumbnails.clear();
        }
        let mut clear = false;
        let pitch = theme::QUERY_ROW;
        ui.spacing_mut().item_spacing.y = 0.0;
        let mut area = ScrollArea::vertical().auto_shrink([false, false]);
        if std::mem::take(&mut self.reveal)
            && let Some(at) = scene.selected
        {
            // Scroll only if the row is out of sight.
            let offset = self.offset;
            let (top, bottom) = (at as f32 * pitch, (at + 1) as f32 * pitch);
            let height = ui.available_height();
            if top < offset {
                area = area.vertical_scroll_offset(top);
            } else if bottom > offset + height {
                area = area.vertical_scroll_offset(bottom - height);
            }
        }
        let rect = ui.available_rect_before_wrap();
        let keys = ListKeys::new(ui, "Image list", rect);
        let page = (rect.height() / pitch) as usize;
        let moved = keys.moved(ui, scene.selected, count, page);
        let mut chosen = moved.and_then(|at| scene.rows.get(at)).map(|entry| entry.id);
        let repeated = repeated(scene.rows.iter().map(|entry| entry.name.as_str()));
        let shown = area.id_salt("queries").show_rows(ui, pitch, count, |ui, range| {
            for at in range {
                let Some(entry) = scene.rows.get(at) else { continue };
                let row = ListRow {
                    entry,
                    name: distinct_name(&entry.name, entry.path(), repeated.contains(entry.name.as_str())),
                    current: scene.selected == Some(at),
                    outlined: keys.focused && scene.selected == Some(at),
                };
                if self.row(ui, &row, &mut clear, frame) {
                    chosen = Some(entry.id);
                    keys.focus(ui);
                }
            }
        });
        self.offset = shown.state.clamped_offset().y;
        self.clear |= clear;
        chosen
    }

    /// Draws one row; returns whether it was chosen.
    fn row(&mut self, ui: &mut Ui, row: &ListRow<'_>, clear: &mut bool, frame: &mut Frame<'_>) -> bool {
        let p = Palette::of(ui);
        let ListRow { entry, current, .. } = *row;
        let size = vec2(ui.available_width() - theme::GAP_XS, theme::QUERY_ROW - 2.0);
        let (rect, response) = ui.allocate_exact_size(size, Sense::CLICK);
        ui.add_space(2.0);
        response.widget_info(|| {
            let text = format!("{}, {}, {}", row.name, query_mark(entry).title(), state_text(entry));
            WidgetInfo::selected(Role::ListBoxOption, true, current, text)
        });
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        if current {
            painter.rect_filled(rect, theme::RADIUS, p.selection);
        } else if response.hovered() {
            painter.rect_filled(rect, theme::RADIUS, p.control);
        }
        if row.outlined {
            painter.rect_stroke(rect, theme::RADIUS, Stroke::new(theme::HAIRLINE, p.accent), StrokeKind::Inside);
        }
        self.paint_row(ui, &painter, rect, row);
        let mut chosen = response.clicked();
        response.context_menu(|ui| {
            // The commands apply to the selected query, so a right click selects the row.
            chosen |= !current;
            for command in ROW_COMMANDS {
                let item = ui.add_enabled(command.enabled(frame.context), egui::Button::new(command.title()));
                let item = item.on_hover_text(command.tooltip(ui.ctx()));
                if item.on_disabled_hover_text(reasons::disabled(command, frame.context, ui.ctx())).clicked() {
                    frame.command(command);
                }
            }
            ui.separator();
            if ui.button("Remove all from list").clicked() {
                *clear = true;
            }
        });
        response.on_hover_text(hover_text(entry));
        chosen
    }

    /// Paints thumbnail, name, state, score and progress of a row.
    fn paint_row(&mut self, ui: &Ui, painter: &Painter, rect: Rect, row: &ListRow<'_>) {
        let p = Palette::of(ui);
        let ListRow { entry, current, .. } = *row;
        let thumb = Rect::from_min_size(
            pos2(rect.left() + 3.0, rect.center().y - theme::THUMBNAIL / 2.0),
            vec2(theme::THUMBNAIL, theme::THUMBNAIL),
        );
        painter.rect_filled(thumb, 0.0, p.picture);
        if let Some(texture) = self.thumbnail(ui, entry) {
            let [w, h] = texture.size().map(|s| s as f32);
            let place = Rect::from_center_size(thumb.center(), vec2(w, h) * (theme::THUMBNAIL / w.max(h)));
            let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
            painter.image(texture.id(), place, whole, Color32::WHITE);
        }
        if rect.width() < theme::QUERIES / 2.0 {
            // In a narrow list the mark lies on the thumbnail.
            let corner = thumb.right_bottom() - vec2(6.0, 6.0);
            painter.circle_filled(corner, 8.0, p.panel);
            theme::paint_mark(painter, &p, query_mark(entry), corner, 10.0);
            return;
        }
        let left = thumb.right() + theme::GAP_S;
        let name_font = FontSelection::Style(egui::TextStyle::Body).resolve(ui.style());
        let small = FontSelection::Style(theme::caption()).resolve(ui.style());
        let colour = if current { p.text_strong } else { p.text };
        let name = elided(ui, &row.name, name_font, colour, rect.right() - left - theme::GAP_XS);
        painter.galley(pos2(left, rect.top() + 5.0), name, colour);
        let line = rect.top() + 33.0;
        theme::paint_mark(painter, &p, query_mark(entry), pos2(left + 5.0, line), 10.0);
        let weak = if current { p.text } else { p.text_weak };
        painter.text(pos2(left + 14.0, line), Align2::LEFT_CENTER, state_text(entry), small.clone(), weak);
        if let Some(score) = entry.assessment().map(|a| a.score) {
            let text = ticks::figure(Some(score as f32));
            painter.text(pos2(rect.right() - 4.0, line), Align2::RIGHT_CENTER, text, small, weak);
        }
        if matches!(entry.state, QueryState::Running | QueryState::Paused) && entry.steps > 0 {
            let share = (entry.step as f32 / entry.steps as f32).clamp(0.0, 1.0);
            let bar =
                Rect::from_min_max(pos2(left, rect.bottom() - 4.0), pos2(rect.right() - 4.0, rect.bottom() - 2.0));
            painter.rect_filled(bar, 1.0, p.control_active);
            painter.rect_filled(bar.with_max_x(bar.left() + bar.width() * share), 1.0, p.accent);
        }
    }

    /// Returns the thumbnail's texture, uploading it on first use.
    fn thumbnail(&mut self, ui: &Ui, entry: &QueryEntry) -> Option<&TextureHandle> {
        let thumbnail = entry.thumbnail.as_ref()?;
        let changed = self.thumbnails.get(&entry.id).is_none_or(|(old, _)| !Arc::ptr_eq(old, thumbnail));
        if changed {
            let size = [thumbnail.width, thumbnail.height];
            if thumbnail.pixels.len() != size[0] * size[1] * thumbnail.channels || thumbnail.pixels.is_empty() {
                return None;
            }
            let image = match thumbnail.channels {
                3 => ColorImage::from_rgb(size, &thumbnail.pixels),
                _ => ColorImage::from_gray(size, &thumbnail.pixels),
            };
            let texture = ui.ctx().load_texture("query", image, TextureOptions::LINEAR);
            self.thumbnails.insert(entry.id, (Arc::clone(thumbnail), texture));
        }
        self.thumbnails.get(&entry.id).map(|(_, texture)| texture)
    }
}

/// Returns the tooltip of a row: path, size, error, score and verdict.
fn hover_text(entry: &QueryEntry) -> String {
    let mut text = entry.path().map_or_else(|| entry.name.clone(), |path| path.printable().to_string());
    if let Some((w, h)) = entry.size {
        text.push_str(&format!("\n{w} × {h} pixels"));
    }
    if let Some(remark) = &entry.remark {
        text.push_str(&format!("\n{}", format::sentence(remark)));
    }
    if let QueryState::Failed(error) = &entry.state {
        text.push_str(&format!("\n{error}"));
    }
    match &entry.judged {
        Some(Judged::Verdict { assessment, .. }) => {
            let score = ticks::figure(Some(assessment.score as f32));
            text.push_str(&format!("\n{} {score}; {}", assessment.kind.title(), assessment.describe()));
        }
        Some(Judged::NoVerdict { reason, .. }) => text.push_str(&format!("\n{}", reason.describe())),
        None => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::inspection::{Query, QuerySource},
        inspect::{ScoreKind, Scores, calibration::MapScale},
    };

    fn entry(name: &str, p: Option<f64>) -> Arc<QueryEntry> {
        let query = Query { id: QueryId::fresh(), name: name.into(), source: QuerySource::File(name.into()) };
        let verdict = |p: f64| if p <= 0.05 { Verdict::Defective } else { Verdict::Healthy };
        let judged = p.map(|p| Judged::Verdict {
            scores: Scores::default(),
            assessment: Assessment {
                kind: ScoreKind::WorstSpot,
                score: 1.0 / p,
                p,
                n: 99,
                rate: 0.05,
                verdict: verdict(p),
                reason: None,
            },
            threshold: 20.0,
            scale: MapScale { difference: 1.0, feature: 1.0, critic: 8.0, distance: 8.0 },
            other_start: false,
        });
        Arc::new(QueryEntry { judged, ..QueryEntry::waiting(&query, 10) })
    }

    fn names(view: &ListView, rows: &[Arc<QueryEntry>], kept: Option<QueryId>) -> Vec<String> {
        let mut rows = rows.to_vec();
        view.arrange(&mut rows, kept);
        rows.iter().map(|e| e.name.clone()).collect()
    }

    #[test]
    fn the_list_is_sorted_and_filtered_and_keeps_the_selected_query() {
        let rows = [entry("c10", Some(0.5)), entry("c9", Some(0.01)), entry("a", None), entry("b", Some(0.2))];
        let of = |order, hidden| ListView { order, hidden, other_hidden: false };
        assert_eq!(names(&ListView::default(), &rows, None), ["c10", "c9", "a", "b"]);
        assert_eq!(names(&of(Order::Worst, [false; 4]), &rows, None), ["c9", "b", "c10", "a"]);
        assert_eq!(names(&of(Order::Name, [false; 4]), &rows, None), ["a", "b", "c9", "c10"]);
        let only_defects = of(Order::Added, [true, true, false, true]);
        assert_eq!(names(&only_defects, &rows, None), ["c9"]);
        assert_eq!(names(&only_defects, &rows, Some(rows[3].id)), ["c9", "b"]);
        // An image that does not show the part comes first, whatever its score, and has a filter of its own.
        let mut other = QueryEntry::clone(&rows[0]);
        if let Some(Judged::Verdict { assessment, .. }) = &mut other.judged {
            (assessment.verdict, assessment.reason) = (Verdict::NotThisPart, Some("it is black".into()));
        }
        other.name = "dark".into();
        let rows = [rows.as_slice(), &[Arc::new(other)]].concat();
        assert_eq!(names(&of(Order::Worst, [false; 4]), &rows, None), ["dark", "c9", "b", "c10", "a"]);
        assert_eq!(names(&only_defects, &rows, None), ["c9", "dark"]);
        let without = ListView { other_hidden: true, ..ListView::default() };
        assert_eq!(names(&without, &rows, None), ["c10", "c9", "a", "b"]);
        // Settings of earlier versions have four filters.
        let earlier: ListView =
            serde_json::from_str("{\"order\":\"name\",\"hidden\":[false,true,false,false]}").unwrap();
        assert_eq!(earlier, of(Order::Name, [false, true, false, false]));
    }
}
