//! Commands of the Inspect page.

use egui::Key;

use super::{
    CommandContext, UiCommand,
    row::{CommandRow, CommandSection, Effect, always, commands, ctrl, ctrl_shift, key, shift},
};
use crate::ui::{Action, PageId, PathRequest};

const HERE: &[PageId] = &[PageId::Inspect];
const IMAGE_PAGES: &[PageId] = &[PageId::Inspect, PageId::Review];

fn on_page(c: &CommandContext) -> bool {
    c.page == PageId::Inspect
}

/// An image is displayed, on the Inspect or the Review page.
fn image(c: &CommandContext) -> bool {
    on_page(c) && c.query.images || c.page == PageId::Review && c.review.part
}

/// The image on show has anomaly regions.
fn regions(c: &CommandContext) -> bool {
    on_page(c) && c.query.regions || c.page == PageId::Review && c.review.regions
}

commands! { "Inspection";
    InspectOpen {
        title: "Open images to inspect…",
        help: "Chooses one or more images; they can also be dropped on the window or pasted.",
        keywords: "query add file load",
        keys: [ctrl(Key::O)],
        pages: HERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Ask(PathRequest::Queries)),
    }
    InspectModel {
        title: "Open a model…",
        help: "Chooses the .ganspect file that images are inspected with.",
        keywords: "load weights generator file",
        keys: [ctrl_shift(Key::M)],
        pages: HERE,
        enabled: always,
        effect: Effect::Action(|_| Action::Ask(PathRequest::Model)),
    }
    InspectPlayPause {
        title: "Pause or resume this image",
        help: "Pauses the inspection of this image after the current step, or resumes it.",
        keywords: "play halt inversion",
        keys: [key(Key::Space)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.running,
        effect: Effect::Page(PageId::Inspect),
    }
    InspectStop {
        title: "Stop this image",
        help: "Stops the inspection of this image and keeps the result so far.",
        keywords: "cancel end inversion",
        keys: [key(Key::S)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.running,
        effect: Effect::Page(PageId::Inspect),
    }
    InspectMore {
        title: "More steps",
        help: "Continues for the same number of steps again.",
        keywords: "continue longer inversion",
        keys: [key(Key::M)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.finished && c.model,
        effect: Effect::Page(PageId::Inspect),
    }
    InspectAgain {
        title: "Try another seed",
        help: "Restarts with the current knobs from different random starting points.",
        keywords: "restart again retry inversion",
        keys: [key(Key::R)],
        pages: HERE,
        enabled: |c| on_page(c) && (c.query.finished || c.query.running) && c.model,
        effect: Effect::Page(PageId::Inspect),
        records: true,
    }
    InspectBack {
        title: "Previous image",
        help: "Selects the image above this one in the list.",
        keywords: "up list",
        keys: [key(Key::ArrowUp)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.others,
        effect: Effect::Page(PageId::Inspect),
    }
    InspectForward {
        title: "Next image",
        help: "Selects the image below this one in the list.",
        keywords: "down list",
        keys: [key(Key::ArrowDown)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.others,
        effect: Effect::Page(PageId::Inspect),
    }
    OutcomeBack {
        title: "Previous part with this outcome",
        help: "Opens the part before this one among those of the test that ended alike, for example missed.",
        keywords: "evaluate test missed false alarm label truth",
        keys: [shift(Key::N)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.alike_before,
        effect: Effect::Page(PageId::Inspect),
    }
    OutcomeForward {
        title: "Next part with this outcome",
        help: "Opens the part after this one among those of the test that ended alike, for example missed.",
        keywords: "evaluate test missed false alarm label truth",
        keys: [key(Key::N)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.alike_after,
        effect: Effect::Page(PageId::Inspect),
    }
    FrameBack {
        title: "Earlier reconstruction",
        help: "Shows the previous stored reconstruction.",
        keywords: "previous frame scrub",
        keys: [key(Key::ArrowLeft)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.frames,
        effect: Effect::Page(PageId::Inspect),
    }
    FrameForward {
        title: "Later reconstruction",
        help: "Shows the next stored reconstruction.",
        keywords: "next frame scrub",
        keys: [key(Key::ArrowRight)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.frames,
        effect: Effect::Page(PageId::Inspect),
    }
    FramePlay {
        title: "Play the convergence",
        help: "Plays the stored reconstructions from first to last.",
        keywords: "animate film replay scrub",
        keys: [key(Key::P)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.frames,
        effect: Effect::Page(PageId::Inspect),
    }
    RegionForward {
        title: "Next anomaly region",
        help: "Selects the next region of the list and brings it to the middle of the images.",
        keywords: "defect area box peak zoom",
        keys: [key(Key::G)],
        pages: IMAGE_PAGES,
        enabled: regions,
        effect: Effect::Page(PageId::Inspect),
    }
    RegionBack {
        title: "Previous anomaly region",
        help: "Selects the previous region of the list and brings it to the middle of the images.",
        keywords: "defect area box peak zoom",
        keys: [shift(Key::G)],
        pages: IMAGE_PAGES,
        enabled: regions,
        effect: Effect::Page(PageId::Inspect),
    }
    ActualPixels {
        title: "Actual size",
        help: "Shows one image pixel per screen pixel.",
        keywords: "1:1 one zoom",
        keys: [key(Key::Num1)],
        pages: HERE,
        enabled: image,
        effect: Effect::Page(PageId::Inspect),
    }
    FitPicture {
        title: "Fit image",
        help: "Shows the whole image.",
        keywords: "zoom reset view",
        keys: [key(Key::F)],
        pages: IMAGE_PAGES,
        enabled: image,
        effect: Effect::Page(PageId::Inspect),
    }
    Blink {
        title: "Blink",
        help: "Alternates image and reconstruction in one pane.",
        keywords: "flicker compare",
        keys: [key(Key::B)],
        pages: IMAGE_PAGES,
        enabled: image,
        effect: Effect::Page(PageId::Inspect),
    }
    Swipe {
        title: "Swipe",
        help: "Uncovers the reconstruction over the image with a draggable divider.",
        keywords: "curtain compare wipe",
        keys: [key(Key::W)],
        pages: IMAGE_PAGES,
        enabled: image,
        effect: Effect::Page(PageId::Inspect),
    }
    MapOverlay {
        title: "Map over the image",
        help: "Overlays the map on the image at the current opacity.",
        keywords: "heatmap overlay blend",
        keys: [key(Key::O)],
        pages: IMAGE_PAGES,
        enabled: image,
        effect: Effect::Page(PageId::Inspect),
    }
    InspectExport {
        title: "Export…",
        help: "Writes images, animation and scores of this inspection to a folder.",
        keywords: "save report png gif csv json tiff",
        keys: [ctrl(Key::E)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.finished,
        effect: Effect::Action(|_| Action::Ask(PathRequest::Export)),
    }
    InspectPresent {
        title: "Present this image",
        help: "Presents this image alone in full screen: its convergence replayed, then the verdict.",
        keywords: "presentation slide show stakeholders full screen demo",
        keys: [shift(Key::F5)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.finished,
        effect: Effect::Page(PageId::Inspect),
    }
    SaveModel {
        title: "Save the model…",
        help: "Writes the active model, with its calibration and regions, to a .ganspect file.",
        keywords: "export weights",
        keys: [ctrl(Key::S)],
        pages: HERE,
        enabled: |c| c.model,
        effect: Effect::Action(|_| Action::Ask(PathRequest::SaveModel)),
    }
    InspectRemove {
        title: "Remove from list",
        help: "Removes this image from the list; the file is kept.",
        keywords: "take off delete close",
        keys: [key(Key::Delete)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.any,
        effect: Effect::Page(PageId::Inspect),
        records: true,
    }
    RegionUndo {
        title: "Undo region change",
        help: "Undoes the last change to the regions.",
        keywords: "mask revert back",
        keys: [ctrl(Key::Z)],
        pages: HERE,
        enabled: |c| on_page(c) && c.query.undo,
        effect: Effect::Page(PageId::Inspect),
    }
}
