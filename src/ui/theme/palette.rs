//! The colours of the dark and the light theme.
//!
//! Greys are neutral, so that the grey of a surface can be judged beside them. One accent marks interactive elements;
//! verdicts have the colour-blind-safe colours of Okabe and Ito; G and D keep one hue each.

use egui::{Color32, Ui};

use crate::train::Metric;

/// The colours of one theme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Palette {
    /// Whether this is the dark theme.
    pub dark: bool,
    /// Background of the rail, bars and gaps between tiles.
    pub ground: Color32,
    /// Background of panels and tiles.
    pub panel: Color32,
    /// Background of plots.
    pub plot: Color32,
    /// Background of images, a neutral grey in both themes.
    pub picture: Color32,
    /// Captions on `picture`.
    pub on_picture: Color32,
    /// A control at rest.
    pub control: Color32,
    /// A hovered control.
    pub control_hovered: Color32,
    /// A pressed control or an open menu.
    pub control_active: Color32,
    /// Background of text fields.
    pub field: Color32,
    /// Lines between panels and around fields.
    pub hairline: Color32,
    /// Grid lines of a plot.
    pub grid_line: Color32,
    /// Captions, units and secondary text.
    pub text_weak: Color32,
    /// Text.
    pub text: Color32,
    /// Headings and important numbers.
    pub text_strong: Color32,
    /// Accent of interactive elements.
    pub accent: Color32,
    /// Text on the accent.
    pub on_accent: Color32,
    /// Background of a selection.
    pub selection: Color32,
    /// Healthy.
    pub healthy: Color32,
    /// Suspect.
    pub suspect: Color32,
    /// Defective.
    pub defective: Color32,
    /// Warnings, and limits of a chart.
    pub warning: Color32,
    /// Errors.
    pub error: Color32,
    /// The generator.
    pub g: Color32,
    /// The discriminator; D on real crops.
    pub d: Color32,
    /// D on generated crops.
    pub d_fake: Color32,
    /// The critic.
    pub critic: Color32,
    /// The critic on held-out images.
    pub critic_held_out: Color32,
}

const DARK: Palette = Palette {
    dark: true,
    ground: Color32::from_gray(0x16),
    panel: Color32::from_gray(0x1D),
    plot: Color32::from_gray(0x18),
    picture: Color32::from_gray(0x26),
    on_picture: Color32::from_gray(0xBA),
    control: Color32::from_gray(0x2E),
    control_hovered: Color32::from_gray(0x3A),
    control_active: Color32::from_gray(0x46),
    field: Color32::from_gray(0x14),
    hairline: Color32::from_gray(0x34),
    grid_line: Color32::from_gray(0x2A),
    text_weak: Color32::from_gray(0x98),
    text: Color32::from_gray(0xCC),
    text_strong: Color32::from_gray(0xE6),
    accent: Color32::from_rgb(0x6C, 0xB6, 0xF2),
    on_accent: Color32::from_gray(0x10),
    selection: Color32::from_rgb(0x24, 0x4A, 0x6B),
    healthy: Color32::from_rgb(0x4A, 0xA3, 0xE0),
    suspect: Color32::from_rgb(0xE8, 0xA8, 0x1C),
    defective: Color32::from_rgb(0xF0, 0x70, 0x2E),
    warning: Color32::from_rgb(0xDA, 0xD6, 0x4A),
    error: Color32::from_rgb(0xF4, 0x5B, 0x7E),
    g: Color32::from_rgb(0x2E, 0xC4, 0x96),
    d: Color32::from_rgb(0xE5, 0x9A, 0xC4),
    d_fake: Color32::from_rgb(0xA6, 0x7B, 0xE8),
    critic: Color32::from_rgb(0xC9, 0xC2, 0x4A),
    critic_held_out: Color32::from_rgb(0x56, 0xC4, 0xD6),
};

