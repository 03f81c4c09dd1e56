//! The pages that work is done on.

pub mod evaluate;
pub(super) mod help;
pub mod import;
pub mod inspect;
pub(super) mod log;
pub mod review;
pub mod runs;
pub(super) mod settings;
pub mod start;
pub mod train;

use egui::{ColorImage, Ui};

use super::theme;
use crate::{
    data::{DataSource, Picture},
    engine::EngineState,
    train::Preset,
};

/// The preset that suits the device in use.
pub fn suited_preset(live: &EngineState) -> Preset {
    Preset::suited(live.device.read().as_ref().is_some_and(|device| device.is_gpu))
}

/// A run's data as a person calls it, from how its folder names it.
fn source_title(source: &str) -> String {
    match source.parse() {
        Ok(DataSource::Surface { kind, .. }) => format!("{}, built in", kind.title()),
        _ => source.to_owned(),
    }
}

/// A picture for the screen, at most `side` pixels wide and high, reduced by averaging.
fn thumbnail(picture: &Picture, side: usize) -> ColorImage {
    let (w, h) = (picture.width(), picture.height());
    let factor = (w.max(h) as f32 / side as f32).max(1.0);
    let (tw, th) = (((w as f32 / factor) as usize).max(1), ((h as f32 / factor) as usize).max(1));
    let mut bytes = Vec::with_capacity(tw * th * 3);
    for y in 0..th {
        let rows = y * h / th..((y + 1) * h / th).max(y * h / th + 1);
        for x in 0..tw {
            let columns = x * w / tw..((x + 1) * w / tw).max(x * w / tw + 1);
            for c in 0..3 {
                let mut sum = 0.0;
                for v in rows.clone() {
                    sum += columns.clone().map(|u| picture.unit(u, v, c)).sum::<f32>();
                }
                let mean = sum / (rows.len() * columns.len()) as f32;
                bytes.push(((mean + 1.0) * 127.5).round() as u8);
            }
        }
    }
    ColorImage::from_rgb([tw, th], &bytes)
}

/// A heading of a page's section.
fn section(ui: &mut Ui, title: &str) {
    let p = theme::Palette::of(ui);
    ui.label(egui::RichText::new(title).text_style(theme::section()).color(p.text_strong));
}

/// A text that wraps, in the weak colour.
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
