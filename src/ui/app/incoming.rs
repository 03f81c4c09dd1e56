//! Files dropped on the window, and images pasted from the clipboard.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use egui::{Align2, ColorImage, Context, Event, FontSelection, Id, LayerId, Order, Theme};

use super::App;
use crate::{
    data::{DataSource, Picture, Samples},
    engine::{
        InspectionRequest, Severity,
        inspection::{ModelSource, QuerySource},
    },
    ui::{Action, PageId, theme, typed_path},
};

impl App {
    /// Handles dropped files, with a hint while they hover over the window; returns whether there were any.
    pub(super) fn take_drops(&mut self) -> bool {
        let (hovering, dropped) = self.ctx.input(|i| {
            let dropped: Vec<PathBuf> = i.raw.dropped_files.iter().map(|f| f.path().to_owned()).collect();
            (!i.raw.hovered_files.is_empty(), dropped)
        });
        if hovering {
            drop_hint(&self.ctx);
        }
        if dropped.is_empty() {
            return false;
        }
        let (images, actions) = sort_dropped(dropped, self.page);
        actions.into_iter().for_each(|action| self.apply(action));
        if !images.is_empty() {
            self.inspect(images);
        }
        true
    }

    /// Inspects a pasted image, or the images whose paths were pasted; returns whether there were any. Text pasted into
    /// a field is left to the field.
    pub(super) fn take_paste(&mut self) -> bool {
        if self.is_modal() || self.ctx.text_edit_focused() {
            return false;
        }
        let pasted: Vec<QuerySource> = self.ctx.input(|i| i.events.iter().flat_map(pasted).collect());
        if pasted.is_empty() {
            return false;
        }
        self.inspect(pasted);
        true
    }

    /// Hands images and folders of images to the Inspect page and shows it.
    pub(super) fn inspect(&mut self, sources: Vec<QuerySource>) {
        self.page = PageId::Inspect;
        match self.pages.inspect.take_in(&self.ctx, sources) {
            Ok(added) => {
                if added.folder.is_some() {
                    self.settings.image_folder = added.folder;
                }
                if let Some(request) = added.request {
                    self.send(request);
                }
            }
            Err(error) => {
                let text = format!("The folder cannot be read, because no thread could be started: {error}.");
                self.notices.push(Severity::Error, text);
            }
        }
    }

    /// Inspects two example images with the built-in model.
    pub(super) fn inspect_examples(&mut self) {
        self.page = PageId::Inspect;
        self.send(InspectionRequest::OpenModel(ModelSource::BuiltIn));
        if let Some(request) = self.pages.inspect.add_examples() {
            self.send(request);
        }
    }
}

/// Sorts dropped files by type: images to inspect, and the actions for everything else.
fn sort_dropped(paths: Vec<PathBuf>, page: PageId) -> (Vec<QuerySource>, Vec<Action>) {
    let ends_in = |path: &Path, ending: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
    let (mut images, mut actions) = (Vec::new(), Vec::new());
    let mut imported = false;
    for path in paths {
        if ends_in(&path, "toml") {
            actions.push(Action::LoadRecipe(path));
        } else if ends_in(&path, "ganspect") {
            actions.push(Action::OpenModel(path));
        } else if page == PageId::Evaluate && (path.is_dir() || ends_in(&path, "csv")) {
            actions.push(Action::Evaluate(Some(DataSource::Folder(path))));
        } else if path.is_dir() && page == PageId::Inspect {
            images.push(QuerySource::File(path));
        } else if path.is_dir() || ends_in(&path, "csv") {
            // The import page shows one data set at a time.
            if !std::mem::replace(&mut imported, true) {
                actions.push(Action::Import(path));
            }
        } else {
            images.push(QuerySource::File(path));
        }
    }
    (images, actions)
}

/// The contents of a paste event: an image, or the paths of existing files.
fn pasted(event: &Event) -> Vec<QuerySource> {
    match event {
        Event::PasteImage(image) => {
            picture(image).map(|picture| QuerySource::Picture(Arc::new(picture))).into_iter().collect()
        }
        Event::Paste(text) => {
            let paths = text.lines().filter(|line| typed_path::is_whole(line)).filter_map(typed_path::resolve);
            paths.filter(|path| path.is_file()).map(QuerySource::File).collect()
        }
        _ => Vec::new(),
    }
}

/// Converts an image of the clipboard: to grey if all its pixels are grey, to RGB otherwise.
fn picture(image: &ColorImage) -> Option<Picture> {
    let [width, height] = image.size;
    if image.pixels.iter().all(|p| p.r() == p.g() && p.g() == p.b()) {
        return Picture::new(width, height, 1, Samples::U8(image.pixels.iter().map(|p| p.r()).collect()));
    }
    let rgb = image.pixels.iter().flat_map(|p| [p.r(), p.g(), p.b()]).collect();
    Picture::new(width, height, 3, Samples::U8(rgb))
}

/// Covers the window while files hover over it.
fn drop_hint(ctx: &Context) {
    let p = theme::Palette::new(ctx.theme() == Theme::Dark);
    let painter = ctx.layer_painter(LayerId::new(Order::Foreground, Id::unique("drop-hint")));
    let rect = ctx.content_rect();
    painter.rect_filled(rect, 0.0, p.ground.gamma_multiply(0.9));
    let font = FontSelection::Style(theme::figure()).resolve(&ctx.style_of(ctx.theme()));
    let text = "Drop images to inspect, a model, a folder of healthy images, a CSV list or a recipe";
    painter.text(rect.center(), Align2::CENTER_CENTER, text, font, p.text_strong);
}
