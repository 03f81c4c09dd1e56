//! Commands of the presentation.

use egui::Key;

use super::{
    UiCommand,
    row::{CommandRow, CommandSection, Effect, always, commands, key},
};
use crate::ui::{Action, PageId};

const EVERYWHERE: &[PageId] = &[];
const HERE: &[PageId] = &[PageId::Presentation];

commands! { "Presentation";
    Present {
        title: "Present",
        help: "Presents every inspected image of the list in full screen, one after the other, then a summary.",
        keywords: "presentation slide show stakeholders full screen demo all",
        keys: [key(Key::F5)],
        pages: EVERYWHERE,
        enabled: always,
        effect: Effect::Page(PageId::Inspect),
    }
    PresentPlayPause {
        title: "Pause or resume the presentation",
        help: "Pauses or resumes the presentation; at the end it starts again.",
        keywords: "play slide show halt",
        keys: [key(Key::Space)],
        pages: HERE,
        enabled: always,
        effect: Effect::Page(PageId::Presentation),
    }
    PresentBack {
        title: "Previous part",
        help: "Shows the previous part of the presentation.",
        keywords: "slide show back",
        keys: [key(Key::ArrowLeft)],
        pages: HERE,
        enabled: always,
        effect: Effect::Page(PageId::Presentation),
    }
    PresentForward {
        title: "Next part",
        help: "Shows the next part of the presentation, and the summary after the last.",
        keywords: "slide show forward",
        keys: [key(Key::ArrowRight)],
        pages: HERE,
        enabled: always,
        effect: Effect::Page(PageId::Presentation),
    }
    PresentLeave {
        title: "End the presentation",
        help: "Returns to the page where the presentation was started.",
        keywords: "slide show leave close",
        keys: [key(Key::Escape)],
        pages: HERE,
        enabled: always,
        effect: Effect::Action(|_| Action::EndPresentation),
    }
}