const LIGHT: Palette = Palette {
    dark: false,
    ground: Color32::from_gray(0xE6),
    panel: Color32::from_gray(0xF2),
    plot: Color32::from_gray(0xFA),
    picture: Color32::from_gray(0xC4),
    on_picture: Color32::from_gray(0x30),
    control: Color32::from_gray(0xD6),
    control_hovered: Color32::from_gray(0xC9),
    control_active: Color32::from_gray(0xBC),
    field: Color32::from_gray(0xFC),
    hairline: Color32::from_gray(0xC6),
    grid_line: Color32::from_gray(0xE6),
    text_weak: Color32::from_gray(0x54),
    text: Color32::from_gray(0x2A),
    text_strong: Color32::from_gray(0x0C),
    accent: Color32::from_rgb(0x00, 0x5F, 0xA6),
    on_accent: Color32::from_gray(0xFF),
    selection: Color32::from_rgb(0xB4, 0xD8, 0xF4),
    healthy: Color32::from_rgb(0x00, 0x6A, 0xA8),
    suspect: Color32::from_rgb(0x9A, 0x62, 0x00),
    defective: Color32::from_rgb(0xB8, 0x48, 0x00),
    warning: Color32::from_rgb(0x66, 0x64, 0x00),
    error: Color32::from_rgb(0xB4, 0x0A, 0x3E),
    g: Color32::from_rgb(0x00, 0x7F, 0x5C),
    d: Color32::from_rgb(0xC2, 0x4E, 0x92),
    d_fake: Color32::from_rgb(0x6A, 0x3F, 0xB5),
    critic: Color32::from_rgb(0x6E, 0x68, 0x00),
    critic_held_out: Color32::from_rgb(0x00, 0x74, 0x88),
};

impl Palette {
    /// The palette of the theme of `ui`.
    pub(crate) fn of(ui: &Ui) -> Self {
        Self::new(ui.visuals().dark_mode)
    }

    /// The palette of the dark or the light theme.
    pub(crate) fn new(dark: bool) -> Self {
        if dark { DARK } else { LIGHT }
    }

    /// Colour of a metric's curve; G and D keep one hue each.
    pub(crate) fn series(&self, metric: Metric) -> Color32 {
        match metric {
            Metric::GLoss | Metric::GSuccess | Metric::GradNormG | Metric::Diversity => self.g,
            Metric::DLossReal | Metric::DAccuracyReal | Metric::GradNormD | Metric::Noise => self.d,
            Metric::DLossFake | Metric::DAccuracyFake | Metric::Dropout => self.d_fake,
            Metric::ImagesPerSecond => self.text,
            Metric::MsPerStep => self.text_weak,
            Metric::CriticLoss => self.critic,
            Metric::CriticHeldOut => self.critic_held_out,
        }
    }

    /// Fades a colour for background curves.
    pub(crate) fn faint(&self, colour: Color32) -> Color32 {
        colour.gamma_multiply(if self.dark { 0.34 } else { 0.30 })
    }
}

/// Relative luminance according to WCAG 2.
#[cfg(test)]
fn luminance(c: Color32) -> f64 {
    let linear = |v: u8| {
        let v = f64::from(v) / 255.0;
        if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(c.r()) + 0.7152 * linear(c.g()) + 0.0722 * linear(c.b())
}

/// Contrast ratio according to WCAG 2.
#[cfg(test)]
pub(super) fn contrast(a: Color32, b: Color32) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stands_out_from_everything_it_lies_on() {
        for p in [DARK, LIGHT] {
            for text in [p.text, p.text_strong, p.text_weak] {
                for ground in [p.ground, p.panel, p.plot, p.field, p.control] {
                    let c = contrast(text, ground);
                    assert!(c >= 4.5, "dark {}: {text:?} on {ground:?} is {c:.2}", p.dark);
                }
            }
            assert!(contrast(p.on_accent, p.accent) >= 4.5);
            assert!(contrast(p.accent, p.panel) >= 4.5);
            assert!(contrast(p.text, p.selection) >= 4.5, "the outline of a box on a selected row");
            for colour in
                [p.g, p.d, p.d_fake, p.critic, p.critic_held_out, p.healthy, p.suspect, p.defective, p.warning, p.error]
            {
                let c = contrast(colour, p.panel);
                assert!(c >= 3.0, "dark {}: {colour:?} is {c:.2}", p.dark);
            }
        }
    }

    #[test]
    fn greys_carry_no_tint() {
        for p in [DARK, LIGHT] {
            for c in [p.ground, p.panel, p.plot, p.picture, p.control, p.field, p.hairline, p.text, p.text_weak] {
                assert!(c.r() == c.g() && c.g() == c.b(), "{c:?}");
            }
        }
    }

    #[test]
    fn g_and_d_keep_their_hue() {
        for dark in [true, false] {
            let p = Palette::new(dark);
            assert_eq!(p.series(Metric::GLoss), p.g);
            assert_eq!(p.series(Metric::GradNormG), p.g);
            assert_eq!(p.series(Metric::DLossReal), p.series(Metric::GradNormD));
        }
    }
}
