//! Commands for the curves and sample grids of the Train page.

use egui::Key;

use super::{
    CommandContext, UiCommand,
    row::{CommandRow, CommandSection, Effect, commands, ctrl, key},
};
use crate::{
    engine::TrainingRequest,
    ui::{Action, PageId, PathRequest},
};

const EVERYWHERE: &[PageId] = &[];

fn on_page(c: &CommandContext) -> bool {
    c.page == PageId::Train
}

commands! { "Curves and samples";
    GridBack {
        title: "Earlier samples",
        help: "Shows the previous sample grid.",
        keywords: "previous scrub",
        keys: [key(Key::ArrowLeft)],
        pages: EVERYWHERE,
        enabled: |c| c.grid && on_page(c),
        effect: Effect::Page(PageId::Train),
    }
    GridForward {
        title: "Later samples",
        help: "Shows the next sample grid.",
        keywords: "next scrub",
        keys: [key(Key::ArrowRight)],
        pages: EVERYWHERE,
        enabled: |c| c.grid && on_page(c),
        effect: Effect::Page(PageId::Train),
    }
    GridPlay {
        title: "Play samples",
        help: "Plays the stored sample grids from first to last.",
        keywords: "animate film scrub",
        keys: [key(Key::P)],
        pages: EVERYWHERE,
        enabled: |c| c.grid && on_page(c),
        effect: Effect::Page(PageId::Train),
    }
    PreviewEma {
        title: "Averaged or live weights",
        help: "Generates the samples from G's averaged weights (EMA) or from the live ones.",
        keywords: "ema average preview",
        keys: [key(Key::E)],
        pages: EVERYWHERE,
        enabled: |c| c.run,
        effect: Effect::Action(|c| Action::engine(TrainingRequest::PreviewEma(!c.averaged))),
    }
    SaveGrid {
        title: "Save sample grid as PNG…",
        help: "Writes the displayed samples to one PNG file.",
        keywords: "export image",
        keys: [ctrl(Key::E)],
        pages: EVERYWHERE,
        enabled: |c| c.grid,
        effect: Effect::Action(|_| Action::Ask(PathRequest::SaveGrid)),
    }
    FitCurves {
        title: "Fit curves",
        help: "Zooms out to all data of every curve.",
        keywords: "zoom reset view",
        keys: [key(Key::F)],
        pages: EVERYWHERE,
        enabled: |c| c.run && on_page(c),
        effect: Effect::Page(PageId::Train),
    }
    LogY {
        title: "Logarithmic curves",
        help: "Switches losses and gradient norms between linear and logarithmic axes.",
        keywords: "log axis scale",
        keys: [key(Key::L)],
        pages: EVERYWHERE,
        enabled: |c| c.run && on_page(c),
        effect: Effect::Action(|_| Action::ToggleLogY),
    }
    CriticPreview {
        title: "Samples or critic input",
        help: "Shows damaged crops, their masks and the critic's output in place of the samples, or the samples.",
        keywords: "synthetic defect damage mask tab",
        keys: [key(Key::C)],
        pages: EVERYWHERE,
        enabled: |c| c.run && on_page(c),
        effect: Effect::Page(PageId::Train),
    }
    CriticPreviewNext {
        title: "Generate other damaged crops",
        help: "Adds new synthetic defects to other healthy crops, with the current knobs.",
        keywords: "critic damage random again",
        keys: [key(Key::N)],
        pages: EVERYWHERE,
        enabled: |c| c.images && on_page(c),
        effect: Effect::Page(PageId::Train),
    }
}
