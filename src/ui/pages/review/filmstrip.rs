//! The queue as a filmstrip; only the visible part of it is drawn.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::{Align, Color32, Rect, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::queue::ReviewQueue;
use crate::{
    data,
    data::Picture,
    review::{Part, PartId, Record, ReviewItem, ReviewStatus, kept_picture},
    text::PrintablePath,
    ui::{
        pages::{inspect::status::verdict_mark, thumbnail},
        theme,
        theme::{Palette, ReviewMark, VerdictMark},
        widgets::{
            elide::{distinct_name, repeated},
            elided,
            list_keys::ListKeys,
            thumbnails::Thumbnails,
        },
    },
};

/// State of the filmstrip.
#[derive(Default)]
pub(super) struct Filmstrip {
    thumbs: Thumbnails<PartId>,
    /// Position and queue length at the last automatic scroll.
    revealed: Option<(usize, usize)>,
    /// The parts as first and number, and the names that occur among them more than once.
    repeated: (Option<(*const ReviewItem, usize)>, HashSet<String>),
}

/// Returns the mark of a part's review status.
fn review_mark(status: ReviewStatus, pending: bool) -> Option<ReviewMark> {
    if pending {
        return Some(ReviewMark::Saving);
    }
    match status {
        ReviewStatus::Open => None,
        ReviewStatus::Skipped => Some(ReviewMark::Skipped),
        ReviewStatus::Unsure => Some(ReviewMark::Unsure),
        ReviewStatus::Agreed => Some(ReviewMark::Agreed),
        ReviewStatus::Overruled => Some(ReviewMark::Overruled),
    }
}

/// Returns the image of a part that was judged: the one in its file, if its content is the same, or else the copy in the
/// record.
fn judged_picture(part: &Part, record: &Path) -> Option<Picture> {
    match data::decode::decode_hashed(&part.path) {
        Ok((picture, hash)) if hash == part.hash => Some(picture),
        _ if !record.is_file() => None,
        _ => {
            let copy = Record::open_to_read(record).ok()?.kept_picture(part.id).ok()??;
            kept_picture::decode(&copy)
        }
    }
}

/// One part on the strip.
struct Cell<'a> {
    item: &'a ReviewItem,
    /// With the folder where another part has the same name.
    name: String,
    status: ReviewStatus,
    pending: bool,
    blind: bool,
    current: bool,
    /// The strip has the keyboard, and this is the current part.
    outlined: bool,
}

impl Cell<'_> {
    /// Returns the model's verdict, or unknown while it is hidden.
    fn state(&self) -> VerdictMark {
        if self.blind { VerdictMark::Unknown } else { verdict_mark(self.item.inspection.assessment.verdict) }
    }

    /// Returns the accessible name: file name, model verdict, review status.
    fn label(&self) -> String {
        let verdict = if self.blind { "" } else { self.state().title() };
        let status = review_mark(self.status, self.pending).map_or("", ReviewMark::title);
        let words = [self.name.clone(), verdict.to_owned(), status.to_owned()];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
    }
}

impl Filmstrip {
    /// Draws the strip over all of `ui`; returns the position that was clicked.
    pub(crate) fn ui(
        &mut self,
        ui: &mut Ui,
        queue: &ReviewQueue,
        (items, owner): (&[ReviewItem], &Arc<PathBuf>),
        pending: &dyn Fn(PartId) -> bool,
        blind: bool,
    ) -> Option<usize> {
        let (count, current) = (queue.view().rows().len(), queue.position());
        let reveal = self.revealed != Some((current, count));
        self.revealed = Some((current, count));
        self.thumbs.begin(ui, "review-thumbnail", Some(owner));
        let rect = ui.available_rect_before_wrap();
        let keys = ListKeys::new(ui, "Parts", rect).of_the_page(ui);
        let mut clicked = keys.moved(ui, Some(current), count, (rect.width() / theme::FILM_CELL) as usize);
        self.find_repeated(items);
        ui.style_mut().always_scroll_the_only_direction = true;
        let area = ScrollArea::horizontal().id_salt("film").auto_shrink([false, false]).animated(false);
        area.show_viewport(ui, |ui, viewport| {
            let height = ui.available_height();
            let (origin, size) = (ui.min_rect().min, vec2(count as f32 * theme::FILM_CELL, height));
            ui.set_min_size(size);
            let cell = |place: usize| {
                let left = origin.x + place as f32 * theme::FILM_CELL;
                Rect::from_min_size(pos2(left, origin.y), vec2(theme::FILM_CELL, height))
            };
            if reveal {
                ui.scroll_to_rect(cell(current), Some(Align::Center));
            }
            let first = (viewport.left() / theme::FILM_CELL).max(0.0) as usize;
            let last = ((viewport.right() / theme::FILM_CELL).ceil().max(0.0) as usize).min(count);
            for place in first..last {
                let Some(item) = queue.at(items, place) else { continue };
                let (status, pending) = (queue.view().status(item), pending(item.part.id));
                let (current, name) = (place == current, self.name(item));
                let shown = Cell { item, name, status, pending, blind, current, outlined: current && keys.focused };
                if self.cell(ui, cell(place).shrink(1.0), &shown) {
                    // The page keeps the keyboard: its arrow keys change the part, and its letters give the verdict.
                    clicked = Some(place);
                }
            }
        });
        let find = |part: PartId| {
            let at = items.binary_search_by_key(&part, |item| item.part.id).ok();
            at.and_then(|at| items.get(at)).map(|item| (item.part.clone(), Arc::clone(owner)))
        };
        let side = 2 * theme::FILM_PICTURE as usize;
        let read = move |part: Option<(Part, Arc<PathBuf>)>| {
            let (part, record) = part?;
            judged_picture(&part, &record).map(|picture| thumbnail(&picture, side))
        };
        self.thumbs.end(ui, find, read);
        clicked
    }

