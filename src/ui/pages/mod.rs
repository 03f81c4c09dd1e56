//! The pages of the window, behind one trait.

pub(crate) mod anomaly_regions;
mod command_button;
pub(crate) mod evaluate;
mod examine;
mod folder_roles;
pub(super) mod help;
mod import;
pub(crate) mod inspect;
pub(super) mod log;
mod page;
pub(super) mod promised_rate;
mod reasons;
pub(crate) mod review;
pub(crate) mod runs;
pub(super) mod settings;
mod start;
pub(crate) mod train;

use egui::{ColorImage, Ui};
pub(in crate::ui) use page::Page;

use super::theme;
use crate::{
    data,
    data::{DataSource, Picture},
    engine::EngineState,
    text::PrintablePath,
    train::Preset,
};

/// The default preset for the current device.
pub(crate) fn suited_preset(engine: &EngineState) -> Preset {
    Preset::suited(engine.device.read().as_ref().is_some_and(|device| device.is_gpu))
}

/// Names a run's data source for display.
fn source_title(source: &str) -> String {
    match source.parse() {
        Ok(DataSource::Surface { kind, .. }) => format!("{}, built in", kind.title()),
        Ok(DataSource::Assigned(roles)) => format!("{}, roles set by you", roles.root.printable()),
        _ => source.to_owned(),
    }
}

/// Reduces an image to at most `side` pixels along its longer side, for display.
fn thumbnail(picture: &Picture, side: usize) -> ColorImage {
    let at = |x, y, c| picture.unit(x, y, c);
    let (width, height, bytes) = data::thumbnail::thumbnail((picture.width(), picture.height()), 3, side, at);
    ColorImage::from_rgb([width, height], &bytes)
}

/// The frame of a page of text: the colour of a panel and a wide margin.
fn page_frame(ui: &Ui) -> egui::Frame {
    egui::Frame::central_panel(ui.style()).inner_margin(theme::GAP_L)
}

/// Draws the heading of a section.
fn section(ui: &mut Ui, title: &str) {
    let p = theme::Palette::of(ui);
    ui.label(egui::RichText::new(title).text_style(theme::section()).color(p.text_strong));
}

/// Draws wrapped text in the weak colour.
fn weak(ui: &mut Ui, text: impl Into<String>) {
    let p = theme::Palette::of(ui);
    ui.add(egui::Label::new(egui::RichText::new(text).color(p.text_weak)).wrap());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Samples;

    #[test]
    fn thumbnails_keep_the_proportions_and_the_grey() {
        let picture = Picture::new(400, 100, 1, Samples::U8(vec![128; 40_000])).unwrap();
        let small = thumbnail(&picture, 64);
        assert_eq!(small.size, [64, 16]);
        assert!(small.pixels.iter().all(|p| p.r() == 128 && p.g() == 128));
        let tiny = Picture::new(1, 1, 1, Samples::U8(vec![9])).unwrap();
        assert_eq!(thumbnail(&tiny, 64).size, [1, 1]);
    }
}