    /// Finds the names that occur more than once, when the parts have changed.
    fn find_repeated(&mut self, items: &[ReviewItem]) {
        let key = Some((items.as_ptr(), items.len()));
        if self.repeated.0 != key {
            let names: Vec<String> = items.iter().map(|item| item.part.name()).collect();
            let repeated = repeated(names.iter().map(String::as_str)).into_iter().map(str::to_owned).collect();
            self.repeated = (key, repeated);
        }
    }

    /// Returns the name of a part on screen.
    pub(super) fn name(&self, item: &ReviewItem) -> String {
        let name = item.part.name();
        let repeated = self.repeated.1.contains(&name);
        distinct_name(&name, Some(&item.part.path), repeated)
    }

    /// Draws a part; returns whether it was clicked.
    fn cell(&mut self, ui: &mut Ui, rect: Rect, cell: &Cell<'_>) -> bool {
        let p = Palette::of(ui);
        let response = ui.interact(rect, ui.scope_id().with(cell.item.part.id), Sense::CLICK);
        response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, cell.current, cell.label()));
        let painter = ui.painter();
        if cell.current {
            painter.rect_filled(rect, theme::RADIUS, p.selection);
        } else if response.hovered() {
            painter.rect_filled(rect, theme::RADIUS, p.control);
        }
        if cell.outlined {
            painter.rect_stroke(rect, theme::RADIUS, Stroke::new(theme::HAIRLINE, p.accent), StrokeKind::Inside);
        }
        let middle = pos2(rect.center().x, rect.top() + theme::GAP_XS + theme::FILM_PICTURE / 2.0);
        let place = Rect::from_center_size(middle, vec2(theme::FILM_PICTURE, theme::FILM_PICTURE));
        match self.thumbs.get(cell.item.part.id) {
            Some(texture) => {
                let size = texture.size_vec2();
                let size = size * (theme::FILM_PICTURE / size.max_elem().max(1.0));
                let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
                painter.image(texture.id(), Rect::from_center_size(middle, size), whole, Color32::WHITE);
            }
            None => {
                painter.rect_filled(place, 0.0, p.picture);
            }
        }
        let (left, right) = (rect.left() + theme::GAP_S, rect.right() - theme::GAP_S);
        if !cell.blind {
            theme::paint_mark(painter, &p, cell.state(), pos2(left, place.top() + theme::GAP_XS), theme::ICON);
        }
        if let Some(mark) = review_mark(cell.status, cell.pending) {
            let at = pos2(right, place.top() + theme::GAP_XS);
            painter.circle_filled(at, theme::ICON / 2.0 + 2.0, p.panel);
            theme::paint_mark(painter, &p, mark, at, theme::ICON);
        }
        let colour = if cell.current { p.text_strong } else { p.text };
        let font = theme::caption().resolve(ui.style());
        let name = elided(ui, &cell.name, font, colour, rect.width() - theme::GAP_XS);
        let at = pos2(rect.center().x - name.size().x / 2.0, place.bottom() + 2.0);
        painter.galley(at, name, colour);
        let path = cell.item.part.path.printable().to_string();
        response.on_hover_text(path).clicked()
    }
}
